//! What the OpenAI clients speak beside agents: calls of models, passed on or translated, and files.

use std::sync::{Arc, Mutex};

use axum::{Router, response::IntoResponse, routing::post};
use cupola_models::{Catalog, ChatMessage, ModelsConfig, Part};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::app::{Setup, TestApp};

const EVENTS: &str = "data: {\"model\":\"real\",\"choices\":[]}\n\ndata: [DONE]\n\n";

/// What an upstream was sent.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

/// A model server that answers every call of this path with this answer.
async fn upstream(
    path: &str,
    status: StatusCode,
    content_type: &'static str,
    answer: &'static str,
) -> (TestApp, Seen) {
    // Another test may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seen = Seen::default();
    let record = seen.clone();
    let handler = move |headers: HeaderMap, body: String| async move {
        assert_eq!(headers["authorization"], "Bearer upstream-key");
        record.0.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        (status, [("content-type", content_type)], answer).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Router::new().route(&format!("/v1{path}"), post(handler));
    tokio::spawn(async move { axum::serve(listener, server).await });
    let config: ModelsConfig = serde_json::from_value(json!({
        "discover": false,
        "default": "none",
        "providers": { "local": {
            "kind": "openai", "base_url": format!("http://{address}/v1"), "api_key_env": "KEY", "retries": 0,
        } },
        "deployments": { "chat": { "provider": "local", "model": "real", "extra": { "seed": 7 } } },
    }))
    .unwrap();
    let env = |name: &str| (name == "KEY").then(|| "upstream-key".to_owned());
    let catalog = Catalog::build(&config, &env).await.unwrap();
    (TestApp::with(Setup { catalog: Some(Arc::new(catalog)), ..Setup::default() }).await, seen)
}

fn hello() -> Value {
    json!({ "model": "chat", "messages": [{ "role": "user", "content": "Hi" }], "top_k": 3 })
}

#[tokio::test]
async fn a_call_is_passed_on_with_the_models_own_name_and_comes_back_with_the_deployments() {
    let answer = r#"{"id":"c1","model":"real-2026","choices":[],"score":0.1234567890123456789}"#;
    let (app, seen) = upstream("/chat/completions", StatusCode::OK, "application/json", answer).await;
    for prefix in ["/openai/v1", "/openai", "/agents/a/endpoint/protocols/openai"] {
        let answer = app.user.post(&format!("{prefix}/chat/completions"), hello()).await;
        assert_eq!(answer.body, r#"{"id":"c1","model":"chat","choices":[],"score":0.1234567890123456789}"#);
    }
    let sent = seen.0.lock().unwrap()[0].clone();
    assert_eq!((&sent["model"], &sent["top_k"], &sent["seed"]), (&json!("real"), &json!(3), &json!(7)));
}

#[tokio::test]
async fn a_stream_is_passed_on_event_by_event() {
    let (app, _) = upstream("/chat/completions", StatusCode::OK, "text/event-stream", EVENTS).await;
    let mut body = hello();
    body["stream"] = true.into();
    let answer = app.user.post("/openai/v1/chat/completions", body).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(answer.body, EVENTS.replace("real", "chat"));
}

#[tokio::test]
async fn embeddings_and_completions_are_passed_on_too() {
    for path in ["/embeddings", "/completions"] {
        let (app, _) = upstream(path, StatusCode::OK, "application/json", r#"{"model":"real"}"#).await;
        let answer = app.user.post(&format!("/openai/v1{path}"), json!({ "model": "chat" })).await;
        assert_eq!(answer.accepted(), json!({ "model": "chat" }));
    }
}

#[tokio::test]
async fn the_upstreams_refusal_keeps_its_status_and_words() {
    let refusal = r#"{"error":{"message":"Too long.","code":"context_length_exceeded","param":"messages"}}"#;
    let (app, _) = upstream("/chat/completions", StatusCode::BAD_REQUEST, "application/json", refusal).await;
    let answer = app.user.post("/openai/v1/chat/completions", hello()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let error = &answer.json()["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!("context_length_exceeded"), &json!("Too long.")));
}

#[tokio::test]
async fn wrong_credentials_of_the_service_are_no_fault_that_clients_repeat_or_see() {
    let refusal = r#"{"error":{"message":"Bad key upstream-key"}}"#;
    let (app, _) = upstream("/chat/completions", StatusCode::UNAUTHORIZED, "application/json", refusal).await;
    let answer = app.user.post("/openai/v1/chat/completions", hello()).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (StatusCode::FAILED_DEPENDENCY, &json!("model_unauthorized"))
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains("upstream-key"));
}

#[tokio::test]
async fn an_unknown_deployment_and_a_missing_model_are_refused() {
    let (app, _) = upstream("/embeddings", StatusCode::OK, "application/json", "{}").await;
    let answer = app.user.post("/openai/v1/embeddings", json!({ "model": "other" })).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (StatusCode::NOT_FOUND, &json!("invalid_engine_error"))
    );
    for body in [json!({}), json!({ "model": "" }), json!({ "model": 3 })] {
        let answer = app.user.post("/openai/v1/embeddings", body).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!("model"))
        );
    }
}

#[tokio::test]
async fn a_provider_without_a_dialect_of_its_own_is_asked_in_its_own_way() {
    let app = TestApp::start().await;
    app.model.calls("get_weather", r#"{"city":"Oslo"}"#);
    let body = json!({
        "model": "gpt",
        "messages": [
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "Look" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } },
            ] },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } },
            ] },
            { "role": "tool", "tool_call_id": "c", "content": "42" },
        ],
        "tools": [{ "type": "function", "function": { "name": "get_weather" } }],
        "max_tokens": 50,
    });
    let answer = app.user.post("/openai/v1/chat/completions", body).await.accepted();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("gpt")));
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(function, &json!({ "name": "get_weather", "arguments": "{\"city\":\"Oslo\"}" }));
    assert_eq!(answer["usage"]["total_tokens"], 25);
    let asked = &app.model.requests()[0];
    assert_eq!((asked.tools.len(), asked.max_completion_tokens), (1, Some(50)));
    assert!(matches!(&asked.messages[0], ChatMessage::System { text } if text == "Be brief."));
    assert!(
        matches!(&asked.messages[1], ChatMessage::User { parts } if matches!(parts[1], Part::Image { .. }))
    );
    assert!(matches!(&asked.messages[3], ChatMessage::Tool { output, .. } if output == "42"));
}

