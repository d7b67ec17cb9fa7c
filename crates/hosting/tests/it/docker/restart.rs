//! The daemon goes away and comes back, or is not on this machine.

use std::time::Duration;

use bollard::query_parameters::ListContainersOptionsBuilder;
use cupola_hosting::{Code, DockerRuntime, DockerSettings, Exit, Runtime as _};
use rustix::process::Signal;

use super::{daemon::OwnDaemon, host::Host};

const WAITS: &str = "echo ready; exec sleep 1000";

#[tokio::test]
async fn a_daemon_that_dies_ends_its_sandboxes_and_the_next_one_is_used() {
    let mut daemon = OwnDaemon::start().await;
    let host = Host::on(daemon.socket(), daemon.client().await, "dies").await;
    let shell = host.shell().await;
    let running = host.start(&shell, host.spec("one", WAITS)).await;
    running.says("ready").await;

    daemon.end(Signal::KILL);
    assert_eq!(running.ended().await, Exit::default());
    assert!(running.text(None).contains("The Docker daemon went away"), "{}", running.text(None));
    running.sandbox.stop(Duration::ZERO).await;
    let failure = host.runtime.start(&shell, host.spec("two", "")).await.err().unwrap();
    assert_eq!(failure.code, Code::SandboxUnavailable);
    assert!(failure.message.contains("does not answer"), "{failure}");

    daemon.start_again().await;
    assert_eq!(host.print(&shell, "echo again").await, "again");
    let all = ListContainersOptionsBuilder::default().all(true).build();
    assert_eq!(
        host.docker.list_containers(Some(all)).await.unwrap(),
        [],
        "what could not be removed then is gone"
    );
    host.close().await;
}

#[tokio::test]
async fn a_daemon_that_is_stopped_ends_its_sandboxes() {
    let mut daemon = OwnDaemon::start().await;
    let host = Host::on(daemon.socket(), daemon.client().await, "stops").await;
    let shell = host.shell().await;
    let running = host.start(&shell, host.spec("one", WAITS)).await;
    running.says("ready").await;
    daemon.end(Signal::TERM);
    running.ended().await;
    running.sandbox.stop(Duration::ZERO).await;
    daemon.start_again().await;
    assert_eq!(host.print(&shell, "echo again").await, "again");
    host.close().await;
}

#[tokio::test]
async fn a_daemon_whose_networks_are_elsewhere_is_refused_at_once() {
    let daemon = OwnDaemon::start_elsewhere().await;
    let settings = DockerSettings {
        owner: "elsewhere".to_owned(),
        socket: Some(daemon.socket()),
        ..DockerSettings::default()
    };
    let failure = DockerRuntime::connect(settings).await.unwrap_err();
    assert_eq!(failure.code, Code::SandboxUnavailable);
    assert!(failure.message.contains("its networks are not on this machine"), "{failure}");
}
