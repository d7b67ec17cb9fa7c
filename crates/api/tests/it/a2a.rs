//! `/agents/{agent}/endpoint/protocols/a2a`: agents that other agents talk to.

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Answer, TestApp, assert_refused},
    model::{Gate, Piece},
    named_agents::{add_version, refusal},
    redaction::redacted,
};

const PATH: &str = "/agents/weather/endpoint/protocols/a2a";

/// A service with the agent `weather`, which speaks A2A.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be kind.").await;
    let body = json!({
        "agent_endpoint": {"protocols": ["responses", "a2a"]},
        "agent_card": {"version": "2.1", "description": "Knows the weather.",
                       "skills": [{"id": "w", "name": "weather", "examples": ["Will it rain?"]}]},
    });
    app.user.send_json(Method::PATCH, "/agents/weather", body).await.accepted();
    app
}

fn message(text: &str) -> Value {
    json!({"kind": "message", "role": "user", "messageId": "m-1", "parts": [{"kind": "text", "text": text}]})
}

async fn rpc(user: &Actor, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let answer = user.post(PATH, body).await.accepted();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

async fn result(user: &Actor, method: &str, params: Value) -> Value {
    let answer = rpc(user, method, params).await;
    assert_eq!(answer.get("error"), None, "{answer:#}");
    answer["result"].clone()
}

async fn error(user: &Actor, method: &str, params: Value) -> i64 {
    rpc(user, method, params).await["error"]["code"].as_i64().unwrap()
}

/// Status and body without what differs from run to run.
fn shown(answer: &Answer) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    time.replace_all(&answer.shown(), "<time>").into_owned()
}

/// The objects of a stream, with what differs from run to run replaced.
async fn stream(user: &Actor, request: http::Request<Body>) -> Vec<Value> {
    let response = user.open(request).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    let text = redacted(&time.replace_all(std::str::from_utf8(&bytes).unwrap(), "<time>"));
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn posted(user: &Actor, path: &str, body: &Value) -> http::Request<Body> {
    user.request(Method::POST, path).header("host", "localhost").body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn the_card_says_what_the_agent_was_given_and_where_it_is_reached() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost:8443");
    assert_snapshot!(user.get(&format!("{PATH}/agentCard/v0.3")).await.shown());
    assert_eq!(app.anon.get(&format!("{PATH}/agentCard/v0.3")).await.status, 401);
}

#[tokio::test]
async fn an_agent_without_the_protocol_is_not_reached() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be kind.").await;
    let user = app.user.with_header("host", "localhost");
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message("Hi")}});
    let sentence = "The agent 'weather' does not speak A2A. PATCH it with an 'agent_card' and with \
                    'agent_endpoint': {\"protocols\": [\"responses\", \"a2a\"]}.";
    for answer in [
        user.get(&format!("{PATH}/agentCard/v0.3")).await,
        user.post(PATH, body).await,
        user.post(&format!("{PATH}/v1/message:send"), json!({"message": message("Hi")})).await,
    ] {
        assert_refused(&answer, 404, sentence, Some("not_found"), None);
    }
    let nobody = user.get("/agents/nobody/endpoint/protocols/a2a/agentCard/v0.3").await;
    assert_eq!(refusal(&nobody).0, 404);
}

#[tokio::test]
async fn a_message_is_answered_by_a_task() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    app.model.says("It rains.");
    let body =
        json!({"jsonrpc": "2.0", "id": 7, "method": "message/send", "params": {"message": message("Hi")}});
    let answer = user.post(PATH, body).await;
    assert_snapshot!(shown(&answer));
    let task = answer.accepted()["result"].clone();
    assert_eq!(result(&user, "tasks/get", json!({"id": task["id"]})).await, task);
    let without = json!({"id": task["id"], "historyLength": 0});
    assert_eq!(result(&user, "tasks/get", without).await["history"], json!([]));
    // The task is a response of the agent.
    let response = app.user.get(&format!("/openai/v1/responses/{}", task["id"].as_str().unwrap())).await;
    assert_eq!(response.accepted()["agent_reference"]["name"], "weather");
}

#[tokio::test]
async fn a_context_is_remembered_under_its_id_and_under_the_clients_own_name() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    let within = |text: &str, context: &Value| {
        let mut message = message(text);
        message["contextId"] = context.clone();
        json!({"message": message})
    };
    let first = result(&user, "message/send", json!({"message": message("one")})).await;
    let context = &first["contextId"];
    let second = result(&user, "message/send", within("two", context)).await;
    assert_eq!(&second["contextId"], context);
    let items = format!("/openai/v1/conversations/{}/items", context.as_str().unwrap());
    assert_eq!(app.user.list(&items).await.len(), 4);

    let mine = json!("my context/1");
    let conversation_of = |task: &Value| format!("/openai/v1/responses/{}", task["id"].as_str().unwrap());
    let third = result(&user, "message/send", within("three", &mine)).await;
    let fourth = result(&user, "message/send", within("four", &mine)).await;
    assert_eq!((&third["contextId"], &fourth["contextId"]), (&mine, &mine));
    let third = app.user.get(&conversation_of(&third)).await.accepted();
    let fourth = app.user.get(&conversation_of(&fourth)).await.accepted();
    assert_eq!(third["conversation"], fourth["conversation"]);
    // Another user's context of this name is another one.
    let ann = app.somebody("ann").with_header("host", "localhost");
    let fifth = result(&ann, "message/send", within("five", &mine)).await;
    let fifth = app.user.get(&conversation_of(&fifth)).await.accepted();
    assert_ne!(third["conversation"], fifth["conversation"]);
}

