//! `cupola doctor`.

use serde_json::Value;

use crate::home::{Ended, Home};

fn verdict<'a>(verdicts: &'a Value, check: &str) -> &'a Value {
    verdicts.as_array().unwrap().iter().find(|verdict| verdict["check"] == check).unwrap()
}

#[test]
fn a_healthy_server_has_no_failed_check() {
    let home = Home::new();
    let _server = home.serve();
    let verdicts = home.json_of(&["doctor"]);
    assert!(verdict(&verdicts, "server")["message"].as_str().unwrap().contains(" answers within "));
    assert_eq!(verdict(&verdicts, "store")["status"], "ok");
    assert_eq!(verdict(&verdicts, "certificate")["status"], "ok");
    let shown = home.output_of(&["doctor"]);
    assert!(shown.lines().any(|line| line.starts_with("ok    CA certificate  valid for ")), "{shown}");
}

#[test]
fn it_makes_nothing_where_nothing_is() {
    let home = Home::new();
    home.output_of(&["doctor"]);
    assert!(!home.data().exists());
}

#[test]
fn a_damaged_store_is_a_failed_check() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    std::fs::write(home.data().join("cupola.db"), "this is not a database, whatever its name may say")
        .unwrap();
    let ended = home.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let verdicts: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(verdict(&verdicts, "store")["status"], "fail");
    assert!(verdict(&verdicts, "store")["remedy"].is_string());
}

#[test]
fn a_store_of_a_newer_version_is_a_failed_check() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let store = rusqlite::Connection::open(home.data().join("cupola.db")).unwrap();
    let newer = cupola_store::SCHEMA_VERSION + 1;
    store.pragma_update(None, "user_version", newer).unwrap();
    let ended = home.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let verdicts: Value = serde_json::from_str(&ended.out).unwrap();
    let verdict = verdict(&verdicts, "store");
    assert_eq!(verdict["status"], "fail");
    let message = verdict["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("schema_too_new: schema {newer}, ")), "{message}");
}

#[test]
fn a_bad_configuration_is_a_failed_check_with_its_line() {
    let home = Home::new();
    home.configure("lisen = \"127.0.0.1:0\"\n");
    let ended = home.run(&["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("fail  configuration") && ended.out.contains("cupola.toml:1:1"), "{ended:?}");
}

#[test]
fn a_provider_that_does_not_answer_is_a_failed_check_without_its_key() {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\n");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = home.command(&["doctor"]);
    command.env("OPENAI_API_KEY", "s3cret").env("OPENAI_BASE_URL", format!("http://{closed}/v1"));
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("fail  model provider  openai "), "{ended:?}");
    assert!(!ended.out.contains("s3cret") && !ended.err.contains("s3cret"), "{ended:?}");
}

#[test]
fn without_an_embedding_it_says_how_to_get_one() {
    let home = Home::new();
    let verdicts = home.json_of(&["doctor"]);
    let verdict = verdict(&verdicts, "embedding");
    assert_eq!(verdict["status"], "ok");
    assert!(verdict["message"].as_str().unwrap().contains("by words alone"), "{verdict}");
    assert!(verdict["remedy"].as_str().unwrap().contains("knowledge.embedding_model"), "{verdict}");
}

#[test]
fn a_directory_without_a_model_is_a_failed_check_and_stops_the_start() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("empty")).unwrap();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\n[knowledge]\nembedding_model = \"empty\"\n",
    );
    let ended = home.run(&["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("fail  knowledge") && ended.out.contains("config.json"), "{ended:?}");

    let ended = home.run(&["up"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("`knowledge.embedding_model`"), "{ended:?}");
    assert!(ended.err.contains("config.json: this file is missing"), "{ended:?}");
}

#[test]
fn a_deployment_that_makes_no_vectors_is_a_failed_check() {
    let home = Home::new();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\n[knowledge]\nembedding = \"any\"\n",
    );
    let ended = home.run(&["doctor", "--json"]);
    let verdicts: Value = serde_json::from_str(&ended.out).unwrap();
    let verdict = verdict(&verdicts, "embedding");
    assert_eq!(verdict["status"], "fail");
    let message = verdict["message"].as_str().unwrap();
    assert!(message.starts_with("builtin/any (from knowledge.embedding) does not work: "), "{message}");
    assert!(message.contains("has no embeddings"), "{message}");
}
