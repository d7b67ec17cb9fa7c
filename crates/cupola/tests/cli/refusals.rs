//! What `cupola up` refuses, and how it ends.

use std::fs;

use rustix::process::Signal;

use crate::home::Home;

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let home = Home::new();
    let server = home.serve();
    let ended = home.run(&["up"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("[data_dir_in_use]"), "{ended:?}");
    server.signal(Signal::TERM);
    server.wait();
    let again = home.serve();
    assert!(again.said.contains("is ready"));
}

#[test]
fn a_signal_to_end_drains_and_succeeds() {
    let home = Home::new();
    let server = home.serve();
    let agent = home.json_of(&["classic", "agents", "create", "--name", "kept"]);
    server.signal(Signal::TERM);
    let (status, said) = server.wait();
    assert!(status.success(), "{status}");
    assert!(said.contains("SIGTERM: no new turns"), "{said}");
    assert_eq!(home.run(&["classic", "agents", "list"]).code, Some(1));
    let _again = home.serve();
    assert_eq!(home.json_of(&["classic", "agents", "list"]), serde_json::json!([agent]));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\n\n[store]\ndurabilty = \"full\"\n");
    let ended = home.run(&["up"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("cupola.toml:4:1: "), "{ended:?}");
    assert!(ended.err.contains("did you mean `store.durability`?"), "{ended:?}");
}

#[test]
fn serving_other_machines_without_an_identity_is_refused() {
    let ended = Home::new().run(&["up", "--listen", "0.0.0.0:0"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("[exposure_without_identity]"), "{ended:?}");
}

#[test]
fn data_of_a_newer_version_is_refused_and_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.data()).unwrap();
    let file = home.data().join("cupola.db");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let ended = home.run(&["up"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("schema 999") && ended.err.contains("[schema_too_new]"), "{ended:?}");
    let store = rusqlite::Connection::open(&file).unwrap();
    let version: i64 = store.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 999);
}
