//! Turns on conversations: each adds what was asked and what was answered exactly once, one after the other.

use cupola_models::{Fault, FaultKind, Finish};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    model::{Gate, Piece, call, end, words},
    named_agents::add_version,
    responses::{PATH, declared, output, path_of},
};

impl TestApp {
    async fn conversation(&self) -> String {
        self.user.create("/openai/v1/conversations", json!({})).await
    }

    /// The items of a conversation, oldest first, each in one line.
    async fn items(&self, conversation: &str) -> Vec<String> {
        let path = format!("/openai/v1/conversations/{conversation}/items?order=asc&limit=100");
        self.user.list(&path).await.iter().map(line).collect()
    }
}

fn line(item: &Value) -> String {
    let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
    match item["type"].as_str().unwrap() {
        "message" => format!("{}: {}", text("role"), item["content"][0]["text"].as_str().unwrap()),
        "function_call" => format!("call: {}", text("name")),
        _ => format!("output: {}", text("output")),
    }
}

/// A question on a conversation.
fn on(conversation: &str, input: &str) -> Value {
    json!({"model": "gpt", "input": input, "conversation": conversation})
}

#[tokio::test]
async fn a_turn_adds_its_input_and_its_output_once_with_the_ids_that_the_response_has() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    let response = app.ask(on(&conversation, "Hi")).await;
    assert_eq!(app.items(&conversation).await, ["user: Hi", "assistant: Hello."]);
    let path = format!("/openai/v1/conversations/{conversation}/items");
    let newest = app.user.list(&path).await;
    assert_eq!(newest[0]["id"], response["output"][0]["id"]);
    let input = app.user.list(&format!("{}/input_items", path_of(&response))).await;
    assert_eq!(newest[1]["id"], input[0]["id"]);
}

#[tokio::test]
async fn the_next_turn_sees_the_turns_before_it_and_the_items_that_were_added_by_hand() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    app.ask(on(&conversation, "one")).await;
    let added = json!({"items": [{"type": "message", "role": "developer", "content": "Be kind."}]});
    app.user.post(&format!("/openai/v1/conversations/{conversation}/items"), added).await.accepted();
    app.ask(on(&conversation, "two")).await;
    let given = ["user: one", "assistant: Hello.", "system: Be kind.", "user: two"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn a_turn_needs_no_input_if_the_conversation_has_the_question() {
    let app = TestApp::start().await;
    let items = json!({"items": [{"type": "message", "role": "user", "content": "Hi"}]});
    let conversation = app.user.create("/openai/v1/conversations", items).await;
    app.ask(json!({"model": "gpt", "conversation": {"id": conversation}})).await;
    assert_eq!(app.model.was_given(), ["user: Hi"]);
    assert_eq!(app.items(&conversation).await, ["user: Hi", "assistant: Hello."]);
}

#[tokio::test]
async fn parallel_calls_and_their_outputs_are_in_the_conversation_and_given_back_as_one_exchange() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    let first = call(0, "call_of_the_model_1", "get_weather", "{}");
    let second = call(1, "call_of_the_model_2", "get_time", "{}");
    app.model.then(first.into_iter().chain(second).chain(end(Finish::ToolCalls, 20, 5)));
    let tools = json!([declared("get_weather"), declared("get_time")]);
    let mut body = on(&conversation, "Hi");
    body["tools"] = tools.clone();
    app.ask(body.clone()).await;
    body["input"] = json!([output("call_of_the_model_1", "rain"), output("call_of_the_model_2", "noon")]);
    app.ask(body).await;
    let given = ["user: Hi", "assistant: get_weather({}) + get_time({})", "tool: rain", "tool: noon"];
    assert_eq!(app.model.was_given(), given);
    let items = [
        "user: Hi",
        "call: get_weather",
        "call: get_time",
        "output: rain",
        "output: noon",
        "assistant: Hello.",
    ];
    assert_eq!(app.items(&conversation).await, items);
}

#[tokio::test]
async fn a_turn_that_failed_adds_what_there_is_once_and_does_not_poison_the_next_one() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    app.model.refuses(FaultKind::RateLimited, "Fewer requests, please.");
    assert_eq!(app.user.post(PATH, on(&conversation, "one")).await.status, 429);
    let broken = Piece::Fails(Fault::new(FaultKind::Broken, "The connection broke."));
    app.model.then(words("Once ").into_iter().chain([broken]));
    assert_eq!(app.user.post(PATH, on(&conversation, "two")).await.status, 502);
    assert_eq!(app.items(&conversation).await, ["user: one", "user: two", "assistant: Once "]);

    let response = app.ask(on(&conversation, "three")).await;
    assert_eq!(response["status"], "completed");
    assert_eq!(app.items(&conversation).await[3..], ["user: three", "assistant: Hello."]);
}

