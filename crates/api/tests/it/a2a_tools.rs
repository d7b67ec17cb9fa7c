//! `a2a_preview` and `a2a`: agents that are asked over A2A, elsewhere and in this service.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cupola_api::{ConfiguredConnection, Connection};
use cupola_identity::Secret;
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    app::{Setup, TestApp},
    golden::assert_golden,
    model::{Gate, Piece, words},
    named_agents::add_version,
    responses::PATH,
};

const KEY: &str = "k3y-that-nobody-may-see";

/// An agent elsewhere, and what it was sent.
#[derive(Clone, Default)]
struct Elsewhere {
    calls: Arc<Mutex<Vec<(Value, HeaderMap)>>>,
}

impl Elsewhere {
    /// Serves a card, and these answers in their order; the last one again and again.
    async fn serve(&self, card: Value, answers: Vec<Value>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::clone(&self.calls);
        let answered = move |headers: HeaderMap, Json(call): Json<Value>| async move {
            let mut calls = calls.lock().unwrap();
            let answer = answers[calls.len().min(answers.len() - 1)].clone();
            calls.push((call, headers));
            said(answer)
        };
        let router = Router::new()
            .route("/.well-known/agent-card.json", get(|| async move { Json(card) }))
            .route("/rpc", post(answered));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// The methods that were called.
    fn methods(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|(call, _)| call["method"].as_str().unwrap().to_owned()).collect()
    }

