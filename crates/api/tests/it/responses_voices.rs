//! Reasoning and refusals: how they are streamed, kept, and followed.

use cupola_models::{Finish, ModelDelta, ModelUsage};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    golden::assert_golden,
    model::{Piece, call, end, words},
    responses::{PATH, declared, output, path_of},
    responses_streams::assert_gapless,
};

fn says(delta: fn(String) -> ModelDelta, words: &[&str]) -> Vec<Piece> {
    words.iter().map(|word| Piece::Says(delta((*word).to_owned()))).collect()
}

fn thinks(words: &[&str]) -> Vec<Piece> {
    says(ModelDelta::Reasoning, words)
}

fn question() -> Value {
    json!({"model": "gpt", "input": "Hi"})
}

/// Streams in the foreground and asks in the background without anybody who listens: the same is put out.
async fn told(app: &TestApp, answer: Vec<Piece>) -> (String, Value) {
    app.model.then(answer.clone());
    let mut events = app.user.stream(PATH, question()).await;
    events.until("response.completed").await;
    let streamed = events.object("response.completed")["response"].clone();
    let stream = events.all().await;
    assert_gapless(&stream);
    assert_eq!(app.user.get(&path_of(&streamed)).await.accepted(), streamed);
    app.model.then(answer);
    let whole = app.ask(question()).await;
    assert_eq!(without_ids(&whole["output"]), without_ids(&streamed["output"]));
    (stream, whole)
}

fn without_ids(output: &Value) -> Value {
    let mut output = output.clone();
    output.as_array_mut().unwrap().iter_mut().for_each(|item| item["id"] = json!(""));
    output
}

#[tokio::test]
async fn thoughts_are_an_item_before_the_message() {
    let app = TestApp::start().await;
    let usage = ModelUsage { prompt_tokens: 10, completion_tokens: 9, cached_tokens: 0, reasoning_tokens: 5 };
    let mut answer = thinks(&["They ", "greet me."]);
    answer.extend(words("Hello there."));
    answer.push(Piece::Says(ModelDelta::Usage(usage)));
    answer.push(Piece::Says(ModelDelta::Finish(Finish::Stop)));
    let (stream, response) = told(&app, answer).await;
    assert_golden("responses/reasoning", &stream);
    assert_eq!(response["output"][0]["type"], "reasoning");
    assert_eq!(response["usage"]["output_tokens_details"], json!({"reasoning_tokens": 5}));
}

#[tokio::test]
async fn thoughts_in_short_are_a_summary() {
    let app = TestApp::start().await;
    let mut answer = says(ModelDelta::ReasoningSummary, &["A ", "greeting."]);
    answer.extend(words("Hello."));
    answer.extend(end(Finish::Stop, 10, 3));
    let (stream, _) = told(&app, answer).await;
    assert_golden("responses/reasoning_summary", &stream);
}

#[tokio::test]
async fn a_refusal_is_a_part_of_the_message() {
    let app = TestApp::start().await;
    let mut answer = says(ModelDelta::Refusal, &["I can't ", "do that."]);
    answer.extend(end(Finish::Stop, 10, 4));
    let (stream, response) = told(&app, answer).await;
    assert_golden("responses/refusal", &stream);
    assert_eq!(response["output"][0]["content"], json!([{"type": "refusal", "refusal": "I can't do that."}]));
}

#[tokio::test]
async fn a_text_that_turns_into_a_refusal_is_one_message_of_two_parts() {
    let app = TestApp::start().await;
    let mut answer = words("Well, ");
    answer.extend(says(ModelDelta::Refusal, &["no."]));
    answer.extend(end(Finish::Stop, 10, 4));
    let (stream, _) = told(&app, answer).await;
    assert_golden("responses/text_then_refusal", &stream);
}

#[tokio::test]
async fn what_was_thought_is_not_given_to_the_model_again_and_what_was_refused_is() {
    let app = TestApp::start().await;
    let mut answer = thinks(&["Hm."]);
    answer.extend(says(ModelDelta::Refusal, &["No."]));
    answer.extend(end(Finish::Stop, 1, 1));
    app.model.then(answer);
    let first = app.ask(question()).await;
    let expected = ["user: Hi", "assistant: No.", "user: Why?"];
    app.ask(json!({"model": "gpt", "input": "Why?", "previous_response_id": first["id"]})).await;
    assert_eq!(app.model.was_given(), expected);

    // The same, sent again by a client that keeps the conversation itself.
    let mut input = vec![json!({"role": "user", "content": "Hi"})];
    input.extend(first["output"].as_array().unwrap().clone());
    input.push(json!({"role": "user", "content": "Why?"}));
    app.ask(json!({"model": "gpt", "input": input, "store": false})).await;
    assert_eq!(app.model.was_given(), expected);
}

#[tokio::test]
async fn thoughts_before_a_call_are_sent_again_with_its_output() {
    let app = TestApp::start().await;
    let mut answer = thinks(&["I need the weather."]);
    answer.extend(call(0, "call_of_the_model_1", "get_weather", "{}"));
    answer.extend(end(Finish::ToolCalls, 1, 1));
    app.model.then(answer);
    let tools = json!([declared("get_weather")]);
    let first = app.ask(json!({"model": "gpt", "input": "Rain?", "tools": tools})).await;
    let mut input = vec![json!({"role": "user", "content": "Rain?"})];
    input.extend(first["output"].as_array().unwrap().clone());
    input.push(output("call_of_the_model_1", "yes"));
    app.ask(json!({"model": "gpt", "input": input, "tools": tools})).await;
    assert_eq!(app.model.was_given(), ["user: Rain?", "assistant: get_weather({})", "tool: yes"]);
}

#[tokio::test]
async fn a_run_shows_a_refusal_as_text_and_no_thoughts() {
    let app = TestApp::start().await;
    let mut answer = thinks(&["Hm."]);
    answer.extend(says(ModelDelta::Refusal, &["I can't ", "do that."]));
    answer.extend(end(Finish::Stop, 10, 4));
    app.model.then(answer);
    let agent = app.agent().await;
    let body = json!({"assistant_id": agent, "thread": {"messages": [{"role": "user", "content": "Hi"}]}});
    let stream = app.user.stream("/threads/runs", body).await.all().await;
    assert!(!stream.contains("Hm."), "{stream}");
    assert_golden("refusal", &stream);
}