#[tokio::test]
async fn a_call_that_broke_off_or_was_never_answered_is_not_given_to_the_next_turn() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    let broken = Piece::Fails(Fault::new(FaultKind::Broken, "The connection broke."));
    let mut half = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    half.truncate(2);
    app.model.then(half.into_iter().chain([broken]));
    let mut body = on(&conversation, "one");
    body["tools"] = json!([declared("get_weather")]);
    assert_eq!(app.user.post(PATH, body.clone()).await.status, 502);
    app.model.calls("get_weather", "{}");
    body["input"] = json!("two");
    app.ask(body).await;
    app.ask(on(&conversation, "three")).await;
    assert_eq!(app.model.was_given(), ["user: one", "user: two", "user: three"]);
}

#[tokio::test]
async fn two_turns_at_once_run_in_the_order_in_which_they_came_and_both_are_added() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    let gate = Gate::closed();
    app.model.then([Piece::Waits(gate.clone())].into_iter().chain(words("1")).chain(end(Finish::Stop, 1, 1)));
    app.model.says("2");
    let mut turns = Vec::new();
    for input in ["one", "two"] {
        let mut body = on(&conversation, input);
        body["background"] = json!(true);
        turns.push(path_of(&app.ask(body).await));
    }
    app.user.until(&turns[0], "in_progress").await;
    // The second one waits its turn.
    assert_eq!(app.user.get(&turns[1]).await.accepted()["status"], "queued");
    gate.open();
    for turn in &turns {
        app.user.until(turn, "completed").await;
    }
    assert_eq!(app.items(&conversation).await, ["user: one", "assistant: 1", "user: two", "assistant: 2"]);
    assert_eq!(app.model.was_given(), ["user: one", "assistant: 1", "user: two"]);
}

#[tokio::test]
async fn many_turns_at_once_are_all_added_each_in_one_piece() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    let turns: Vec<_> = (0..8)
        .map(|number| {
            let (user, body) = (app.user.clone(), on(&conversation, &format!("turn {number}")));
            tokio::spawn(async move { user.post(PATH, body).await.accepted() })
        })
        .collect();
    for turn in turns {
        assert_eq!(turn.await.unwrap()["status"], "completed");
    }
    let items = app.items(&conversation).await;
    let (asked, answered): (Vec<_>, Vec<_>) = items.chunks(2).map(|turn| (&turn[0], &turn[1])).unzip();
    let mut asked: Vec<&str> = asked.into_iter().map(String::as_str).collect();
    asked.sort_unstable();
    let expected: Vec<String> = (0..8).map(|number| format!("user: turn {number}")).collect();
    assert_eq!(asked, expected);
    assert!(answered.iter().all(|item| *item == "assistant: Hello."));
}

#[tokio::test]
async fn a_turn_of_another_conversation_does_not_wait() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.model.then([Piece::Waits(gate.clone())]);
    let mut body = on(&app.conversation().await, "one");
    body["background"] = json!(true);
    let blocked = path_of(&app.ask(body).await);
    app.user.until(&blocked, "in_progress").await;
    let response = app.ask(on(&app.conversation().await, "two")).await;
    assert_eq!(response["status"], "completed");
    app.user.post_nothing(&format!("{blocked}/cancel")).await.accepted();
}

#[tokio::test]
async fn a_turn_that_was_cancelled_adds_what_there_is_once_and_the_next_one_runs() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    app.model.then(words("Once ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let mut body = on(&conversation, "one");
    body["background"] = json!(true);
    let mut events = app.user.stream(PATH, body).await;
    events.until("response.output_text.delta").await;
    let path = path_of(&events.object("response.created")["response"]);
    app.user.post_nothing(&format!("{path}/cancel")).await.accepted();
    assert_eq!(app.items(&conversation).await, ["user: one", "assistant: Once "]);
    app.ask(on(&conversation, "two")).await;
    assert_eq!(app.items(&conversation).await[2..], ["user: two", "assistant: Hello."]);
}

#[tokio::test]
async fn a_response_may_follow_a_response_of_a_conversation_and_sees_all_of_it() {
    let app = TestApp::start().await;
    let conversation = app.conversation().await;
    app.ask(on(&conversation, "one")).await;
    let second = app.ask(on(&conversation, "two")).await;
    app.ask(json!({"model": "gpt", "input": "three", "previous_response_id": second["id"]})).await;
    let given = ["user: one", "assistant: Hello.", "user: two", "assistant: Hello.", "user: three"];
    assert_eq!(app.model.was_given(), given);
    assert_eq!(app.items(&conversation).await.len(), 4, "the conversation is not part of the chain");
}

#[tokio::test]
async fn a_conversation_that_an_agent_answered_in_is_listed_by_the_agents_name() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let conversation = app.conversation().await;
    app.conversation().await;
    let agent = json!({"name": "weather", "type": "agent_reference"});
    app.ask(json!({"input": "Hi", "agent_reference": agent, "conversation": conversation})).await;
    let listed = app.user.list("/openai/v1/conversations?agent_name=weather").await;
    assert_eq!(listed.iter().map(|found| &found["id"]).collect::<Vec<_>>(), [&conversation]);
}
