//! `cupola agents`: agents with versions.

use serde_json::json;

use crate::home::Home;

const TOOL: &str = r#"{"type": "function", "name": "get_weather", "description": "The weather.",
    "parameters": {"type": "object", "properties": {}}, "strict": false}"#;

#[test]
fn an_agent_gets_versions_and_is_listed_shown_and_deleted() {
    let home = Home::new();
    let _server = home.serve();
    home.file("weather.json", TOOL);
    let first = home.json_of(&["agents", "create", "helper", "--instructions", "Be brief."]);
    assert_eq!((&first["id"], &first["definition"]["model"]), (&json!("helper:1"), &json!("builtin")));
    home.output_of(&["agents", "create", "helper", "--model", "gpt-4o", "--tool-file", "weather.json"]);

    let table = home.output_of(&["agents", "list"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "VERSION", "STATE", "MODEL", "TOOLS", "CREATED"]);
    assert_eq!(rows[1][..5], ["helper", "2", "enabled", "gpt-4o", "get_weather"]);
    assert_eq!(rows.len(), 2);

    let versions = home.json_of(&["agents", "versions", "helper"]);
    assert_eq!((&versions[0]["version"], &versions[1]), (&json!("2"), &first));
    assert!(home.output_of(&["agents", "show", "helper:1"]).contains("\ninstructions  Be brief.\n"));
    assert!(home.output_of(&["agents", "show", "helper"]).contains("\nversion       2\n"));

    assert_eq!(home.output_of(&["agents", "delete", "helper:2"]), "helper:2 is deleted.\n");
    assert_eq!(home.json_of(&["agents", "show", "helper"])["versions"]["latest"], first);
    assert_eq!(home.output_of(&["agents", "delete", "helper"]), "helper is deleted.\n");
    assert_eq!(home.json_of(&["agents", "list"]), json!([]));
}

#[test]
fn a_definition_comes_from_a_file_and_flags_win_over_it() {
    let home = Home::new();
    let _server = home.serve();
    home.file("definition.yaml", "model: gpt-4o\ninstructions: Be long.\ntemperature: 0.2\n");
    let arguments =
        ["agents", "create", "helper", "--file", "definition.yaml", "--instructions", "Be brief."];
    let version = home.json_of(&arguments);
    assert_eq!(
        version["definition"],
        json!({"kind": "prompt", "model": "gpt-4o", "instructions": "Be brief.", "temperature": 0.2})
    );
    let body = r#"{"definition": {"kind": "prompt", "model": "m"}, "description": "From a pipe"}"#;
    let ended = home.run_with_input(&["agents", "create", "helper", "--file", "-", "--json"], body);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("\"description\": \"From a pipe\""), "{ended:?}");
}

#[test]
fn a_draft_does_not_answer_by_itself() {
    let home = Home::new();
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper"]);
    let draft = home.json_of(&["agents", "create", "helper", "--draft"]);
    assert_eq!(draft["draft"], json!(true));
    assert_eq!(home.json_of(&["agents", "versions", "helper"]).as_array().unwrap().len(), 1);
    assert_eq!(home.json_of(&["agents", "versions", "helper", "--drafts"]).as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_definition_is_said_with_its_place() {
    let home = Home::new();
    let _server = home.serve();
    home.file("robot.json", r#"{"kind": "robot"}"#);
    home.file("list.json", "[1]");
    for (file, words) in [
        ("robot.json", "The definition is not valid: kind: unknown variant `robot`"),
        ("list.json", "list.json: expected a definition"),
        ("missing.json", "The file missing.json can't be read"),
    ] {
        let ended = home.run(&["agents", "create", "helper", "--file", file]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(words), "{ended:?}");
    }
    let ended = home.run(&["agents", "create", "not a name"]);
    assert!(ended.err.contains("is not a name of an agent"), "{ended:?}");
}

#[test]
fn a_run_prints_the_answer_and_nothing_else_on_standard_output() {
    let home = Home::new();
    home.script("rules: []\notherwise: {say: 'You said: {{user}}'}");
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper", "--model", "chat"]);
    let ended = home.run(&["agents", "run", "helper", "Good morning!"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "You said: Good morning!\n"), "{ended:?}");
    assert!(ended.err.starts_with("resp_") && ended.err.contains(" completed after "), "{ended:?}");

    let response = home.json_of(&["agents", "run", "helper:1", "Hello"]);
    assert_eq!(response["output"][0]["content"][0]["text"], json!("You said: Hello"));
    assert_eq!(response["agent_reference"]["version"], json!("1"));
    let ended = home.run_with_input(&["agents", "run", "helper", "-"], "From a pipe");
    assert_eq!(ended.out, "You said: From a pipe\n", "{ended:?}");
}

#[test]
fn a_run_that_is_no_answer_is_a_failure_that_says_why() {
    let home = Home::new();
    home.script(
        "rules:\n\
         - {when: {user: weather, tools: [get_weather]}, then: {call: {name: get_weather, arguments: {}}}}\n\
         - {when: {user: broken}, then: {fail: {kind: broken, message: It broke.}}}\n\
         otherwise: {say: Hm.}\n",
    );
    let _server = home.serve();
    home.file("weather.json", TOOL);
    home.output_of(&["agents", "create", "helper", "--model", "chat", "--tool-file", "weather.json"]);

    let ended = home.run(&["agents", "run", "helper", "How is the weather?"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("calls get_weather({})"), "{ended:?}");
    assert!(
        ended.err.contains("error: The agent waits for get_weather, which lives in a program"),
        "{ended:?}"
    );

    let ended = home.run(&["agents", "run", "helper", "broken"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("error: The response failed: It broke."), "{ended:?}");

    assert_eq!(home.output_of(&["agents", "disable", "helper"]), "helper is disabled.\n");
    let ended = home.run(&["agents", "run", "helper", "Hello"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.ends_with("Let it answer: cupola agents enable helper\n"), "{ended:?}");
    home.output_of(&["agents", "enable", "helper"]);
    assert_eq!(home.output_of(&["agents", "run", "helper", "Hello"]), "Hm.\n");
}

#[test]
fn a_name_that_does_not_exist_is_a_failure_that_says_where_names_are() {
    let home = Home::new();
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper"]);
    for (arguments, list) in [
        (vec!["agents", "show", "nobody"], "cupola agents list"),
        (vec!["agents", "show", "helper:7"], "cupola agents versions helper"),
        (vec!["agents", "versions", "nobody"], "cupola agents list"),
        (vec!["agents", "run", "nobody", "Hi"], "cupola agents list"),
        (vec!["agents", "delete", "nobody"], "cupola agents list"),
        (vec!["agents", "disable", "nobody"], "cupola agents list"),
        (vec!["chat", "nobody"], "cupola agents list"),
        (vec!["chat", "helper", "--conversation", "conv_none"], "cupola conversations list"),
    ] {
        let ended = home.run(&arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
        assert!(ended.err.ends_with(&format!("See which ones there are: {list}\n")), "{ended:?}");
    }
}
