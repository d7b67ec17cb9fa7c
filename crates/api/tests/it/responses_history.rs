//! Long histories: what is read of them, and what belongs together in them.

use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    model::ScriptedModel,
    responses::{PATH, output},
};

const CONVERSATIONS: &str = "/openai/v1/conversations";

/// A conversation with these items.
async fn conversation(app: &TestApp, items: &[Value]) -> String {
    let conversation = app.user.create(CONVERSATIONS, json!({})).await;
    for some in items.chunks(20) {
        let path = format!("{CONVERSATIONS}/{conversation}/items");
        app.user.post(&path, json!({"items": some})).await.accepted();
    }
    conversation
}

fn said(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

fn called(call: &str) -> Value {
    json!({"type": "function_call", "call_id": call, "name": "f", "arguments": "{}"})
}

#[tokio::test]
async fn a_conversation_of_many_pages_is_given_to_the_model_as_a_whole_and_in_order() {
    let app = TestApp::start().await;
    let items: Vec<Value> = (0..130).map(|number| said(&number.to_string())).collect();
    let conversation = conversation(&app, &items).await;
    app.ask(json!({"model": "gpt", "input": "last", "conversation": conversation})).await;
    let mut expected: Vec<String> = (0..130).map(|number| format!("user: {number}")).collect();
    expected.push("user: last".to_owned());
    assert_eq!(app.model.was_given(), expected);
}

#[tokio::test]
async fn calls_and_outputs_stay_together_wherever_a_page_ends() {
    // Newest first, pages end between the calls, between calls and outputs, and between the outputs.
    for newer in 46..52 {
        let app = TestApp::start().await;
        let mut items = vec![said("go"), called("a"), called("b"), output("a", "1"), output("b", "2")];
        items.extend((0..newer).map(|number| said(&number.to_string())));
        let conversation = conversation(&app, &items).await;
        app.ask(json!({"model": "gpt", "input": "and?", "conversation": conversation})).await;
        let given = app.model.was_given();
        let expected = ["user: go", "assistant: f({}) + f({})", "tool: 1", "tool: 2", "user: 0"];
        assert_eq!(given[..5], expected, "with {newer} newer items");
        assert_eq!(given.len(), 5 + newer);
    }
}

#[tokio::test]
async fn no_more_of_a_conversation_is_given_than_fits() {
    let model = ScriptedModel::with_window(100);
    let app = TestApp::with(crate::app::Setup { model, ..Default::default() }).await;
    let items: Vec<Value> = (0..120).map(|number| said(&number.to_string())).collect();
    let conversation = conversation(&app, &items).await;
    app.ask(json!({"model": "gpt", "input": "last", "conversation": conversation})).await;
    let given = app.model.was_given();
    // Half of the window is left for the answer; a message is five tokens.
    assert_eq!((given.len(), given[0].as_str()), (10, "user: 111"));
}

#[tokio::test]
async fn a_response_that_follows_a_turn_of_a_conversation_is_given_the_conversation() {
    let app = TestApp::start().await;
    let conversation = conversation(&app, &[said("first")]).await;
    let turn = app.ask(json!({"model": "gpt", "input": "second", "conversation": conversation})).await;
    app.ask(json!({"model": "gpt", "input": "third", "previous_response_id": turn["id"]})).await;
    let given = ["user: first", "user: second", "assistant: Hello.", "user: third"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn an_output_of_a_call_that_nobody_asked_for_is_refused() {
    let app = TestApp::start().await;
    let message = "No tool call found for function call output with call_id c2.";
    let param = Some("input");
    let earlier = app.ask(json!({"model": "gpt", "input": [called("c1"), output("c1", "x")]})).await;
    for previous in [Value::Null, earlier["id"].clone()] {
        let input = [output("c2", "x")];
        let body = json!({"model": "gpt", "input": input, "previous_response_id": previous});
        assert_refused(&app.user.post(PATH, body).await, 400, message, Some("invalid_value"), param);
    }
    let body = json!({"model": "gpt", "input": [output("c1", "y")], "previous_response_id": earlier["id"]});
    app.user.post(PATH, body).await.accepted();
}

#[tokio::test]
async fn the_tokens_of_a_request_are_those_of_its_whole_history() {
    let app = TestApp::start().await;
    let items: Vec<Value> = (0..70).map(|number| said(&number.to_string())).collect();
    let conversation = conversation(&app, &items).await;
    let path = format!("{PATH}/input_tokens");
    let body = json!({"model": "gpt", "input": "last", "conversation": conversation});
    assert_eq!(app.user.post(&path, body).await.accepted()["input_tokens"], 71 * 5);
}
