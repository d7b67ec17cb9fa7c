//! What passes between clients and programs, in both directions.

use axum::body::Body;
use cupola_api::Sandbox;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp, assert_refused},
    hosted_agent::{Home, deploy, hosting, modern},
    storage::{begun, creation},
};

const RESPONSES: &str = "/agents/worker/endpoint/protocols/openai/responses";
const INVOCATIONS: &str = "/agents/worker/endpoint/protocols/invocations";

async fn worker() -> TestApp {
    let app = hosting().await;
    deploy(&app.user, "worker", modern()).await;
    app
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn a_program_is_told_who_asks_and_nothing_that_is_secret() {
    let app = worker().await;
    let user = app
        .user
        .with_header("cookie", "session=secret")
        .with_header("x-forwarded-for", "10.0.0.1")
        .with_header("x-agent-user-id", "root")
        .with_header("x-agent-foundry-call-id", "")
        .with_header("x-client-tenant", "blue")
        .with_header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let answer = user.post(RESPONSES, json!({"input": "hi", "agent": {"name": "else"}, "extra": 1})).await;
    let seen = answer.accepted();
    let headers = &seen["headers"];
    for gone in ["authorization", "api-key", "cookie", "x-forwarded-for"] {
        assert_eq!(headers[gone], Value::Null, "{gone}");
    }
    assert_eq!(headers["x-agent-user-id"], "somebody");
    assert_eq!(headers["x-client-tenant"], "blue");
    assert_eq!(headers["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(headers["content-type"], "application/json");
    assert!(headers["x-agent-foundry-call-id"].as_str().unwrap().starts_with("call_"));
    assert_eq!((&seen["method"], &seen["path"]), (&json!("POST"), &json!("/responses")));
    let session = header(&answer, "x-agent-session-id");
    assert_eq!(headers["x-agent-session-id"], session);
    let reference = json!({"type": "agent_reference", "name": "worker", "version": "1"});
    let body = json!({"input": "hi", "extra": 1, "agent_reference": reference, "agent_session_id": session});
    assert_eq!(seen["body"], body);
    let id = header(&answer, "x-agent-response-id");
    assert!(id.starts_with("caresp_"), "{id}");
    assert_eq!(seen["id"], id);
    assert_eq!(header(&answer, "x-agent-version-resolved"), "1");
    assert_eq!(header(&answer, "x-platform-server"), "test");
    assert_eq!(answer.headers.get("set-cookie"), None);
    assert_eq!(answer.headers.get("server"), None);
}

#[tokio::test]
async fn an_agent_is_reached_by_reference_too() {
    let app = worker().await;
    for key in ["agent_reference", "agent"] {
        let body = json!({"input": "hi", key: {"name": "worker", "type": "agent_reference"}});
        let seen = app.user.post("/openai/v1/responses", body).await.accepted();
        assert_eq!(seen["body"]["agent_reference"]["version"], "1");
    }
}

#[tokio::test]
async fn what_belongs_together_comes_to_one_session() {
    let app = worker().await;
    let first = app.user.post(RESPONSES, json!({"input": "hi"})).await;
    let session = header(&first, "x-agent-session-id").to_owned();
    let id = header(&first, "x-agent-response-id").to_owned();
    // As containers do, this one keeps its response before it is continued.
    let sandbox = Sandbox { agent: "worker".to_owned(), version: "1".to_owned(), session: session.clone() };
    let call = first.accepted()["headers"]["x-agent-foundry-call-id"].as_str().unwrap().to_owned();
    let container = app.somebody(&sandbox.subject()).with_header("x-agent-foundry-call-id", &call);
    let mut response = begun();
    response["id"] = id.as_str().into();
    container.post("/storage/responses", creation(&response, &[])).await.created();
    let next = app.user.post(RESPONSES, json!({"input": "and", "previous_response_id": id})).await;
    assert_eq!(header(&next, "x-agent-session-id"), session);
    let other = app.user.post(RESPONSES, json!({"input": "hi"})).await;
    assert_ne!(header(&other, "x-agent-session-id"), header(&first, "x-agent-session-id"));
    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let body = json!({"input": "hi", "conversation": conversation});
    let (one, two) = (app.user.post(RESPONSES, body.clone()).await, app.user.post(RESPONSES, body).await);
    assert_eq!(header(&one, "x-agent-session-id"), header(&two, "x-agent-session-id"));
    let chosen = app.user.post(RESPONSES, json!({"input": "hi", "agent_session_id": "mine"})).await;
    assert_eq!(header(&chosen, "x-agent-session-id"), "mine");
}

#[tokio::test]
async fn an_invocation_passes_with_any_method_and_any_body() {
    let app = worker().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let path = format!("{INVOCATIONS}/echo/below?a=%20b&agent_session_id=s-1");
        let request = app.user.request(method.clone(), &path).header("content-type", "image/x");
        let answer = app.user.send(request.body(Body::from(&b"\x00\xff raw"[..])).unwrap()).await;
        let seen: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(seen["method"], method.as_str());
        assert_eq!(seen["path"], "/invocations/echo/below?a=%20b&agent_session_id=s-1");
        assert_eq!(seen["body"], "\u{0}\u{ff} raw");
        assert_eq!(seen["headers"]["content-type"], "image/x");
        assert_eq!(header(&answer, "x-agent-session-id"), "s-1");
        let invocation = header(&answer, "x-agent-invocation-id");
        assert_eq!(seen["headers"]["x-agent-invocation-id"], invocation);
    }
    let missing = app.user.get("/agents/nobody/endpoint/protocols/invocations").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_passes_piece_by_piece() {
    let app = worker().await;
    let home = Home::of(&app.user, "worker").await;
    let path = format!("{INVOCATIONS}/stream?agent_session_id={}", home.id);
    let request = app.user.request(Method::GET, &path).body(Body::empty()).unwrap();
    let answer = app.user.open(request).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body();
    // The program writes the second event only once this test has seen the first one.
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(&first[..], b"data: first\n\n");
    home.put("go", "").await.created();
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(&rest[..], b"data: second\n\n");
}

#[tokio::test]
async fn a_protocol_that_a_version_does_not_speak_is_refused() {
    let app = hosting().await;
    deploy(&app.user, "worker", json!([{"protocol": "responses", "version": "2.0.0"}])).await;
    let message = "The version 1 of the agent 'worker' does not speak the protocol 'invocations': its definition \
                   does not name it in 'protocol_versions'.";
    let refused = app.user.post_bytes(INVOCATIONS, "x").await;
    assert_refused(&refused, 400, message, Some("ProtocolVersionNotSupported"), None);
}

#[tokio::test]
async fn an_error_of_the_platform_says_whose_fault_it_is_and_where_it_came_to() {
    let app = worker().await;
    let source = "x-platform-error-source";
    let wrong = app.user.post(RESPONSES, json!({"input": "hi", "agent_session_id": "../x"})).await;
    assert_eq!((wrong.status, header(&wrong, source)), (StatusCode::BAD_REQUEST, "user"));
    let unknown = json!({"input": "hi", "previous_response_id": "caresp_2f924b8437fe553b00none"});
    let unknown = app.user.post(RESPONSES, unknown).await;
    assert_eq!((unknown.status, header(&unknown, source)), (StatusCode::NOT_FOUND, "user"));
    let nobody = app.user.get("/agents/nobody/endpoint/protocols/invocations").await;
    assert_eq!((nobody.status, header(&nobody, source)), (StatusCode::NOT_FOUND, "user"));
    // The program ends instead of answering.
    let ended = app.user.post(RESPONSES, json!({"input": "end"})).await;
    assert_eq!((ended.status, header(&ended, source)), (StatusCode::FAILED_DEPENDENCY, "upstream"));
    assert_eq!(header(&ended, "x-agent-version-resolved"), "1");
    assert!(header(&ended, "x-agent-response-id").starts_with("caresp_"));
}

#[tokio::test]
async fn what_a_program_says_about_an_error_passes_unchanged() {
    let app = worker().await;
    let refused = app.user.post_bytes(&format!("{INVOCATIONS}/refuse"), "x").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(header(&refused, "x-platform-error-source"), "upstream");
    let words = format!("{{\"error\": {{\"message\": \"{}\"}}}}", "no".repeat(50_000));
    assert!(refused.body == words, "{} bytes", refused.body.len());
}
