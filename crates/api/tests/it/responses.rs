//! Responses: their bodies, what is kept of them, and how they follow each other.

use cupola_models::Finish;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, function},
    model::{call, end, words},
    named_agents::add_version,
};

/// Where responses are created.
pub const PATH: &str = "/openai/v1/responses";

/// The path of a response.
pub fn path_of(response: &Value) -> String {
    format!("{PATH}/{}", response["id"].as_str().unwrap())
}

/// A function as agents with versions declare it.
pub fn declared(name: &str) -> Value {
    let parameters = json!({"type": "object", "properties": {}});
    json!({"type": "function", "name": name, "description": null, "parameters": parameters, "strict": false})
}

/// The output of a call.
pub fn output(call_id: &str, output: &str) -> Value {
    json!({"type": "function_call_output", "call_id": call_id, "output": output})
}

impl TestApp {
    /// A response that must be accepted.
    pub async fn ask(&self, body: Value) -> Value {
        self.user.post(PATH, body).await.accepted()
    }
}

#[tokio::test]
async fn a_response_has_every_field_and_the_defaults_of_what_was_left_out() {
    let app = TestApp::start().await;
    app.model.says("The answer is 42.");
    let created = app.user.post(PATH, json!({"model": "gpt", "input": "What is the answer?"})).await;
    assert_snapshot!(created.shown());
    let response = created.accepted();
    assert_eq!(app.user.get(&path_of(&response)).await.accepted(), response);
}

#[tokio::test]
async fn a_response_echoes_what_it_was_asked_with_also_in_fields_of_newer_clients() {
    let app = TestApp::start().await;
    let body = json!({
        "model": "gpt",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "instructions": "Be kind.",
        "temperature": 0.25,
        "top_p": 0.5,
        "max_output_tokens": 500,
        "max_tool_calls": 3,
        "parallel_tool_calls": false,
        "metadata": {"team": "a"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "tools": [declared("get_weather")],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "truncation": "auto",
        "user": "somebody",
        "prompt_cache_key": "key",
        "safety_identifier": "hash",
        "field_of_tomorrow": {"deep": [1]},
    });
    assert_snapshot!(app.user.post(PATH, body).await.shown());
}

#[tokio::test]
async fn a_response_of_an_agent_carries_its_settings_and_its_resolved_version() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be kind.").await;
    let body = json!({"input": "Hi", "agent_reference": {"type": "agent_reference", "name": "weather"}});
    let created = app.user.post(PATH, body).await;
    assert_eq!(created.headers["x-agent-version-resolution"], "latest");
    assert_eq!(created.headers["x-agent-version-resolved"], "1");
    assert_snapshot!(created.shown());
    assert_eq!(app.model.was_given()[0], "system: Be kind.");
}

