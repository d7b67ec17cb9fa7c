//! The example of a hosted agent in Rust: built, made an image, pushed to a registry, deployed and asked.

mod program;
mod registry;

use std::fs;

use serde_json::json;

use self::registry::Registry;
use crate::home::Home;

const MANIFEST: &str = include_str!("../../../../examples/hosted-echo-rust/agent.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_rust_is_an_image_from_scratch_that_answers() {
    let registry = Registry::start();
    let image = registry.push("team/echo", "1", "hosted-echo", &program::built()).await;
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\n[hosting]\nruntime = \"oci\"\n");
    fs::create_dir(home.path().join("echo")).unwrap();
    home.file("echo/agent.yaml", MANIFEST);
    let server = home.serve();

    let version = home.json_of(&["agents", "deploy", "echo", "--image", &image]);
    assert_eq!((&version["id"], &version["status"]), (&json!("echo:1"), &json!("active")), "{version}");
    let ask = |text: &str| home.run(&["agents", "run", "echo", text, "--session", "mine"]);
    let ended = ask("Good morning");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "You said: Good morning\n"), "{ended:?}");
    assert_eq!(home.output_of(&["sessions", "stop", "echo", "mine"]), "mine is stopped.\n");
    assert_eq!(ask("Again").out, "You said: Again\n");
    let log = home.output_of(&["agents", "logs", "echo", "--session", "mine"]);
    assert!(log.contains(" out session \"mine\": You said: Good morning\n"), "{log}");

    let project = home.project();
    let invocation = cupola_client::Invocation::post("text/plain", "as it is").in_session("mine");
    let answer = project.invocations("echo").send(invocation).await.unwrap();
    assert_eq!(answer.into_bytes().await.unwrap(), "as it is");

    server.signal(rustix::process::Signal::TERM);
    assert!(server.wait().0.success());
}
