//! The envelope of refusals, whole, for each kind of refusal that the newer clients know.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, Setup, TestApp},
    named_agents::add_version,
    responses::{PATH, path_of},
};

/// An id that nothing has.
fn nobody(prefix: &str) -> String {
    format!("{prefix}_0123456789abcdef00{}", "x".repeat(32))
}

/// Asserts the whole envelope.
#[track_caller]
fn assert_envelope(answer: &Answer, status: u16, code: &str, message: &str, param: Option<&str>, kind: &str) {
    let request_id = answer.headers["x-request-id"].to_str().unwrap();
    let expected = json!({"error": {
        "message": message, "type": kind, "param": param, "code": code, "details": [],
        "additionalInfo": {"request_id": request_id},
    }});
    assert_eq!((answer.status.as_u16(), answer.json()), (status, expected));
}

async fn agent(app: &TestApp, definition: Value) {
    app.user.post("/agents/weather/versions", json!({"definition": definition})).await.accepted();
}

fn beside_agent(more: Value) -> Value {
    let mut body = json!({"input": "Hi", "agent_reference": {"name": "weather", "type": "agent_reference"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn an_agent_that_is_disabled() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    app.user.post_nothing("/agents/weather:disable").await;
    let message = "This agent is currently stopped and doesn't accept any requests. Enable 'weather' to use \
                   it again.";
    for (path, body) in [
        (PATH, beside_agent(json!({}))),
        ("/agents/weather/endpoint/protocols/openai/responses", json!({"input": "Hi"})),
        ("/applications/weather/protocols/openai/responses", json!({"input": "Hi"})),
    ] {
        let refused = app.user.post(path, body).await;
        assert_envelope(&refused, 403, "AgentDisabled", message, None, "error");
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_allowed_beside_an_agent() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    for (param, value) in [("tools", json!([])), ("text", json!({"format": {"type": "text"}}))] {
        let refused = app.user.post(PATH, beside_agent(json!({ param: value }))).await;
        let message = "Not allowed when agent is specified.";
        assert_envelope(&refused, 400, "invalid_payload", message, Some(param), "invalid_request_error");
    }
}

#[tokio::test]
async fn a_preview_that_was_not_asked_for() {
    let app = TestApp::start().await;
    let body = json!({"definition": {"kind": "external"}});
    let refused = app.user.post("/agents/other/versions", body).await;
    let message = "External agents is in preview. This operation requires the following opt-in preview \
                   feature(s): ExternalAgents=V1Preview. Include the 'Foundry-Features: \
                   ExternalAgents=V1Preview' header in your request.";
    let param = Some("Foundry-Features");
    assert_envelope(&refused, 403, "preview_feature_required", message, param, "invalid_request_error");
}

#[tokio::test]
async fn what_is_not_there() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let (response, conversation) = (nobody("resp"), nobody("conv"));
    for (path, message) in [
        ("/agents/nobody".to_owned(), "Agent 'nobody' not found.".to_owned()),
        ("/agents/weather/versions/9".to_owned(), "Agent version 'weather:9' not found.".to_owned()),
        (format!("{PATH}/{response}"), format!("Response with id '{response}' not found.")),
        (format!("{PATH}/{response}/input_items"), format!("Response with id '{response}' not found.")),
        (
            format!("/openai/v1/conversations/{conversation}"),
            format!("Conversation '{conversation}' not found."),
        ),
        ("/connections/none".to_owned(), "Connection 'none' not found.".to_owned()),
        (
            "/datasets/none/versions/1".to_owned(),
            "Could not find asset with ID: azureai://accounts/cupola/projects/demo/data/none/versions/1"
                .to_owned(),
        ),
        (
            "/indexes/none/versions/1".to_owned(),
            "Could not find asset with ID: azureai://accounts/cupola/projects/demo/indexes/none/versions/1"
                .to_owned(),
        ),
    ] {
        // Agents and conversations have a type of their own for it.
        let is_own = path.starts_with("/agents") || path.contains("/conversations");
        let kind = if is_own { "error" } else { "invalid_request_error" };
        assert_envelope(&app.user.get(&path).await, 404, "not_found", &message, None, kind);
    }
}

#[tokio::test]
async fn a_response_that_can_not_be_followed_or_cancelled() {
    let app = TestApp::start().await;
    let asked = app.ask(json!({"model": "gpt", "input": "Hi"})).await;
    let refused = app.user.post_nothing(&format!("{}/cancel", path_of(&asked))).await;
    let message = "Cannot cancel a synchronous response.";
    assert_envelope(&refused, 400, "invalid_payload", message, None, "invalid_request_error");

    app.user.delete(&path_of(&asked)).await.accepted();
    let id = asked["id"].as_str().unwrap();
    let body = json!({"model": "gpt", "input": "Hi", "previous_response_id": id});
    let refused = app.user.post(PATH, body).await;
    let message = format!("Previous response with id '{id}' not found.");
    let param = Some("previous_response_id");
    assert_envelope(&refused, 400, "previous_response_not_found", &message, param, "invalid_request_error");
    assert_eq!(app.model.requests().len(), 1, "the model was asked about nothing that was refused");
}

#[tokio::test]
async fn structured_inputs_that_do_not_fit() {
    let app = TestApp::start().await;
    let inputs = json!({"name": {"required": true, "schema": {"type": "string"}}});
    agent(&app, json!({"kind": "prompt", "model": "gpt", "structured_inputs": inputs})).await;
    for (given, code, message, param) in [
        (
            json!({}),
            "missing_required_parameter",
            "Missing required parameter: 'structured_inputs.name'.",
            "structured_inputs.name",
        ),
        (
            json!({"name": 7}),
            "invalid_value",
            "Invalid 'structured_inputs.name': expected a value of type 'string'.",
            "structured_inputs.name",
        ),
        (
            json!({"name": "Ada", "other": 1}),
            "invalid_value",
            "Invalid 'structured_inputs.other': the agent declares no input of this name.",
            "structured_inputs.other",
        ),
        (
            json!(["Ada"]),
            "invalid_type",
            "Invalid type for 'structured_inputs': expected an object.",
            "structured_inputs",
        ),
    ] {
        let refused = app.user.post(PATH, beside_agent(json!({"structured_inputs": given}))).await;
        assert_envelope(&refused, 400, code, message, Some(param), "invalid_request_error");
    }
}

#[tokio::test]
async fn an_agent_or_a_tool_that_this_service_only_keeps() {
    let app = TestApp::start().await;
    agent(&app, json!({"kind": "prompt", "model": "gpt", "tools": [{"type": "fabric_dataagent_preview"}]}))
        .await;
    let refused = app.user.post(PATH, beside_agent(json!({}))).await;
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status.as_u16(), &error["code"], &error["type"]),
        (400, &json!("tool_not_available"), &json!("invalid_request_error"))
    );
    assert!(error["message"].as_str().unwrap().contains("'fabric_dataagent_preview'"), "{error}");

    agent(&app, json!({"kind": "container_app", "container_app_resource_id": "i"})).await;
    let refused = app.user.post(PATH, beside_agent(json!({}))).await;
    let message = "The agent 'weather' is of the kind 'container_app', which this version of Cupola stores but can't \
                   run.";
    assert_envelope(&refused, 400, "agent_kind_not_available", message, None, "invalid_request_error");
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let limits = cupola_api::Limits { max_body_bytes: 4096, ..Default::default() };
    let app = TestApp::with(Setup { limits, ..Setup::default() }).await;
    let body = json!({"model": "gpt", "input": "x".repeat(8192)});
    for path in [PATH, "/openai/v1/conversations", "/openai/v1/chat/completions", "/agents/a/versions"] {
        let refused = app.user.post(path, body.clone()).await;
        let error = refused.json()["error"].clone();
        assert_eq!((refused.status.as_u16(), &error["code"]), (413, &json!("body_too_large")), "{path}");
        assert_eq!(error["details"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn callers_whom_nobody_knows() {
    let app = TestApp::start().await;
    for path in [PATH, "/agents", "/connections", "/datasets", "/openai/v1/models"] {
        let answer = app.anon.get(path).await;
        let error = answer.json()["error"].clone();
        let expected = (401, &json!("missing_credentials"), &json!([]));
        assert_eq!((answer.status.as_u16(), &error["code"], &error["details"]), expected, "{path}");
    }
}

#[tokio::test]
async fn operations_that_do_not_exist() {
    let app = TestApp::start().await;
    let unknown = app.user.get("/openai/v1/fine_tuning/jobs").await;
    let request = app.user.request(Method::PUT, "/agents").body(Body::empty()).unwrap();
    for (answer, status) in [(unknown, 404), (app.user.send(request).await, 405)] {
        let error = answer.json()["error"].clone();
        assert_eq!(answer.status.as_u16(), status);
        assert!(error["message"].is_string() && error["code"].is_string(), "{error}");
        assert_eq!(error["details"], json!([]));
        assert_eq!(error["additionalInfo"]["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    }
}