#[tokio::test]
async fn calls_are_output_items_with_the_ids_that_their_outputs_name() {
    let app = TestApp::start().await;
    let first = call(0, "call_of_the_model_1", "get_weather", r#"{"city":"Oslo"}"#);
    let second = call(1, "call_of_the_model_2", "get_time", "{}");
    app.model.then(first.into_iter().chain(second).chain(end(Finish::ToolCalls, 20, 5)));
    let tools = json!([declared("get_weather"), declared("get_time")]);
    let asked = app.user.post(PATH, json!({"model": "gpt", "input": "Hi", "tools": tools})).await;
    assert_snapshot!(asked.shown());

    app.model.says("It rains at noon.");
    let answered = app
        .ask(json!({
            "model": "gpt",
            "tools": tools,
            "previous_response_id": asked.accepted()["id"],
            "input": [output("call_of_the_model_2", "noon"), output("call_of_the_model_1", "rain")],
        }))
        .await;
    assert_eq!(answered["output"][0]["content"][0]["text"], "It rains at noon.");
    let given = [r#"assistant: get_weather({"city":"Oslo"}) + get_time({})"#, "tool: rain", "tool: noon"];
    assert_eq!(app.model.was_given()[1..], given);
}

#[tokio::test]
async fn calls_that_follow_each_other_are_given_to_the_model_one_after_the_other() {
    let app = TestApp::start().await;
    let said = json!([
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        output("a", "1"),
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
        output("b", "2"),
    ]);
    app.ask(json!({"model": "gpt", "input": said})).await;
    let given = ["user: Hi", "assistant: f({})", "tool: 1", "assistant: g({})", "tool: 2"];
    assert_eq!(app.model.was_given(), given);
}

#[tokio::test]
async fn a_declaration_may_be_nested_as_older_clients_do() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", "{}");
    let tools = json!([function("get_weather")]);
    let response = app.ask(json!({"model": "gpt", "input": "Hi", "tools": tools})).await;
    assert_eq!(response["output"][0]["name"], "get_weather");
}

#[tokio::test]
async fn a_chain_gives_the_model_everything_before_it_and_an_output_can_be_sent_again() {
    let app = TestApp::start().await;
    let first = app.ask(json!({"model": "gpt", "input": "one"})).await;
    let second = app.ask(json!({"model": "gpt", "input": "two", "previous_response_id": first["id"]})).await;
    app.ask(json!({"model": "gpt", "input": "three", "previous_response_id": second["id"]})).await;
    let given = ["user: one", "assistant: Hello.", "user: two", "assistant: Hello.", "user: three"];
    assert_eq!(app.model.was_given(), given);

    let again =
        json!([{"role": "user", "content": "one"}, first["output"][0], {"role": "user", "content": "x"}]);
    app.ask(json!({"model": "gpt", "input": again})).await;
    assert_eq!(app.model.was_given(), ["user: one", "assistant: Hello.", "user: x"]);
}

#[tokio::test]
async fn instructions_are_those_of_each_response_alone() {
    let app = TestApp::start().await;
    let first = app.ask(json!({"model": "gpt", "input": "one", "instructions": "Be kind."})).await;
    app.ask(json!({"model": "gpt", "input": "two", "previous_response_id": first["id"]})).await;
    assert_eq!(app.model.was_given(), ["user: one", "assistant: Hello.", "user: two"]);
}

#[tokio::test]
async fn a_chain_goes_on_behind_a_response_that_was_deleted_with_what_is_left() {
    let app = TestApp::start().await;
    let first = app.ask(json!({"model": "gpt", "input": "one"})).await;
    let second = app.ask(json!({"model": "gpt", "input": "two", "previous_response_id": first["id"]})).await;
    app.user.delete(&path_of(&first)).await.accepted();
    app.ask(json!({"model": "gpt", "input": "three", "previous_response_id": second["id"]})).await;
    assert_eq!(app.model.was_given(), ["user: two", "assistant: Hello.", "user: three"]);
}

#[tokio::test]
async fn a_response_that_is_not_stored_leaves_nothing_and_no_items_in_its_conversation() {
    let app = TestApp::start().await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let response =
        app.ask(json!({"model": "gpt", "input": "Hi", "store": false, "conversation": conversation})).await;
    assert_eq!((&response["status"], &response["store"]), (&json!("completed"), &json!(false)));
    assert_eq!(app.user.get(&path_of(&response)).await.status, 404);
    assert_eq!(app.user.get(&format!("{}/input_items", path_of(&response))).await.status, 404);
    assert!(app.user.list(PATH).await.is_empty());
    assert!(app.user.list(&format!("/openai/v1/conversations/{conversation}/items")).await.is_empty());
}

#[tokio::test]
async fn an_answer_that_reached_its_limit_is_incomplete() {
    let app = TestApp::start().await;
    app.model.then(words("Once upon").into_iter().chain(end(Finish::Length, 10, 2)));
    let response = app.ask(json!({"model": "gpt", "input": "Hi", "max_output_tokens": 2})).await;
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(response["output"][0]["status"], "incomplete");
    assert_eq!(response["completed_at"], json!(null));
}

#[tokio::test]
async fn the_input_is_listed_in_pages() {
    let app = TestApp::start().await;
    let input: Vec<Value> = (0..5).map(|n| json!({"role": "user", "content": n.to_string()})).collect();
    let response = app.ask(json!({"model": "gpt", "input": input})).await;
    let items = format!("{}/input_items", path_of(&response));
    let text = |item: &Value| item["content"][0]["text"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    let mut query = "?limit=2&order=asc".to_owned();
    loop {
        let page = app.user.get(&format!("{items}{query}")).await.accepted();
        seen.extend(page["data"].as_array().unwrap().iter().map(text));
        if page["has_more"] == false {
            break;
        }
        query = format!("?limit=2&order=asc&after={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    let newest: Vec<String> = app.user.list(&items).await.iter().map(text).collect();
    assert_eq!(newest, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn responses_are_listed_by_their_agent_and_by_their_conversation() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let alone = app.ask(json!({"model": "gpt", "input": "Hi"})).await;
    let inside = app.ask(json!({"model": "gpt", "input": "Hi", "conversation": {"id": conversation}})).await;
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let by_agent = app.ask(json!({"input": "Hi", "agent_reference": agent})).await;
    let listed = async |query: &str| -> Vec<Value> {
        app.user.list(&format!("{PATH}?{query}")).await.iter().map(|found| found["id"].clone()).collect()
    };
    assert_eq!(listed("").await, [&by_agent["id"], &inside["id"], &alone["id"]].map(Value::clone));
    assert_eq!(listed(&format!("conversation_id={conversation}")).await, [inside["id"].clone()]);
    assert_eq!(listed("agent_name=weather").await, [by_agent["id"].clone()]);
    assert_eq!(listed("agent_id=weather:1").await, [by_agent["id"].clone()]);
    assert!(listed("agent_id=weather:2").await.is_empty());
}

#[tokio::test]
async fn a_deleted_response_is_gone_with_its_input() {
    let app = TestApp::start().await;
    let response = app.ask(json!({"model": "gpt", "input": "Hi"})).await;
    let path = path_of(&response);
    let deleted = app.user.delete(&path).await.accepted();
    assert_eq!(deleted, json!({"id": response["id"], "object": "response", "deleted": true}));
    for gone in [app.user.get(&path).await, app.user.delete(&path).await] {
        assert_eq!(gone.status, 404);
    }
    assert_eq!(app.user.get(&format!("{path}/input_items")).await.status, 404);
}

#[tokio::test]
async fn another_projects_responses_are_not_found() {
    let app = TestApp::start().await;
    let response = app.ask(json!({"model": "gpt", "input": "Hi"})).await;
    let other = app.user.in_project("other");
    assert_eq!(other.get(&path_of(&response)).await.status, 404);
    let body = json!({"model": "gpt", "input": "Hi", "previous_response_id": response["id"]});
    assert_eq!(other.post(PATH, body).await.status, 400);
}
