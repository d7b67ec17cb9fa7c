//! What the Open Responses specification asks of a server, case by case: over HTTP, as server-sent events, and
//! over WebSocket.

use serde_json::{Value, json};

use crate::{
    app::{Actor, TestApp},
    open_responses_shapes::{check_compaction, check_error, check_response, check_stream},
    responses::{PATH, output},
    sockets::Socket,
};

fn said(role: &str, content: impl Into<Value>) -> Value {
    json!({"type": "message", "role": role, "content": content.into()})
}

/// A function with a required parameter, declared as briefly as the specification allows.
fn weather() -> Value {
    let parameters = json!({
        "type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"],
    });
    json!({"type": "function", "name": "get_weather", "description": "The weather.", "parameters": parameters})
}

/// A response over HTTP that is complete and has the shape of one.
async fn ask(user: &Actor, mut body: Value) -> Value {
    body["model"] = json!("gpt");
    let response = user.post(PATH, body).await.accepted();
    check_response(&response);
    assert_eq!(response["status"], "completed");
    assert_ne!(response["output"], json!([]), "there is an answer");
    response
}

/// The events of a response over HTTP, in the shape and the order of such events.
async fn stream(user: &Actor, mut body: Value) -> Vec<Value> {
    body["model"] = json!("gpt");
    let text = user.stream(PATH, body).await.all().await;
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let (name, data) = block.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "an event is named by its type");
        events.push(data);
    }
    check_stream(&events);
    events
}

/// The response at the end of a turn over WebSocket, whose events have their shape and order.
async fn turn(socket: &mut Socket, mut body: Value) -> Value {
    body["model"] = json!("gpt");
    socket.create(body).await;
    let events = socket.events().await;
    check_stream(&events);
    let response = events.last().unwrap()["response"].clone();
    assert_eq!(response["status"], "completed");
    response
}

/// The code of the error with which a turn over WebSocket is refused.
async fn refused(socket: &mut Socket, mut body: Value) -> String {
    body["model"] = json!("gpt");
    socket.create(body).await;
    let events = socket.events().await;
    assert_eq!(events.len(), 1, "a turn that is refused has no other events: {events:#?}");
    check_error(&events[0]);
    events[0]["error"]["code"].as_str().unwrap().to_owned()
}

/// A turn that is not stored.
fn unstored(input: impl Into<Value>) -> Value {
    json!({"store": false, "input": input.into()})
}

/// A turn that is not stored and follows another.
fn following(previous: &Value, input: impl Into<Value>) -> Value {
    json!({"store": false, "previous_response_id": previous["id"], "input": input.into()})
}

#[tokio::test]
async fn text_is_answered_with_a_whole_response() {
    let app = TestApp::start().await;
    let response = ask(&app.user, json!({"input": [said("user", "Say hello.")]})).await;
    assert_eq!(response["output"][0]["type"], "message");
    ask(&app.user, json!({"input": "Say hello."})).await;
}

#[tokio::test]
async fn reasoning_is_echoed_with_its_effort_and_its_summary() {
    let app = TestApp::start().await;
    for (sent, echoed) in [
        (json!(null), json!({"effort": null, "summary": null})),
        (json!({"effort": "low"}), json!({"effort": "low", "summary": null})),
        (json!({"summary": "auto"}), json!({"summary": "auto", "effort": null})),
    ] {
        let response = ask(&app.user, json!({"input": "Hi", "reasoning": sent})).await;
        assert_eq!(response["reasoning"], echoed);
    }
}

#[tokio::test]
async fn earlier_answers_may_say_which_phase_they_are_of() {
    let app = TestApp::start().await;
    let phase = |phase: &str, text: &str| {
        let mut message = said("assistant", text);
        message["phase"] = json!(phase);
        message
    };
    let input = [phase("commentary", "Let me look."), phase("final_answer", "Four."), said("user", "Again?")];
    let response = ask(&app.user, json!({"input": input})).await;
    let path = format!("{PATH}/{}/input_items?order=asc", response["id"].as_str().unwrap());
    let items = app.user.list(&path).await;
    let phases: Vec<Value> = items.iter().map(|item| item["phase"].clone()).collect();
    assert_eq!(phases, [json!("commentary"), json!("final_answer"), Value::Null]);
}

#[tokio::test]
async fn text_streams_as_an_item_with_a_part_that_opens_grows_and_closes() {
    let app = TestApp::start().await;
    app.model.says("One two three.");
    let events = stream(&app.user, json!({"input": [said("user", "Count.")]})).await;
    let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
    let text: String = deltas.map(|event| event["delta"].as_str().unwrap()).collect();
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"][0]["content"][0]["text"], text);
}

#[tokio::test]
async fn a_system_message_reaches_the_model_as_one() {
    let app = TestApp::start().await;
    ask(&app.user, json!({"input": [said("system", "You are a pirate."), said("user", "Hello.")]})).await;
    assert_eq!(app.model.was_given(), ["system: You are a pirate.", "user: Hello."]);
}

