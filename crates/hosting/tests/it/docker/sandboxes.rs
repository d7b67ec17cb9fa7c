//! The life of a sandbox.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use cupola_hosting::{
    Code, DockerRuntime, DockerSettings, Exit, LogStream, Mount, Program, Runtime as _, Source,
};

use super::{
    host::Host,
    images::{self, Image, SHELL},
};

const SERVES: &str = "echo it lives >/www/index.html; exec httpd -f -p 8088 -h /www";

#[tokio::test]
async fn a_sandbox_answers_on_its_port_and_refuses_before_and_after() {
    let host = Host::new("answers").await;
    let shell = host.shell().await;
    let spec = host
        .spec("one", &format!("echo begun; while [ ! -e /home/session/go ]; do sleep 0.02; done; {SERVES}"));
    let home = spec.home.clone();
    let running = host.start(&shell, spec).await;
    running.says("begun").await;
    let refused = running.sandbox.connect().await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    fs::write(home.join("go"), "").unwrap();
    assert!(running.get("/").await.ends_with("it lives\n"));
    assert_eq!(*running.sandbox.exit().borrow(), None);
    running.sandbox.stop(Duration::ZERO).await;
    running.sandbox.stop(Duration::ZERO).await;
    let refused = running.sandbox.connect().await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    host.close().await;
}

#[tokio::test]
async fn the_home_outlives_the_sandbox_and_nothing_else_does() {
    let host = Host::new("home").await;
    let shell = host.shell().await;
    let spec = host.spec("one", "cd && echo kept >note; echo lost >/tmp/note; echo lost >/note; pwd");
    let home = spec.home.clone();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(host.print_with(&shell, spec).await, "/home/session");
    assert_eq!(fs::read_to_string(home.join("note")).unwrap(), "kept\n");
    let second = host.print(&shell, "ls -A /home/session /tmp /note 2>/dev/null || true").await;
    assert!(!second.contains("note\n/tmp:\nnote"), "{second}");
    let containers = host.docker.list_containers(None::<bollard::query_parameters::ListContainersOptions>);
    let names = containers.await.unwrap().into_iter().flat_map(|it| it.names.unwrap_or_default());
    assert!(!names.into_iter().any(|name| name.contains(&host.settings.owner)));
    host.close().await;
}

#[tokio::test]
async fn a_user_without_rights_may_write_its_home_too() {
    let host = Host::new("user").await;
    let reference = host.reference("agent:user");
    let instructions = [SHELL.instructions[0], "USER 4711:4712"];
    images::publish(&host.docker, &Image { instructions: &instructions, ..SHELL }, &reference).await;
    let prepared = host.prepare(&reference).await.0.unwrap();
    let printed = host.print(&prepared, "id -u; echo a >$HOME/a && echo b >/tmp/b && echo written").await;
    assert_eq!(printed, "4711\nwritten");
    host.close().await;
}

#[tokio::test]
async fn mounts_are_seen_and_only_written_where_they_may_be() {
    let host = Host::new("mounts").await;
    let shell = host.shell().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), "certificate").unwrap();
    let mut spec =
        host.spec("one", "cat /etc/ca.pem; echo; echo x >/etc/ca.pem || echo read only; echo y >/shared/y");
    spec.mounts = vec![
        Mount { from: folder.path().join("ca.pem"), to: "/etc/ca.pem".into(), writable: false },
        Mount { from: folder.path().to_owned(), to: "/shared".into(), writable: true },
    ];
    assert_eq!(host.print_with(&shell, spec).await, "certificate\nread only");
    assert_eq!(fs::read_to_string(folder.path().join("y")).unwrap(), "y\n");
    host.close().await;
}