#[tokio::test]
async fn a_stream_tells_what_happens_to_the_task() {
    let app = start().await;
    app.model.says("It rains.");
    let body = json!({"jsonrpc": "2.0", "id": "s", "method": "message/stream",
                      "params": {"message": message("Hi")}});
    let updates = stream(&app.user, posted(&app.user, PATH, &body)).await;
    assert_snapshot!(serde_json::to_string_pretty(&updates).unwrap());
}

#[tokio::test]
async fn http_and_json_says_the_same_in_its_own_words() {
    let app = start().await;
    app.model.says("It rains.");
    let sent = json!({"request": {"role": "ROLE_USER", "messageId": "m", "content": [{"text": "Hi"}]}});
    let answer = app.user.post(&format!("{PATH}/v1/message:send"), sent.clone()).await;
    assert_snapshot!(shown(&answer));
    let task = answer.accepted()["task"].clone();
    let path = format!("{PATH}/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), task);
    let cancelled = app.user.post(&format!("{path}:cancel"), json!({})).await;
    assert_eq!(cancelled.status, 409);
    assert_eq!(app.user.get(&format!("{PATH}/v1/tasks/resp_unknown")).await.status, 404);

    app.model.says("Still.");
    let updates = stream(&app.user, posted(&app.user, &format!("{PATH}/v1/message:stream"), &sent)).await;
    let names: Vec<&String> = updates.iter().flat_map(|update| update.as_object().unwrap().keys()).collect();
    assert_eq!(names.first().unwrap().as_str(), "task");
    let last = &updates.last().unwrap()["statusUpdate"];
    assert_eq!((&last["status"]["state"], &last["final"]), (&json!("TASK_STATE_COMPLETED"), &json!(true)));
    // Whoever comes back is told everything again.
    let again = app.user.request(Method::GET, &format!("{path}:subscribe")).body(Body::empty()).unwrap();
    assert_eq!(stream(&app.user, again).await.last().unwrap()["statusUpdate"]["final"], true);
}

#[tokio::test]
async fn a_task_that_is_not_waited_for_is_cancelled() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    app.model.then([Piece::Waits(Gate::closed())]);
    let params = json!({"message": message("Hi"), "configuration": {"blocking": false}});
    let task = result(&user, "message/send", params).await;
    assert!(["submitted", "working"].contains(&task["status"]["state"].as_str().unwrap()));
    let id = json!({"id": task["id"]});
    let cancelled = result(&user, "tasks/cancel", id.clone()).await;
    assert_eq!(cancelled["status"]["state"], "canceled");
    assert_eq!(error(&user, "tasks/cancel", id).await, -32002);
}

#[tokio::test]
async fn the_stream_of_a_task_that_is_cancelled_says_so() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    app.model.then([Piece::Waits(Gate::closed())]);
    let params = json!({"message": message("Hi"), "configuration": {"blocking": false}});
    let id = json!({"id": result(&user, "message/send", params).await["id"]});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/resubscribe", "params": id});
    let (updates, _) =
        tokio::join!(stream(&user, posted(&user, PATH, &body)), result(&user, "tasks/cancel", id.clone()),);
    let last = &updates.last().unwrap()["result"];
    assert_eq!((&last["status"]["state"], &last["final"]), (&json!("canceled"), &json!(true)));
}

#[tokio::test]
async fn every_fault_has_the_code_of_the_protocol() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    let send = |message: Value| json!({"message": message});
    let with = |field: &str, value: Value| {
        let mut message = message("Hi");
        message[field] = value;
        send(message)
    };
    let task = result(&user, "message/send", send(message("Hi"))).await["id"].clone();
    let picture = json!([{"kind": "file", "file": {"uri": "https://example.com/a.png"}}]);
    let push =
        json!({"message": message("Hi"), "configuration": {"pushNotificationConfig": {"url": "https://x"}}});
    for (method, params, code) in [
        ("message/shout", json!({}), -32601),
        ("message/send", json!({}), -32602),
        ("message/send", with("role", json!("agent")), -32602),
        ("message/send", with("parts", json!([])), -32602),
        ("message/send", with("parts", picture), -32005),
        ("message/send", with("contextId", json!("conv_unknown")), -32602),
        ("message/send", with("contextId", json!("x".repeat(257))), -32602),
        ("message/send", with("taskId", json!("resp_unknown")), -32001),
        ("message/send", with("taskId", task), -32004),
        ("message/stream", with("parts", json!([])), -32602),
        ("message/send", push, -32003),
        ("tasks/get", json!({}), -32602),
        ("tasks/get", json!({"id": "resp_unknown"}), -32001),
        ("tasks/cancel", json!({"id": "resp_unknown"}), -32001),
        ("tasks/resubscribe", json!({"id": "resp_unknown"}), -32001),
        ("tasks/pushNotificationConfig/set", json!({}), -32003),
    ] {
        assert_eq!(error(&user, method, params).await, code, "{method}");
    }
    let code_of = |answer: Answer| answer.accepted()["error"]["code"].as_i64().unwrap();
    assert_eq!(code_of(user.post_bytes(PATH, "{").await), -32700);
    for body in [json!([]), json!({"id": 1, "method": "tasks/get"}), json!({"jsonrpc": "2.0", "id": 1})] {
        assert_eq!(code_of(user.post(PATH, body).await), -32600);
    }
}

#[tokio::test]
async fn the_task_of_another_agent_is_not_this_ones() {
    let app = start().await;
    let user = app.user.with_header("host", "localhost");
    let other = json!({"model": "gpt", "input": "Hi"});
    let response = app.user.post("/openai/v1/responses", other).await.accepted();
    assert_eq!(error(&user, "tasks/get", json!({"id": response["id"]})).await, -32001);
}