#[tokio::test]
async fn a_function_that_the_model_wants_called_is_an_item_of_the_output() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"location":"Oslo"}"#);
    let response = ask(&app.user, json!({"input": "Weather?", "tools": [weather()]})).await;
    let call = &response["output"][0];
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("get_weather")));
    assert_eq!(call["arguments"], r#"{"location":"Oslo"}"#);
    let body = json!({"previous_response_id": response["id"],
                      "input": [output(call["call_id"].as_str().unwrap(), "Sunny")]});
    ask(&app.user, body).await;
    assert_eq!(app.model.was_given()[2], "tool: Sunny");
}

#[tokio::test]
async fn the_arguments_of_a_call_stream_between_the_marks_of_its_item() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"location":"Oslo"}"#);
    let events = stream(&app.user, json!({"input": "Weather?", "tools": [weather()]})).await;
    let named = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    for mark in ["added", "done"] {
        let items = named(&format!("response.output_item.{mark}"));
        assert_eq!(items.len(), 1);
        assert_eq!(items[0]["item"]["type"], "function_call");
    }
    let deltas = named("response.function_call_arguments.delta");
    let pieces: String = deltas.iter().map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(named("response.function_call_arguments.done")[0]["arguments"], pieces);
}

#[tokio::test]
async fn an_image_reaches_the_model() {
    let app = TestApp::start().await;
    let image = "data:image/png;base64,iVBORw0KGgo=";
    let content = json!([
        {"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": image},
    ]);
    ask(&app.user, json!({"input": [said("user", content)]})).await;
    assert_eq!(app.model.was_given(), [format!("user: What is this? + {image}")]);
}

#[tokio::test]
async fn a_history_may_be_sent_along() {
    let app = TestApp::start().await;
    let input = [said("user", "I am Alice."), said("assistant", "Hello Alice!"), said("user", "Who am I?")];
    ask(&app.user, json!({"input": input})).await;
    assert_eq!(app.model.was_given(), ["user: I am Alice.", "assistant: Hello Alice!", "user: Who am I?"]);
}

#[tokio::test]
async fn a_compacted_conversation_has_the_shape_of_one() {
    let app = TestApp::start().await;
    let input = [said("user", "Launch on Tuesday."), said("assistant", "Understood.")];
    let body = json!({"model": "gpt", "prompt_cache_key": "key", "input": input});
    let compacted = app.user.post(&format!("{PATH}/compact"), body).await.accepted();
    check_compaction(&compacted);
}

#[tokio::test]
async fn a_compaction_needs_a_model() {
    let app = TestApp::start().await;
    let refused = app.user.post(&format!("{PATH}/compact"), json!({"input": [said("user", "Hi")]})).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn responses_follow_each_other_on_one_connection() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let first = turn(&mut socket, json!({"input": [said("user", "Count.")]})).await;
    let second = turn(&mut socket, unstored("first")).await;
    let third = turn(&mut socket, unstored("second")).await;
    assert!(first["id"] != second["id"] && second["id"] != third["id"]);
}

#[tokio::test]
async fn a_response_that_is_not_stored_is_continued_with_its_id_and_new_input_alone() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let first = turn(&mut socket, unstored("The code word is cobalt.")).await;
    let second = turn(&mut socket, following(&first, "What is the code word?")).await;
    assert_eq!((&first["store"], &second["previous_response_id"]), (&json!(false), &first["id"]));
    let given = ["user: The code word is cobalt.", "assistant: Hello.", "user: What is the code word?"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn a_new_connection_knows_nothing_of_what_was_not_stored_and_begins_anew() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let first = turn(&mut listening.connect(&app.user).await, unstored("Remember copper.")).await;
    let mut socket = listening.connect(&app.user).await;
    let code = refused(&mut socket, following(&first, "Go on.")).await;
    assert_eq!(code, "previous_response_not_found");
    turn(&mut socket, unstored([said("user", "Then begin anew.")])).await;
}

#[tokio::test]
async fn a_response_that_never_was_cannot_be_continued() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let code = refused(&mut socket, following(&json!({"id": "resp_missing"}), "Go on.")).await;
    assert_eq!(code, "previous_response_not_found");
}

#[tokio::test]
async fn what_a_failed_continuation_followed_is_forgotten() {
    let app = TestApp::start().await;
    let mut socket = app.listen().await.connect(&app.user).await;
    let first = turn(&mut socket, unstored("Remember ember.")).await;
    refused(&mut socket, following(&first, [output("call_missing", "nothing")])).await;
    assert_eq!(refused(&mut socket, following(&first, "Go on.")).await, "previous_response_not_found");
}

#[tokio::test]
async fn a_compacted_conversation_is_the_beginning_of_a_new_chain() {
    let app = TestApp::start().await;
    let input = [
        said("user", json!([{"type": "input_text", "text": "The code word is slate."}])),
        said("assistant", json!([{"type": "output_text", "text": "OK."}])),
    ];
    let body = json!({"model": "gpt", "input": input});
    let compacted = app.user.post(&format!("{PATH}/compact"), body).await.accepted();
    let mut input = compacted["output"].as_array().unwrap().clone();
    input.push(said("user", "Continue."));
    let mut socket = app.listen().await.connect(&app.user).await;
    let response = turn(&mut socket, json!({"store": false, "input": input, "tools": []})).await;
    assert_eq!(response["previous_response_id"], Value::Null);
}
