//! `cupola classic runs`, and what it leaves in `cupola classic threads`.

use cupola_client::{FunctionSet, NoArguments, types::CreateAgent};
use serde_json::Value;

use crate::home::Home;

fn id_of(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[test]
fn a_conversation_goes_on_over_two_runs() {
    let home = Home::new();
    let _server = home.serve();
    let agent = home.json_of(&["classic", "agents", "create"]);
    let first = home.run(&["classic", "runs", "start", "--agent", id_of(&agent), "Good morning!"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.out.ends_with("You asked: \"Good morning!\"\n"), "{first:?}");
    assert!(first.err.contains(" completed after ") && first.err.contains("--thread thread_"), "{first:?}");

    let threads = home.json_of(&["classic", "threads", "list"]);
    let thread = id_of(&threads[0]);
    home.output_of(&["classic", "runs", "start", "--agent", id_of(&agent), "--thread", thread, "And now?"]);
    let conversation = home.output_of(&["classic", "threads", "show", thread]);
    let speakers: Vec<&str> =
        conversation.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(speakers, ["user", "agent", "user", "agent"], "{conversation}");
    assert!(conversation.starts_with("user          Good morning!\n"), "{conversation}");

    let runs = home.json_of(&["classic", "runs", "list", thread]);
    assert_eq!(runs.as_array().unwrap().len(), 2);
    let shown = home.output_of(&["classic", "runs", "show", thread, id_of(&runs[0])]);
    assert!(shown.contains("\nstatus        completed\n"), "{shown}");
    assert!(shown.contains("\nmessage_creation  completed "), "{shown}");
    let steps = &home.json_of(&["classic", "runs", "show", thread, id_of(&runs[0])])["steps"];
    assert_eq!(steps[0]["type"], "message_creation");

    home.output_of(&["classic", "threads", "delete", thread]);
    assert_eq!(home.run(&["classic", "threads", "show", thread]).code, Some(1));
}

#[tokio::test]
async fn a_run_that_needs_the_functions_of_a_program_is_cancelled_with_an_explanation() {
    let home = Home::new();
    let _server = home.serve();
    let functions = FunctionSet::new().with_sync("get_weather", "The weather.", |_: NoArguments| "sunny");
    let agent = CreateAgent {
        model: "builtin".to_owned(),
        tools: Some(functions.definitions()),
        ..CreateAgent::default()
    };
    let agent = home.client().agents().create(&agent).await.unwrap();
    assert!(home.output_of(&["classic", "agents", "list"]).contains("get_weather"));

    let ended = home.run(&["classic", "runs", "start", "--agent", &agent.id, "How is the weather?"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("The agent calls get_weather({})"), "{ended:?}");
    assert!(ended.err.contains("the run was cancelled"), "{ended:?}");
    let threads = home.json_of(&["classic", "threads", "list"]);
    let runs = home.json_of(&["classic", "runs", "list", id_of(&threads[0])]);
    assert_eq!(runs[0]["status"], "cancelled");

    let ended = home.run(&["classic", "runs", "cancel", id_of(&threads[0]), id_of(&runs[0])]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("'cancelled'"), "{ended:?}");
}

#[test]
fn a_run_whose_model_does_not_exist_fails_with_the_reason() {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\n[models]\ndefault = \"none\"\n");
    let _server = home.serve();
    let agent = home.json_of(&["classic", "agents", "create", "--model", "gpt-none"]);
    let ended = home.run(&["classic", "runs", "start", "--agent", id_of(&agent), "Hello!"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("error: The run failed: No connection matching model: gpt-none"), "{ended:?}");
}
