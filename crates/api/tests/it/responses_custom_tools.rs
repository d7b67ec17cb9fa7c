//! Custom tools: calls whose input is free text.

use cupola_models::Finish;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    golden::assert_golden,
    model::{call, end, words},
    responses::PATH,
    responses_streams::assert_gapless,
};

const CALL: &str = "call_of_the_model_1";

fn question() -> Value {
    let tool =
        json!({"type": "custom", "name": "shout", "description": "Shouts.", "format": {"type": "text"}});
    json!({"model": "gpt", "input": "Hi", "tools": [tool]})
}

fn shouted(input: &str, previous: &Value) -> Value {
    let mut body = question();
    body["input"] = json!([{"type": "custom_tool_call_output", "call_id": CALL, "output": input}]);
    body["previous_response_id"] = previous.clone();
    body
}

#[tokio::test]
async fn a_call_of_a_custom_tool_streams_its_input() {
    let app = TestApp::start().await;
    app.model.calls("shout", r#"{"input":"Hello,\nworld!"}"#);
    let stream = app.user.stream(PATH, question()).await.all().await;
    assert_gapless(&stream);
    assert_golden("responses/custom_tool_call", &stream);
}

#[tokio::test]
async fn an_answer_of_a_custom_tool_is_given_to_the_model_as_that_of_a_function() {
    let app = TestApp::start().await;
    app.model.calls("shout", r#"{"input":"Hello"}"#);
    let asked = app.ask(question()).await;
    let item = &asked["output"][0];
    assert_eq!(
        (&item["type"], &item["name"], &item["input"], &item["call_id"]),
        (&json!("custom_tool_call"), &json!("shout"), &json!("Hello"), &json!(CALL))
    );
    app.ask(shouted("HELLO", &asked["id"])).await;
    let given = ["user: Hi", r#"assistant: shout({"input":"Hello"})"#, "tool: HELLO"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn input_that_the_model_did_not_wrap_is_taken_as_it_is() {
    let app = TestApp::start().await;
    app.model.calls("shout", "Hello");
    let asked = app.ask(question()).await;
    assert_eq!(asked["output"][0]["input"], "Hello");
}

#[tokio::test]
async fn a_text_comes_before_a_call_of_a_custom_tool_and_a_function_after_it() {
    let app = TestApp::start().await;
    let custom = call(0, CALL, "shout", r#"{"input":"Hello"}"#);
    let function = call(1, "call_of_the_model_2", "get_time", "{}");
    let answer = words("Let me see.").into_iter().chain(custom).chain(function);
    app.model.then(answer.chain(end(Finish::ToolCalls, 20, 5)));
    let mut body = question();
    body["tools"].as_array_mut().unwrap().push(crate::responses::declared("get_time"));
    let mut events = app.user.stream(PATH, body).await;
    events.until("response.completed").await;
    let response = events.object("response.completed")["response"].clone();
    let kinds: Vec<_> = response["output"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["message", "custom_tool_call", "function_call"]);
    assert_gapless(&events.all().await);
}
