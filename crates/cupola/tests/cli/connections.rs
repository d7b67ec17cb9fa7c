//! `cupola connections`: secrets come from variables, files and pipes, and are shown only on demand.

use serde_json::json;

use crate::home::{Ended, Home};

const SEARCH: [&str; 7] = [
    "connections",
    "create",
    "search",
    "--type",
    "CognitiveSearch",
    "--target",
    "https://search.example.org",
];

fn create(home: &Home, more: &[&str]) -> Ended {
    let mut command = home.command(&[&SEARCH, more].concat());
    command.env("SEARCH_KEY", "hunter2").env("CRM_TOKEN", "t0ken");
    Ended::of(command)
}

#[test]
fn a_connection_is_created_listed_shown_and_deleted() {
    let home = Home::new();
    let _server = home.serve();
    let ended = create(&home, &["--key-env", "SEARCH_KEY", "--metadata", "ApiType=Azure"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");

    let table = home.output_of(&["connections", "list"]);
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["search", "CognitiveSearch", "https://search.example.org", "ApiKey", "yes"]);
    assert_eq!(home.json_of(&["connections", "list", "--type", "AppInsights"]), json!([]));

    let shown = home.json_of(&["connections", "show", "search"]);
    assert_eq!(
        (&shown["credentials"], &shown["metadata"]),
        (&json!({"type": "ApiKey"}), &json!({"ApiType": "Azure"}))
    );
    let shown = home.json_of(&["connections", "show", "search", "--with-credentials"]);
    assert_eq!(shown["credentials"], json!({"type": "ApiKey", "key": "hunter2"}));

    assert_eq!(home.output_of(&["connections", "delete", "search"]), "search is deleted.\n");
    let ended = home.run(&["connections", "show", "search"]);
    assert!(ended.err.ends_with("See which ones there are: cupola connections list\n"), "{ended:?}");
}

#[test]
fn secrets_come_from_pipes_and_files_too() {
    let home = Home::new();
    let _server = home.serve();
    let ended =
        home.run_with_input(&[&SEARCH[..], &["--credentials", "SAS", "--key-file", "-"]].concat(), "s1g\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = home.json_of(&["connections", "show", "search", "--with-credentials"]);
    assert_eq!(shown["credentials"], json!({"type": "SAS", "SAS": "s1g"}));

    home.file("user", "ann\n");
    let ended = create(&home, &["--replace", "--keys-file", "user=user", "--keys-env", "token=CRM_TOKEN"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = home.json_of(&["connections", "show", "search", "--with-credentials"]);
    assert_eq!(shown["credentials"], json!({"type": "CustomKeys", "token": "t0ken", "user": "ann"}));
}

#[test]
fn one_that_is_there_is_replaced_only_on_demand() {
    let home = Home::new();
    let _server = home.serve();
    assert_eq!(create(&home, &["--credentials", "AAD"]).code, Some(0));
    let ended = create(&home, &["--key-env", "SEARCH_KEY"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("To put this one in its place: --replace"), "{ended:?}");
    assert_eq!(home.json_of(&["connections", "show", "search"])["credentials"], json!({"type": "AAD"}));
}

#[test]
fn keys_that_do_not_fit_are_refused_before_anything_is_sent() {
    let home = Home::new();
    let _server = home.serve();
    for (more, words) in [
        (vec!["--credentials", "ApiKey"], "need a key"),
        (vec!["--credentials", "CustomKeys"], "need keys"),
        (vec!["--key-env", "NOT_SET"], "The environment variable NOT_SET is not set"),
        (vec!["--key-file", "nowhere"], "The file nowhere can't be read"),
        (vec!["--credentials", "AAD", "--key-env", "SEARCH_KEY"], "do not fit credentials of the kind AAD"),
    ] {
        let ended = create(&home, &more);
        assert_eq!(ended.code, Some(1), "{more:?}: {ended:?}");
        assert!(ended.err.contains(words), "{more:?}: {ended:?}");
        assert!(!ended.err.contains("hunter2"), "{ended:?}");
    }
    assert_eq!(home.json_of(&["connections", "list"]), json!([]));
}