#[tokio::test]
async fn a_translated_stream_ends_with_its_finish_its_usage_and_done() {
    let app = TestApp::start().await;
    app.model.says("Hello there.");
    let mut body = hello();
    body["stream"] = true.into();
    body["stream_options"] = json!({ "include_usage": true });
    let answer = app.user.post("/openai/v1/chat/completions", body).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let events: Vec<&str> = text.split("\n\n").filter(|event| !event.is_empty()).collect();
    let parsed: Vec<Value> = events[..events.len() - 1]
        .iter()
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let said: String =
        parsed.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, "Hello there.");
    assert_eq!(parsed[parsed.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(parsed[parsed.len() - 1]["usage"]["total_tokens"], 13);
    assert_eq!(events[events.len() - 1], "data: [DONE]");
}

#[tokio::test]
async fn embeddings_of_a_provider_that_has_none_are_refused_truthfully() {
    let app = TestApp::start().await;
    let answer = app.user.post("/openai/v1/embeddings", json!({ "model": "gpt", "input": "x" })).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("operation_not_offered"))
    );
    assert_eq!(
        answer.json()["error"]["message"],
        "The deployment 'gpt' is served by the provider 'scripted', which offers no embeddings; configure a \
         deployment of an embedding model."
    );
}

#[tokio::test]
async fn deployments_are_listed_as_models() {
    let (app, _) = upstream("/embeddings", StatusCode::OK, "application/json", "{}").await;
    let list = app.user.get("/openai/v1/models").await.accepted();
    assert_eq!(list["data"], json!([{ "id": "chat", "object": "model", "created": 0, "owned_by": "local" }]));
    assert_eq!(app.user.get("/openai/models/chat").await.accepted()["id"], "chat");
    assert_eq!(app.user.get("/openai/models/other").await.status, StatusCode::NOT_FOUND);
}
