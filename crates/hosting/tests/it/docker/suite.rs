//! What every runtime does, on the Docker runtime.

use std::sync::Arc;

use cupola_hosting::DockerRuntime;

use super::host::Host;
use crate::runtime_suite::{Bench, runtime_suite};

async fn bench() -> Bench {
    let host = Host::new("suite").await;
    let source = host.shell().await.source;
    Bench {
        runtime: Arc::new(DockerRuntime::connect(host.settings.clone()).await.unwrap()),
        source,
        isolates: true,
        _keeps: vec![Box::new(host)],
    }
}

// All but one: without a way out, a container still reaches its bridge's gateway, which is this machine. What
// it does not reach is held in `network`.
runtime_suite! { bench:
    what_is_present_is_not_fetched_again
    output_and_exit_code_are_told
    the_environment_is_the_images_and_the_sessions
    the_home_is_kept_and_also_found_under_files
    mounts_are_seen_and_only_written_where_that_is_meant
    a_port_refuses_until_somebody_listens
    the_service_is_reached_from_inside
    a_program_is_asked_to_end_and_then_ended
    after_its_end_a_sandbox_refuses_connections
    one_id_can_be_used_again_and_again
    a_hungry_program_is_killed_and_that_is_said
    a_program_that_forks_without_end_is_held
    a_full_disk_is_told_as_such
    only_the_listed_hosts_are_reached_where_there_is_a_list
    sandboxes_do_not_see_each_other_nor_this_machine
}
