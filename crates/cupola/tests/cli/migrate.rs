//! `cupola migrate classic-to-v2`.

use cupola_client::{
    FunctionSet, NoArguments, Upload, assistant_message,
    types::{CreateAgent, CreateRun, CreateThread, Metadata, Tool},
    user_message,
};
use serde_json::{Value, json};

use crate::home::Home;

const SCRIPT: &str = "\
    rules:\n\
    - when: {user: weather, tools: [get_weather], turn: 1}\n  \
      then: {call: {name: get_weather, arguments: {}}}\n\
    - {when: {tool_output: {name: get_weather}}, then: {say: 'It is {{tool_output}}.'}}\n\
    otherwise: {say: 'You said: {{user}}'}\n";

const MIGRATE: [&str; 2] = ["migrate", "classic-to-v2"];

fn home() -> Home {
    let home = Home::new();
    home.script(SCRIPT);
    home
}

fn functions() -> FunctionSet {
    FunctionSet::new().with_sync("get_weather", "The weather.", |_: NoArguments| "sunny")
}

fn pairs(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A classic agent that knows the weather, and a thread in which it was asked for it.
async fn weather(home: &Home) -> (String, String) {
    let client = home.client();
    let agent = CreateAgent {
        model: "chat".to_owned(),
        name: Some("Weather agent".to_owned()),
        instructions: Some("You know the weather.".to_owned()),
        tools: Some(functions().definitions()),
        metadata: Some(pairs(&[("team", "sky")])),
        ..CreateAgent::default()
    };
    let agent = client.agents().create(&agent).await.unwrap();
    let thread = CreateThread {
        messages: Some(vec![user_message("How is the weather?")]),
        metadata: Some(pairs(&[("topic", "weather")])),
        ..CreateThread::default()
    };
    let thread = client.threads().create(&thread).await.unwrap();
    let run = CreateRun { assistant_id: agent.id.clone(), ..CreateRun::default() };
    client.runs(&thread.id).create_and_process(&run, &functions()).await.unwrap();
    (agent.id, thread.id)
}

fn entry<'a>(report: &'a Value, from: &str) -> &'a Value {
    let objects = report["objects"].as_array().unwrap();
    objects.iter().find(|entry| entry["from"] == from).unwrap()
}