    async fn until_called(&self, method: &str) {
        while !self.methods().iter().any(|called| called == method) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// An answer: an array is a stream of events.
fn said(answer: Value) -> Response {
    let wrapped = |result: &Value| json!({"jsonrpc": "2.0", "id": "1", "result": result});
    match &answer {
        Value::Array(events) => {
            let events: String = events.iter().map(|event| format!("data: {}\n\n", wrapped(event))).collect();
            ([("content-type", "text/event-stream")], events).into_response()
        }
        answer if answer.get("error").is_some() => Json(answer.clone()).into_response(),
        answer => Json(wrapped(answer)).into_response(),
    }
}

fn card(streams: bool) -> Value {
    json!({
        "name": "Weather office", "description": "Knows the weather.", "url": "/rpc",
        "protocolVersion": "0.3.0", "preferredTransport": "JSONRPC", "capabilities": {"streaming": streams},
        "skills": [{"id": "f", "name": "forecast", "description": "Looks ahead.", "tags": []}],
    })
}

fn text(text: &str) -> Value {
    json!([{"kind": "text", "text": text}])
}

fn question(tool: Value) -> Value {
    json!({"model": "gpt", "input": "Will it rain?", "tools": [tool]})
}

fn at(address: SocketAddr) -> Value {
    json!({"type": "a2a_preview", "base_url": format!("http://{address}")})
}

/// The tool asks, and the model says what it was told.
fn asks(app: &TestApp, function: &str) {
    app.model.calls(function, r#"{"message":"Rain tomorrow?"}"#);
}

/// The types of the items of a response.
fn types(response: &Value) -> Vec<&str> {
    response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_agent_elsewhere_is_streamed_as_a_pair_of_items() {
    let app = TestApp::start().await;
    let message = json!({"kind": "message", "role": "agent", "parts": text("It will.")});
    let address = Elsewhere::default().serve(card(false), vec![message]).await;
    asks(&app, "Weather_office");
    app.model.says("Take an umbrella.");
    let stream = app.user.stream(PATH, question(at(address))).await.all().await;
    assert_golden("responses/a2a", &stream.replace(&address.to_string(), "127.0.0.1:1"));
    let offered = &app.model.requests()[0].tools[0];
    let description = offered.description.as_deref().unwrap();
    assert!(description.ends_with("Knows the weather. Skills: forecast: Looks ahead."), "{description}");
}

#[tokio::test]
async fn an_agent_may_tell_bit_by_bit() {
    let app = TestApp::start().await;
    let events = json!([
        {"kind": "task", "id": "t", "contextId": "c", "status": {"state": "submitted"}},
        {"kind": "artifact-update", "taskId": "t", "contextId": "c",
         "artifact": {"artifactId": "a", "parts": text("It ")}},
        {"kind": "artifact-update", "taskId": "t", "contextId": "c", "append": true,
         "artifact": {"artifactId": "a", "parts": text("will.")}},
        {"kind": "status-update", "taskId": "t", "contextId": "c", "final": true,
         "status": {"state": "completed"}},
    ]);
    let elsewhere = Elsewhere::default();
    let address = elsewhere.serve(card(true), vec![events]).await;
    asks(&app, "Weather_office");
    app.user.post(PATH, question(at(address))).await.accepted();
    assert_eq!(app.model.was_given().last().unwrap(), "tool: It will.");
    assert_eq!(elsewhere.methods(), ["message/stream"]);
}

#[tokio::test]
async fn a_task_that_takes_its_time_is_asked_for_until_it_is_done() {
    let app = TestApp::start().await;
    let task = |state: &str| {
        json!({
            "kind": "task", "id": "t", "status": {"state": state},
            "artifacts": [{"artifactId": "a", "parts": text("It will.")}],
        })
    };
    let elsewhere = Elsewhere::default();
    let answers = vec![task("submitted"), task("working"), task("completed")];
    let address = elsewhere.serve(card(false), answers).await;
    asks(&app, "Weather_office");
    app.user.post(PATH, question(at(address))).await.accepted();
    assert_eq!(app.model.was_given().last().unwrap(), "tool: It will.");
    assert_eq!(elsewhere.methods(), ["message/send", "tasks/get", "tasks/get"]);
}

#[tokio::test]
async fn an_agent_of_version_1_is_asked_in_its_words() {
    let app = TestApp::start().await;
    let card = json!({
        "name": "office", "capabilities": {},
        "supportedInterfaces": [{"url": "/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
    });
    let task = json!({"task": {
        "id": "t", "status": {"state": "TASK_STATE_COMPLETED"},
        "artifacts": [{"artifactId": "a", "parts": [{"text": "It will."}]}],
    }});
    let elsewhere = Elsewhere::default();
    let address = elsewhere.serve(card, vec![task]).await;
    asks(&app, "office");
    let mut tool = at(address);
    tool["type"] = json!("a2a");
    tool["a2a_version"] = json!("1.0");
    let response = app.user.post(PATH, question(tool)).await.accepted();
    assert_eq!(types(&response)[..2], ["a2a_preview_call", "a2a_preview_call_output"]);
    let (call, headers) = elsewhere.calls.lock().unwrap()[0].clone();
    assert_eq!((&call["method"], &headers["a2a-version"]), (&json!("SendMessage"), &"1.0".parse().unwrap()));
    assert_eq!(call["params"]["message"]["parts"], json!([{"text": "Rain tomorrow?"}]));
}

#[tokio::test]
async fn what_goes_wrong_elsewhere_is_told_to_the_model_and_ends_nothing() {
    let refusal = json!({"jsonrpc": "2.0", "id": "1", "error": {"code": -32603, "message": "Out of order."}});
    let failed = json!({"kind": "task", "id": "t", "status": {"state": "failed",
        "message": {"parts": text("No data.")}}});
    for (answer, expected) in [
        (refusal, "The agent refused: Out of order. (-32603)"),
        (failed, "The agent 'Weather_office' failed: No data."),
        (json!({"kind": "other"}), "does not speak A2A: its answer is neither a message nor a task."),
    ] {
        let app = TestApp::start().await;
        let address = Elsewhere::default().serve(card(false), vec![answer]).await;
        asks(&app, "Weather_office");
        let response = app.user.post(PATH, question(at(address))).await.accepted();
        assert_eq!(response["output"][0]["status"], "failed");
        let told = app.model.was_given().pop().unwrap();
        assert!(told.starts_with("tool: The call failed. ") && told.ends_with(expected), "{told}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_offered_and_its_call_says_why() {
    let app = TestApp::start().await;
    app.model.calls("ask_agent", r#"{"message":"Anybody?"}"#);
    let tool = json!({"type": "a2a_preview", "base_url": "http://127.0.0.1:9"});
    app.user.post(PATH, question(tool)).await.accepted();
    let told = app.model.was_given().pop().unwrap();
    assert!(told.contains("'127.0.0.1:9' can't be reached"), "{told}");
}

fn connection(target: String, kind: &str, name: &str) -> ConfiguredConnection {
    let connection = Connection {
        name: "front desk".to_owned(),
        kind: "RemoteA2A".to_owned(),
        target,
        is_default: false,
        credential_type: kind.to_owned(),
        metadata: Default::default(),
        extra: Default::default(),
    };
    ConfiguredConnection { connection, secrets: [(name.to_owned(), Secret::new(KEY.to_owned()))].into() }
}

#[tokio::test]
async fn a_connection_says_where_the_agent_is_and_lets_the_service_in() {
    let message = json!({"kind": "message", "role": "agent", "parts": text("It will.")});
    for (kind, name, header, expected) in [
        ("ApiKey", "key", "authorization", format!("Bearer {KEY}")),
        ("CustomKeys", "x-office-key", "x-office-key", KEY.to_owned()),
    ] {
        let elsewhere = Elsewhere::default();
        let address = elsewhere.serve(card(false), vec![message.clone()]).await;
        let connections = vec![connection(format!("http://{address}/"), kind, name)];
        let app = TestApp::with(Setup { connections, ..Setup::default() }).await;
        asks(&app, "front_desk");
        let tool = json!({"type": "a2a_preview", "project_connection_id": "front desk"});
        let response = app.user.post(PATH, question(tool)).await;
        assert!(!String::from_utf8_lossy(&response.body).contains(KEY));
        assert_eq!(app.model.was_given().last().unwrap(), "tool: It will.");
        let (_, headers) = elsewhere.calls.lock().unwrap()[0].clone();
        assert_eq!(headers[header], expected);
    }
}

#[tokio::test]
async fn credentials_of_a_connection_are_sent_nowhere_else() {
    let message = json!({"kind": "message", "role": "agent", "parts": text("It will.")});
    let elsewhere = Elsewhere::default();
    let address = elsewhere.serve(card(false), vec![message]).await;
    let connections = vec![connection("https://office.example.org".to_owned(), "ApiKey", "key")];
    let app = TestApp::with(Setup { connections, ..Setup::default() }).await;
    asks(&app, "front_desk");
    let mut tool = at(address);
    tool["project_connection_id"] = json!("front desk");
    app.user.post(PATH, question(tool)).await.accepted();
    let told = app.model.was_given().pop().unwrap();
    assert!(told.contains("its credentials are not sent to"), "{told}");
    assert!(elsewhere.methods().is_empty());
}

#[tokio::test]
async fn a_task_that_nobody_waits_for_any_more_is_cancelled() {
    let app = TestApp::start().await;
    let working = json!({"kind": "task", "id": "t", "status": {"state": "working"}});
    let elsewhere = Elsewhere::default();
    let address = elsewhere.serve(card(false), vec![working]).await;
    asks(&app, "Weather_office");
    let mut body = question(at(address));
    body["background"] = json!(true);
    let id = app.user.create(PATH, body).await;
    elsewhere.until_called("message/send").await;
    elsewhere.until_called("tasks/get").await;
    app.user.post_nothing(&format!("{PATH}/{id}/cancel")).await.accepted();
    elsewhere.until_called("tasks/cancel").await;
}

/// The agent `weather` of this service, which speaks A2A.
async fn weather(app: &TestApp) -> Value {
    add_version(&app.user, "weather", "Be kind.").await;
    speaks_a2a(app, "weather").await;
    inside("weather")
}

async fn speaks_a2a(app: &TestApp, agent: &str) {
    let body = json!({"agent_endpoint": {"protocols": ["responses", "a2a"]}, "agent_card": {"version": "1"}});
    app.user.send_json(Method::PATCH, &format!("/agents/{agent}"), body).await.accepted();
}

fn inside(agent: &str) -> Value {
    let url = format!("https://cupola.test/api/projects/demo/agents/{agent}/endpoint/protocols/a2a");
    json!({"type": "a2a_preview", "base_url": url})
}

#[tokio::test]
async fn an_agent_of_this_service_is_asked_without_http() {
    let app = TestApp::start().await;
    let tool = weather(&app).await;
    asks(&app, "weather");
    app.model.says("It will.");
    app.model.says("Take an umbrella.");
    let response = app.user.post(PATH, question(tool)).await.accepted();
    assert_eq!(types(&response), ["a2a_preview_call", "a2a_preview_call_output", "message"]);
    assert_eq!(response["output"][1]["output"], "It will.");
    let own = app.user.list(&format!("{PATH}?agent_name=weather")).await;
    assert_eq!((own.len(), &own[0]["status"]), (1, &json!("completed")));
}

#[tokio::test]
async fn an_agent_of_this_service_stops_when_who_has_asked_it_is_cancelled() {
    let app = TestApp::start().await;
    let tool = weather(&app).await;
    asks(&app, "weather");
    app.model.then(words("Well ").into_iter().chain([Piece::Waits(Gate::closed())]));
    let mut body = question(tool);
    body["background"] = json!(true);
    let id = app.user.create(PATH, body).await;
    while app.model.requests().len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    app.user.post_nothing(&format!("{PATH}/{id}/cancel")).await.accepted();
    loop {
        let own = app.user.list(&format!("{PATH}?agent_name=weather")).await;
        if own.first().is_some_and(|own| own["status"] == "cancelled") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn agents_of_this_service_that_ask_each_other_in_a_circle_are_told_so() {
    let app = TestApp::start().await;
    for (agent, other) in [("first", "second"), ("second", "first")] {
        let definition = json!({"kind": "prompt", "model": "gpt", "tools": [inside(other)]});
        app.user
            .post(&format!("/agents/{agent}/versions"), json!({"definition": definition}))
            .await
            .accepted();
        speaks_a2a(&app, agent).await;
    }
    app.model.calls("second", r#"{"message":"Who is it?"}"#);
    app.model.calls("first", r#"{"message":"Who is it?"}"#);
    app.model.says("Nobody knows.");
    let body = json!({"input": "Who?", "agent_reference": {"type": "agent_reference", "name": "first"}});
    app.user.post(PATH, body).await.accepted();
    let told = format!("{:?}", app.model.requests()[2].messages.last().unwrap());
    assert!(told.contains("first → second asks it again. It was not asked."), "{told}");
}

#[tokio::test]
async fn an_agent_of_this_service_that_needs_its_client_says_so() {
    let app = TestApp::start().await;
    let function = json!({"type": "function", "name": "look_outside", "parameters": {"type": "object"}});
    let definition = json!({"kind": "prompt", "model": "gpt", "tools": [function]});
    app.user.post("/agents/weather/versions", json!({"definition": definition})).await.accepted();
    speaks_a2a(&app, "weather").await;
    asks(&app, "weather");
    app.model.calls("look_outside", "{}");
    app.user.post(PATH, question(inside("weather"))).await.accepted();
    let told = app.model.was_given().pop().unwrap();
    assert!(told.contains("The agent asked for the output of the function 'look_outside'"), "{told}");
}
