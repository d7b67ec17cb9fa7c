//! What `POST responses` refuses, before anything has happened.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    named_agents::{add_version, refusal},
    responses::PATH,
};

/// An id that nothing has.
fn nobody(prefix: &str) -> String {
    format!("{prefix}_0123456789abcdef00{}", "x".repeat(32))
}

/// Status, code and param of the refusal of a body, beside which nothing happens.
async fn refused(app: &TestApp, body: Value) -> (u16, String, Option<String>) {
    let refused = app.user.post(PATH, body).await;
    assert!(app.model.requests().is_empty(), "the model was asked");
    assert!(app.user.list(PATH).await.is_empty(), "a response was kept");
    refusal(&refused)
}

fn said(status: u16, code: &str, param: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(param.to_owned()))
}

#[tokio::test]
async fn what_an_agent_says_itself_is_not_allowed_beside_it() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let values = [
        ("tools", json!([])),
        ("instructions", json!("Be kind.")),
        ("text", json!({"format": {"type": "text"}})),
        ("reasoning", json!({"effort": "low"})),
        ("tool_choice", json!("none")),
        ("model", json!("another")),
    ];
    for (name, value) in values {
        for reference in ["agent_reference", "agent"] {
            let mut body = json!({"input": "Hi", reference: {"name": "weather", "type": "agent_reference"}});
            body[name] = value.clone();
            assert_eq!(refused(&app, body).await, said(400, "invalid_payload", name));
        }
    }
}

#[tokio::test]
async fn the_words_are_those_of_the_service() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let body = json!({"input": "Hi", "agent_reference": agent, "tools": []});
    assert_snapshot!(app.user.post(PATH, body).await.shown());
}

#[tokio::test]
async fn an_agent_that_is_disabled_answers_nothing_at_any_address() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    assert_eq!(app.user.post_nothing("/agents/weather:disable").await.status, 204);
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let named = app.user.post(PATH, json!({"input": "Hi", "agent_reference": agent})).await;
    let bound = "/agents/weather/endpoint/protocols/openai/responses";
    let addressed = app.user.post(bound, json!({"input": "Hi"})).await;
    for answer in [named, addressed] {
        assert_eq!(refusal(&answer), (403, "AgentDisabled".to_owned(), None));
    }
    assert_eq!(app.user.post_nothing("/agents/weather:enable").await.status, 204);
    app.user.post(bound, json!({"input": "Hi"})).await.accepted();
}

#[tokio::test]
async fn unknown_agents_versions_and_conversations_are_not_found() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    for agent in [json!({"name": "nobody"}), json!({"name": "weather", "version": "9"})] {
        let (status, code, _) = refused(&app, json!({"input": "Hi", "agent_reference": agent})).await;
        assert_eq!((status, code.as_str()), (404, "not_found"));
    }
    let body = json!({"model": "gpt", "input": "Hi", "conversation": nobody("conv")});
    assert_eq!(refused(&app, body).await.0, 404);
}

#[tokio::test]
async fn a_response_follows_one_thing_that_exists() {
    let app = TestApp::start().await;
    let body = json!({"model": "gpt", "input": "Hi", "previous_response_id": nobody("resp")});
    let expected = said(400, "previous_response_not_found", "previous_response_id");
    assert_eq!(refused(&app, body).await, expected);

    let conversation = app.user.create("/openai/v1/conversations", json!({})).await;
    let body = json!({
        "model": "gpt", "input": "Hi", "conversation": conversation, "previous_response_id": nobody("resp"),
    });
    let expected = said(400, "mutually_exclusive_parameters", "previous_response_id");
    assert_eq!(refused(&app, body).await, expected);
}

#[tokio::test]
async fn a_wrong_type_is_named() {
    let app = TestApp::start().await;
    let wrong = [
        ("model", json!(7)),
        ("instructions", json!(["x"])),
        ("stream", json!("yes")),
        ("store", json!(1)),
        ("background", json!("true")),
        ("tools", json!({})),
        ("conversation", json!(7)),
        ("temperature", json!("warm")),
        ("max_output_tokens", json!(1.5)),
        ("previous_response_id", json!({})),
    ];
    for (name, value) in wrong {
        let mut body = json!({"model": "gpt", "input": "Hi"});
        body[name] = value;
        assert_eq!(refused(&app, body).await, said(400, "invalid_type", name));
    }
}

#[tokio::test]
async fn a_model_is_needed_where_no_agent_says_one() {
    let app = TestApp::start().await;
    assert_eq!(refused(&app, json!({"input": "Hi"})).await, said(400, "missing_required_parameter", "model"));
}

#[tokio::test]
async fn a_tool_that_nobody_serves_is_echoed_by_the_agent_and_refused_when_it_would_run() {
    let app = TestApp::start().await;
    let tool = json!({"type": "tool_of_tomorrow", "setting": {"deep": [1]}});
    let definition = json!({"kind": "prompt", "model": "gpt", "tools": [tool]});
    let version = app.user.post("/agents/weather/versions", json!({"definition": definition})).await;
    assert_eq!(version.accepted()["definition"]["tools"], json!([tool]));
    let agent = json!({"name": "weather", "type": "agent_reference"});
    let answer = app.user.post(PATH, json!({"input": "Hi", "agent_reference": agent})).await;
    let (status, code, _) = refusal(&answer);
    assert_eq!((status, code.as_str()), (400, "tool_not_available"));
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("tool_of_tomorrow"));
    assert!(app.model.requests().is_empty(), "the model was asked");
}

#[tokio::test]
async fn a_structured_input_that_is_missing_or_malformed_is_named() {
    let app = TestApp::start().await;
    let definition = json!({
        "kind": "prompt",
        "model": "gpt",
        "instructions": "Speak to {{name}}.",
        "structured_inputs": {"name": {"required": true, "schema": {"type": "string"}}},
    });
    app.user.post("/agents/weather/versions", json!({"definition": definition})).await.accepted();
    let agent = json!({"name": "weather", "type": "agent_reference"});
    for inputs in [json!({}), json!({"name": 7}), json!("Ada")] {
        let body = json!({"input": "Hi", "agent_reference": agent, "structured_inputs": inputs});
        let (status, _, param) = refused(&app, body).await;
        assert_eq!(status, 400);
        assert!(param.unwrap().starts_with("structured_inputs"));
    }
}

#[tokio::test]
async fn nobody_without_a_token_is_answered() {
    let app = TestApp::start().await;
    let body = json!({"model": "gpt", "input": "Hi"});
    assert_eq!(app.anon.post(PATH, body.clone()).await.status, 401);
    assert_eq!(app.stranger.post(PATH, body.clone()).await.status, 401);
    assert_eq!(app.neighbour.post(PATH, body).await.status, 403);
    assert!(app.model.requests().is_empty());
}