#[tokio::test]
async fn agents_and_threads_are_copied_once_and_go_on_in_the_newer_api() {
    let home = home();
    let _server = home.serve();
    let (agent, thread) = weather(&home).await;

    let dry = home.json_of(&[&MIGRATE[..], &["--dry-run"]].concat());
    assert_eq!((&dry["dry_run"], &dry["totals"]["copied"]), (&json!(true), &json!(2)), "{dry}");
    assert_eq!(home.json_of(&["agents", "list"]), json!([]));
    assert_eq!(home.json_of(&["conversations", "list"]), json!([]));

    let report = home.json_of(&MIGRATE);
    assert_eq!(entry(&report, &agent)["to"], json!("Weather-agent:1"));
    let version = home.json_of(&["agents", "show", "Weather-agent:1"]);
    let definition = &version["definition"];
    assert_eq!(definition["instructions"], json!("You know the weather."));
    assert_eq!(
        (&definition["model"], &definition["tools"][0]["name"]),
        (&json!("chat"), &json!("get_weather"))
    );
    assert_eq!(
        version["metadata"],
        json!({"migrated_from": agent, "classic_name": "Weather agent", "team": "sky"})
    );

    let conversation = entry(&report, &thread)["to"].as_str().unwrap();
    let items = home.json_of(&["conversations", "show", conversation]);
    let kinds: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output", "message"]);
    assert_eq!(items[1]["call_id"], items[2]["call_id"]);
    assert_eq!(items[3]["content"][0]["text"], json!("It is sunny."));
    let metadata = &home.json_of(&["conversations", "list"])[0]["metadata"];
    assert_eq!(metadata, &json!({"migrated_from": thread, "topic": "weather"}));
    let ended = home.run_with_input(&["chat", "Weather-agent", "--conversation", conversation], "Thanks!\n");
    assert_eq!(ended.out, "You said: Thanks!\n", "{ended:?}");

    let again = home.json_of(&MIGRATE);
    assert_eq!(again["totals"]["already_copied"], json!(2), "{again}");
    assert_eq!(entry(&again, &thread)["to"], json!(conversation));
    assert_eq!(home.json_of(&["agents", "versions", "Weather-agent"]).as_array().unwrap().len(), 1);
    assert_eq!(home.json_of(&["conversations", "list"]).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_is_found_again_behind_versions_that_were_added_to_it() {
    let home = home();
    let _server = home.serve();
    weather(&home).await;
    home.output_of(&[&MIGRATE[..], &["--agents-only"]].concat());
    home.output_of(&["agents", "create", "Weather-agent", "--model", "better"]);
    let again = home.json_of(&[&MIGRATE[..], &["--agents-only"]].concat());
    assert_eq!(again["objects"].as_array().unwrap().len(), 1);
    assert_eq!(again["objects"][0]["outcome"], json!("already_copied"));
    assert_eq!(again["objects"][0]["to"], json!("Weather-agent:1"));
}

#[tokio::test]
async fn what_has_no_counterpart_is_reported_and_names_stay_unique() {
    let home = home();
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper"]);
    let connected: Tool = serde_json::from_value(json!({"type": "connected_agent",
        "connected_agent": {"id": "asst_1", "name": "stocks", "description": "Stocks."}}))
    .unwrap();
    let agent = CreateAgent {
        model: "chat".to_owned(),
        name: Some("helper".to_owned()),
        tools: Some(vec![connected]),
        ..CreateAgent::default()
    };
    let agent = home.client().agents().create(&agent).await.unwrap();

    let ended = home.run(&[&MIGRATE[..], &["--dry-run"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines[0], format!("{}  helper", agent.id));
    assert_eq!(lines[1], "  copied with a loss  helper-2");
    assert!(lines[2].starts_with("  lost                tools.connected_agent stocks: "), "{ended:?}");
    assert!(ended.out.ends_with("\n1 copied with a loss\n"), "{ended:?}");
    assert!(ended.err.contains("Nothing was written. To do it: cupola migrate classic-to-v2"), "{ended:?}");

    let report = home.json_of(&MIGRATE);
    assert_eq!(entry(&report, &agent.id)["losses"][0]["what"], json!("tools.connected_agent stocks"));
    assert_eq!(home.json_of(&["agents", "show", "helper-2:1"])["definition"].get("tools"), None);
}

#[tokio::test]
async fn a_long_thread_is_copied_in_its_order_also_after_an_attempt_that_was_interrupted() {
    let home = home();
    let _server = home.serve();
    let messages = (0..45).map(|index| match index % 2 {
        0 => user_message(format!("question {index}")),
        _ => assistant_message(format!("answer {index}")),
    });
    let thread = CreateThread { messages: Some(messages.collect()), ..CreateThread::default() };
    let thread = home.client().threads().create(&thread).await.unwrap();
    // What a migration leaves that was killed between two batches.
    let begun = json!({
        "metadata": {"migrated_from": thread.id, "migration": "copying"},
        "items": [{"type": "message", "role": "user", "content": "question 0"}],
    });
    let begun = home.project().conversations().create(&serde_json::from_value(begun).unwrap()).await.unwrap();

    let report = home.json_of(&[&MIGRATE[..], &["--threads", &thread.id, &thread.id]].concat());
    let conversation = entry(&report, &thread.id)["to"].as_str().unwrap();
    let items = home.json_of(&["conversations", "show", conversation]);
    let texts: Vec<&str> =
        items.as_array().unwrap().iter().map(|item| item["content"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 45);
    assert_eq!((texts[0], texts[20], texts[44]), ("question 0", "question 20", "question 44"));
    let conversations = home.json_of(&["conversations", "list"]);
    assert_eq!(conversations.as_array().unwrap().len(), 1);
    assert_eq!(conversations[0]["metadata"], json!({"migrated_from": thread.id}));
    assert_ne!(conversation, begun.id);
}

#[tokio::test]
async fn an_image_whose_file_was_deleted_is_left_out_and_reported() {
    let home = home();
    let _server = home.serve();
    let client = home.client();
    let mut files = Vec::new();
    for name in ["here.png", "gone.png"] {
        let upload = Upload::bytes(name, b"pixels".as_slice());
        files.push(client.files().upload(&upload).await.unwrap().id);
    }
    let images = files.iter().map(|id| json!({"type": "image_file", "image_file": {"file_id": id}}));
    let content: Vec<Value> = images.chain([json!({"type": "text", "text": "Look"})]).collect();
    let thread = json!({"messages": [{"role": "user", "content": content}]});
    let thread = client.threads().create(&serde_json::from_value(thread).unwrap()).await.unwrap();
    client.files().delete(&files[1]).await.unwrap();

    let report = home.json_of(&MIGRATE);
    let copied = entry(&report, &thread.id);
    assert_eq!(copied["losses"][0]["what"], json!(format!("messages.content image {}", files[1])));
    let items = home.json_of(&["conversations", "show", copied["to"].as_str().unwrap()]);
    let content = items[0]["content"].as_array().unwrap();
    assert_eq!(content.len(), 2);
    assert_eq!(content[0]["file_id"], json!(files[0]));
}

#[tokio::test]
async fn a_thread_that_waits_is_skipped_and_the_exit_code_says_so() {
    let home = home();
    let _server = home.serve();
    let (agent, _) = weather(&home).await;
    let client = home.client();
    let thread =
        CreateThread { messages: Some(vec![user_message("How is the weather?")]), ..CreateThread::default() };
    let thread = client.threads().create(&thread).await.unwrap();
    let run = CreateRun { assistant_id: agent, ..CreateRun::default() };
    let mut events = client.runs(&thread.id).stream(&run).await.unwrap();
    while futures_util::TryStreamExt::try_next(&mut events).await.unwrap().is_some() {}

    let ended = home.run(&[&MIGRATE[..], &["--json"]].concat());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("One object has no copy."), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&report["totals"]["copied"], &report["totals"]["skipped"]), (&json!(2), &json!(1)));
    let why = entry(&report, &thread.id)["why"].as_str().unwrap();
    assert!(why.contains("is requires_action; wait for its end or cancel it"), "{why}");

    let ended = home.run(&[&MIGRATE[..], &["--threads", "thread_none"]].concat());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("thread_none") && ended.out.contains("failed"), "{ended:?}");
}

#[test]
fn nothing_to_copy_is_no_failure() {
    let home = Home::new();
    let _server = home.serve();
    let ended = home.run(&MIGRATE);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.err.starts_with("There is nothing to copy"), "{ended:?}");
}