#[tokio::test]
async fn the_environment_adds_to_what_the_image_sets() {
    let host = Host::new("environment").await;
    let reference = host.reference("agent:env");
    let instructions = [SHELL.instructions[0], "ENV A=image", "ENV B=image"];
    images::publish(&host.docker, &Image { instructions: &instructions, ..SHELL }, &reference).await;
    let prepared = host.prepare(&reference).await.0.unwrap();
    let mut spec = host.spec("one", r#"echo "$A" "$B" "$C""#);
    let own = [("B", "own"), ("C", "two words")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    spec.environment.extend(BTreeMap::from(own));
    assert_eq!(host.print_with(&prepared, spec).await, "image own two words");
    host.close().await;
}

#[tokio::test]
async fn code_runs_in_the_image_of_its_language_and_cannot_change_itself() {
    let host = Host::new("code").await;
    let reference = host.reference("base:1");
    images::publish(&host.docker, &SHELL, &reference).await;
    let settings = DockerSettings {
        images: BTreeMap::from([("shell_1".to_owned(), reference)]),
        ..host.settings.clone()
    };
    let host = Host { runtime: DockerRuntime::connect(settings).await.unwrap(), ..host };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.sh"), "pwd; echo $1; echo x >/app/x || echo read only").unwrap();
    let program = Program {
        folder: folder.path().to_owned(),
        entry_point: ["sh", "main.sh", "argument"].map(ToOwned::to_owned).to_vec(),
        language: "shell_1".to_owned(),
    };
    let prepared = host.prepare_source(&Source::Code(program)).await.0.unwrap();
    assert_eq!(host.print(&prepared, "").await, "/app\nargument\nread only");
    host.runtime.forget(&prepared).await.unwrap();
    assert_eq!(host.print(&prepared, "").await, "/app\nargument\nread only");
    host.close().await;
}

#[tokio::test]
async fn a_program_that_fails_leaves_its_exit_code_and_its_last_words() {
    let host = Host::new("fails").await;
    let shell = host.shell().await;
    let script = "echo one; echo two >&2; printf 'last words' >&2; exit 3";
    let running = host.start(&shell, host.spec("one", script)).await;
    assert_eq!(running.ended().await, Exit { code: Some(3), ..Exit::default() });
    assert_eq!(running.text(Some(LogStream::Stderr)), "two\nlast words");
    assert_eq!(running.text(Some(LogStream::Stdout)), "one");
    running.sandbox.stop(Duration::ZERO).await;
    host.close().await;
}

#[tokio::test]
async fn a_flood_of_output_holds_nobody_up() {
    let host = Host::new("flood").await;
    let shell = host.shell().await;
    let running = host.start(&shell, host.spec("one", "seq 1 300000; echo the end")).await;
    assert_eq!(running.ended().await.code, Some(0));
    assert!(running.text(Some(LogStream::Stdout)).ends_with("299999\n300000\nthe end"));
    running.sandbox.stop(Duration::ZERO).await;
    host.close().await;
}

#[tokio::test]
async fn who_heeds_sigterm_ends_by_itself() {
    let host = Host::new("heeds").await;
    let shell = host.shell().await;
    let script = "trap 'echo goodbye; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let running = host.start(&shell, host.spec("one", script)).await;
    running.says("ready").await;
    running.sandbox.stop(Duration::from_secs(60)).await;
    assert_eq!(running.ended().await.code, Some(5));
    assert!(running.text(None).ends_with("goodbye"), "{}", running.text(None));
    host.close().await;
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed() {
    let host = Host::new("ignores").await;
    let shell = host.shell().await;
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let running = host.start(&shell, host.spec("one", script)).await;
    running.says("ready").await;
    running.sandbox.stop(Duration::from_millis(300)).await;
    assert_eq!(running.ended().await, Exit { signal: Some(9), ..Exit::default() });
    host.close().await;
}

#[tokio::test]
async fn what_cannot_be_started_is_the_images_fault() {
    let host = Host::new("nothing").await;
    let reference = host.reference("agent:nothing");
    let image = Image { instructions: &[r#"CMD ["/no/such/program"]"#], ..SHELL };
    images::publish(&host.docker, &image, &reference).await;
    let prepared = host.prepare(&reference).await.0.unwrap();
    let spec = host.spec("one", "");
    let logs = spec.logs.clone();
    // The daemon starts its own first process, which then finds nothing to run.
    let sandbox = host.runtime.start(&prepared, spec).await.unwrap();
    let exit = sandbox.exit().wait_for(Option::is_some).await.unwrap().unwrap();
    assert_eq!(exit.code, Some(127));
    assert!(logs.last(1)[0].text.contains("/no/such/program"), "{:?}", logs.last(1));
    sandbox.stop(Duration::ZERO).await;
    host.close().await;
}

#[tokio::test]
async fn an_image_that_somebody_removed_is_told() {
    let host = Host::new("removed").await;
    let shell = host.shell().await;
    host.runtime.forget(&shell).await.unwrap();
    let failure = host.runtime.start(&shell, host.spec("one", "")).await.err().unwrap();
    assert_eq!(failure.code, Code::ImagePullBackOff, "{failure}");
    host.close().await;
}

#[tokio::test]
async fn a_sandbox_that_somebody_removes_has_ended() {
    let host = Host::new("taken").await;
    let shell = host.shell().await;
    let running = host.start(&shell, host.spec("one", SERVES)).await;
    running.get("/").await;
    let swept = host.runtime.sweep().await.unwrap();
    assert_eq!(swept, ["one"]);
    assert_eq!(running.ended().await.signal, Some(9));
    running.sandbox.stop(Duration::ZERO).await;
    host.close().await;
}

#[tokio::test]
async fn a_sweep_takes_the_owners_sandboxes_and_no_others() {
    let (mine, other) = (Host::new("mine").await, Host::new("other").await);
    let shell = mine.shell().await;
    let (running, dead) = (mine.spec("running", SERVES), mine.spec("dead", "exit 0"));
    let abandoned = mine.start(&shell, dead).await;
    abandoned.ended().await;
    mine.start(&shell, running).await;
    let survivor = other.start(&shell, other.spec("running", SERVES)).await;

    let next = DockerRuntime::connect(mine.settings.clone()).await.unwrap();
    let mut swept = next.sweep().await.unwrap();
    swept.sort();
    assert_eq!(swept, ["dead", "running"]);
    assert_eq!(next.sweep().await.unwrap(), [""; 0]);
    assert!(survivor.get("/").await.ends_with("it lives\n"));
    survivor.sandbox.stop(Duration::ZERO).await;
    mine.close().await;
    other.close().await;
}
