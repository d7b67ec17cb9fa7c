//! What the model is given: instructions, history, tools and limits.

use cupola_models::{Finish, ResponseFormat};
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp, function},
    model::{ScriptedModel, end, words},
};

/// Runs an agent on a thread with these user messages; gives the run after its end.
async fn run_on(app: &TestApp, messages: &[&str], settings: Value) -> Value {
    let agent = app.user.create("/assistants", json!({"model": "gpt", "instructions": "Be brief."})).await;
    let first: Vec<Value> = messages.iter().map(|text| json!({"role": "user", "content": text})).collect();
    let thread = app.user.create("/threads", json!({"messages": first})).await;
    let mut body = settings;
    body["assistant_id"] = json!(agent);
    let path = format!("/threads/{thread}/runs");
    let run = app.user.create(&path, body).await;
    loop {
        let seen = app.user.get(&format!("{path}/{run}")).await.accepted();
        if seen["status"] == "completed" || seen["status"] == "incomplete" || seen["status"] == "failed" {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn the_model_is_given_the_instructions_and_the_whole_history_in_order() {
    let app = TestApp::start().await;
    run_on(&app, &["one", "two", "three"], json!({})).await;
    assert_eq!(app.model.was_given(), ["system: Be brief.", "user: one", "user: two", "user: three"]);
}

#[tokio::test]
async fn the_last_messages_are_the_newest_ones() {
    let app = TestApp::start().await;
    let strategy = json!({"truncation_strategy": {"type": "last_messages", "last_messages": 2}});
    run_on(&app, &["one", "two", "three"], strategy).await;
    assert_eq!(app.model.was_given(), ["system: Be brief.", "user: two", "user: three"]);
}

#[tokio::test]
async fn a_long_history_is_read_to_its_beginning() {
    let app = TestApp::start().await;
    let texts: Vec<String> = (0..130).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    run_on(&app, &texts, json!({})).await;
    let given = app.model.was_given();
    assert_eq!(given.len(), 131);
    assert_eq!((given[1].as_str(), given[130].as_str()), ("user: 0", "user: 129"));
}

#[tokio::test]
async fn history_that_does_not_fit_the_window_is_left_out_from_the_oldest_on() {
    // The window keeps half for the answer; a word is a token, a message costs four more.
    let model = ScriptedModel::with_window(40);
    let app = TestApp::with(Setup { model, ..Setup::default() }).await;
    let run = run_on(&app, &["one", "two", "three", "four"], json!({})).await;
    assert_eq!(run["status"], "completed");
    assert_eq!(app.model.was_given(), ["system: Be brief.", "user: three", "user: four"]);
}

#[tokio::test]
async fn the_newest_message_is_given_even_if_the_window_seems_too_small() {
    let model = ScriptedModel::with_window(12);
    let app = TestApp::with(Setup { model, ..Setup::default() }).await;
    let long = "a text of many more words than would fit into it";
    assert_eq!(run_on(&app, &["one", long], json!({})).await["status"], "completed");
    assert_eq!(app.model.was_given(), ["system: Be brief.".to_owned(), format!("user: {long}")]);
}

#[tokio::test]
async fn max_prompt_tokens_cuts_the_history() {
    let app = TestApp::start().await;
    let run = run_on(&app, &["one", "two", "three"], json!({"max_prompt_tokens": 17})).await;
    assert_eq!(run["status"], "completed");
    assert_eq!(app.model.was_given(), ["system: Be brief.", "user: two", "user: three"]);
}

#[tokio::test]
async fn a_prompt_that_can_not_fit_max_prompt_tokens_is_incomplete_and_never_sent() {
    let app = TestApp::start().await;
    let run = run_on(&app, &["one two three"], json!({"max_prompt_tokens": 9})).await;
    assert_eq!(run["status"], "incomplete");
    assert_eq!(run["incomplete_details"], json!({"reason": "max_prompt_tokens"}));
    assert_eq!(app.model.requests().len(), 0);
}

#[tokio::test]
async fn max_completion_tokens_reach_the_model_and_what_is_left_of_them_the_next_call() {
    let app = TestApp::start().await;
    app.model.calls("f", "{}");
    let agent = app.agent_with(json!([function("f")])).await;
    let thread = app.thread().await;
    let path = format!("/threads/{thread}/runs");
    let run = app.user.create(&path, json!({"assistant_id": agent, "max_completion_tokens": 30})).await;
    app.user.until(&format!("{path}/{run}"), "requires_action").await;
    let outputs = json!({"tool_outputs": [{"tool_call_id": "call_of_the_model_1", "output": "x"}]});
    app.user.post(&format!("{path}/{run}/submit_tool_outputs"), outputs).await.accepted();
    app.user.until(&format!("{path}/{run}"), "completed").await;
    let limits: Vec<_> = app.model.requests().iter().map(|request| request.max_completion_tokens).collect();
    assert_eq!(limits, [Some(30), Some(25)]);
}

#[tokio::test]
async fn an_answer_cut_at_the_limit_is_incomplete() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon").into_iter().chain(end(Finish::Length, 10, 2)));
    let run = run_on(&app, &["one"], json!({"max_completion_tokens": 2})).await;
    assert_eq!(run["incomplete_details"], json!({"reason": "max_completion_tokens"}));
    let thread = run["thread_id"].as_str().unwrap();
    let answer = app.user.list(&format!("/threads/{thread}/messages")).await.remove(0);
    assert_eq!(
        (&answer["status"], &answer["incomplete_details"]),
        (&json!("incomplete"), &json!({"reason": "max_tokens"}))
    );
}

#[tokio::test]
async fn tokens_that_the_upstream_does_not_count_are_counted_here() {
    let app = TestApp::start().await;
    app.model.then(words("Three words here.").into_iter().chain(end(Finish::Stop, 0, 0).into_iter().skip(1)));
    let run = run_on(&app, &["one two"], json!({})).await;
    let counted = |field: &str| run["usage"][field].as_u64().unwrap();
    assert!(counted("prompt_tokens") >= 4, "{run:#}");
    assert!(counted("completion_tokens") >= 3, "{run:#}");
}

#[tokio::test]
async fn tools_sampling_and_format_reach_the_model() {
    let app = TestApp::start().await;
    let schema = json!({"type": "object"});
    let format = json!({"name": "a", "schema": schema, "strict": true});
    let settings = json!({
        "tools": [function("g")], "temperature": 0.25, "top_p": 0.5, "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": format},
        "model": "other",
    });
    run_on(&app, &["one"], settings).await;
    let request = app.model.requests().remove(0);
    assert_eq!(request.model, "other");
    assert_eq!(request.tools.len(), 1);
    assert_eq!(
        (request.temperature, request.top_p, request.parallel_tool_calls),
        (Some(0.25), Some(0.5), Some(false))
    );
    let expected =
        ResponseFormat::JsonSchema { name: "a".to_owned(), description: None, schema, strict: Some(true) };
    assert_eq!(request.response_format, expected);
}

#[tokio::test]
async fn images_reach_the_model_and_one_that_is_gone_is_said_to_be_gone() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let here = app.user.upload_text("here.png").await;
    let gone = app.user.upload_text("gone.png").await;
    let content = json!([
        {"type": "text", "text": "Look:"},
        {"type": "image_file", "image_file": {"file_id": here}},
        {"type": "image_file", "image_file": {"file_id": gone}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]);
    let thread =
        app.user.create("/threads", json!({"messages": [{"role": "user", "content": content}]})).await;
    app.user.delete(&format!("/files/{gone}")).await.accepted();
    let path = format!("/threads/{thread}/runs");
    let run = app.user.create(&path, json!({"assistant_id": agent})).await;
    app.user.until(&format!("{path}/{run}"), "completed").await;
    let given = app.model.was_given();
    let expected = "user: Look: + data:image/png;base64,c29tZSB0ZXh0 \
                    + [an image that is no longer available] + https://example.com/a.png";
    assert_eq!(given, [expected]);
}
