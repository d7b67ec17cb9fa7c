//! `cupola chat`, where no terminal is: each line of standard input is a message.

use serde_json::{Value, json};

use crate::home::Home;

const SCRIPT: &str = "\
    rules:\n\
    - {when: {user: broken}, then: {fail: {kind: broken, message: It broke.}}}\n\
    - {when: {user: before}, then: {say: 'Before that there were {{turn}} turns.'}}\n\
    otherwise: {say: 'You said: {{user}}'}\n";

fn home() -> Home {
    let home = Home::new();
    home.script(SCRIPT);
    home
}

fn conversations(home: &Home) -> Vec<Value> {
    home.json_of(&["conversations", "list"]).as_array().unwrap().clone()
}

#[test]
fn lines_are_messages_of_one_conversation_and_answers_are_plain_lines() {
    let home = home();
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper", "--model", "chat"]);
    let ended = home.run_with_input(&["chat", "helper"], "one\n\ntwo\n");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.out, "You said: one\nYou said: two\n");

    let conversations = conversations(&home);
    assert_eq!(conversations.len(), 1);
    let id = conversations[0]["id"].as_str().unwrap();
    assert_eq!(
        home.output_of(&["conversations", "show", id]),
        "user          one\nagent         You said: one\nuser          two\nagent         You said: two\n"
    );
}

#[test]
fn a_conversation_goes_on_with_another_partner() {
    let home = home();
    let _server = home.serve();
    home.run_with_input(&["chat", "--model", "chat"], "one\n");
    let id = conversations(&home)[0]["id"].as_str().unwrap().to_owned();
    home.output_of(&["agents", "create", "helper", "--model", "chat"]);
    let ended = home.run_with_input(&["chat", "helper", "--conversation", &id], "two\n");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "You said: two\n"), "{ended:?}");
    assert_eq!(home.json_of(&["conversations", "items", &id]).as_array().unwrap().len(), 4);
    assert_eq!(conversations(&home).len(), 1);
    let of_agent = home.json_of(&["conversations", "list", "--agent", "helper"]);
    assert_eq!(of_agent[0]["id"], json!(id));
}

#[test]
fn the_first_message_that_fails_ends_the_talk() {
    let home = home();
    let _server = home.serve();
    let ended = home.run_with_input(&["chat", "--model", "chat"], "one\nbroken\nthree\n");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "You said: one\n"), "{ended:?}");
    assert!(ended.err.contains("error: The response failed: It broke."), "{ended:?}");
}

#[test]
fn with_json_each_answer_is_a_response() {
    let home = home();
    let _server = home.serve();
    let ended = home.run_with_input(&["chat", "--model", "chat", "--json"], "one\ntwo\n");
    let responses: Vec<Value> =
        serde_json::Deserializer::from_str(&ended.out).into_iter().collect::<Result<_, _>>().unwrap();
    let texts: Vec<&Value> =
        responses.iter().map(|response| &response["output"][0]["content"][0]["text"]).collect();
    assert_eq!(texts, ["You said: one", "You said: two"]);
}

#[test]
fn a_talk_needs_an_agent_or_a_model_and_not_both() {
    let home = Home::new();
    for arguments in [&["chat"][..], &["chat", "helper", "--model", "chat"]] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("--model <DEPLOYMENT>"), "{ended:?}");
    }
}
