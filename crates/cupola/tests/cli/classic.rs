//! `cupola classic agents` and `cupola classic threads`.

use serde_json::json;

use crate::home::{Ended, Home};

#[test]
fn an_agent_is_created_listed_shown_and_deleted() {
    let home = Home::new();
    let _server = home.serve();
    let arguments = ["classic", "agents", "create", "--name", "helper", "--instructions", "Be brief."];
    let agent = home.json_of(&arguments);
    let id = agent["id"].as_str().unwrap();
    assert_eq!((&agent["model"], &agent["name"]), (&json!("builtin"), &json!("helper")));

    let table = home.output_of(&["classic", "agents", "list"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "NAME", "MODEL", "TOOLS", "CREATED"]);
    assert_eq!(rows[1][..4], [id, "helper", "builtin", "-"]);
    assert_eq!(home.json_of(&["classic", "agents", "list"])[0], agent);

    assert_eq!(home.json_of(&["classic", "agents", "show", id]), agent);
    assert!(home.output_of(&["classic", "agents", "show", id]).contains("\ninstructions  Be brief.\n"));

    assert_eq!(home.output_of(&["classic", "agents", "delete", id]), format!("{id} is deleted.\n"));
    assert_eq!(home.json_of(&["classic", "agents", "list"]), json!([]));
}

#[test]
fn a_list_stops_at_its_limit_and_says_that_there_is_more() {
    let home = Home::new();
    let _server = home.serve();
    for name in ["first", "second", "third"] {
        home.output_of(&["classic", "agents", "create", "--name", name]);
    }
    let ended = home.run(&["classic", "agents", "list", "--limit", "2"]);
    let shown = |name| ended.out.contains(name);
    assert!(shown("third") && shown("second") && !shown("first"), "{ended:?}");
    assert!(ended.err.starts_with("There are more."), "{ended:?}");
    assert_eq!(home.run(&["classic", "agents", "list", "--limit", "3"]).err, "");
}

#[test]
fn a_name_can_not_paint_the_terminal() {
    let home = Home::new();
    let _server = home.serve();
    home.output_of(&["classic", "agents", "create", "--name", "\u{1b}[31mred\u{7}"]);
    let table = home.output_of(&["classic", "agents", "list"]);
    assert!(table.contains("[31mred") && !table.contains(['\u{1b}', '\u{7}']), "{table:?}");
}

#[test]
fn an_id_that_does_not_exist_is_a_failure_that_says_where_ids_are() {
    let home = Home::new();
    let _server = home.serve();
    for (arguments, list) in [
        (["classic", "agents", "show", "asst_none"], "cupola classic agents list"),
        (["classic", "agents", "delete", "asst_none"], "cupola classic agents list"),
        (["classic", "threads", "show", "thread_none"], "cupola classic threads list"),
        (["classic", "threads", "delete", "thread_none"], "cupola classic threads list"),
        (["classic", "runs", "list", "thread_none"], "cupola classic threads list"),
    ] {
        let ended = home.run(&arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(arguments[3]) && ended.err.contains(list), "{ended:?}");
    }
}

#[test]
fn without_a_server_the_failure_says_how_to_start_one() {
    let ended = Home::new().run(&["classic", "agents", "list"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("error: No server runs on "), "{ended:?}");
    assert!(ended.err.ends_with("Start it: cupola up\n"), "{ended:?}");
    let ended = Home::new().run(&["classic", "agents", "list", "--data", "elsewhere"]);
    assert!(ended.err.ends_with("Start it: cupola up --data elsewhere\n"), "{ended:?}");
}

#[test]
fn the_environment_leads_to_a_server_elsewhere() {
    let (here, elsewhere) = (Home::new(), Home::new());
    let server = elsewhere.serve();
    elsewhere.output_of(&["classic", "agents", "create", "--name", "far away"]);
    let variables: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&elsewhere.output_of(&["env", "--shell", "json"])).unwrap();
    let list = || {
        let mut command = here.command(&["classic", "agents", "list"]);
        command.envs(variables.iter().map(|(name, value)| (name, value.as_str().unwrap())));
        Ended::of(command)
    };
    let ended = list();
    assert!(ended.out.contains("far away"), "{ended:?}");

    drop(server);
    let ended = list();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("which PROJECT_ENDPOINT names. Start it: cupola up"), "{ended:?}");
}
