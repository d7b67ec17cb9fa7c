//! Who is let in, and where.

use axum::body::Body;
use cupola_api::operations::{OPERATIONS, Operation};
use http::{Method, StatusCode};
use serde_json::json;

use crate::app::{TestApp, assert_refused};

#[tokio::test]
async fn no_operation_answers_a_caller_without_a_token() {
    let app = TestApp::start().await;
    for (operation, path) in every_operation() {
        for actor in [&app.anon, &app.stranger] {
            let request = actor.request(operation.method.clone(), &path).body(Body::empty()).unwrap();
            let answer = actor.send(request).await;
            let (status, message, code, _) = answer.refusal();
            assert_eq!(status, 401, "{}: {message}", operation.name);
            assert!(code.is_some(), "{}", operation.name);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn a_token_for_one_project_opens_no_other() {
    let app = TestApp::start().await;
    let (status, message, code, _) = app.neighbour.get("/assistants").await.refusal();
    assert_eq!((status, code.as_deref()), (403, Some("no_access_to_project")), "{message}");
    app.neighbour.in_project("other").get("/assistants").await.accepted();
}

#[tokio::test]
async fn nothing_is_seen_across_projects() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    let run = app.run(&agent).await;
    app.user.until(&run, "completed").await;
    let file = app.user.upload_text("a.txt").await;
    let elsewhere = app.user.in_project("other");
    for path in [
        format!("/assistants/{agent}"),
        run.clone(),
        format!("{run}/steps"),
        format!("/files/{file}/content"),
    ] {
        assert_eq!(elsewhere.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(app.user.get(&path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/assistants", "/threads", "/files"] {
        assert_eq!(elsewhere.list(path).await.len(), 0, "{path}");
    }
    let thread = elsewhere.create("/threads", json!({})).await;
    let refused = elsewhere.post(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
    assert_refused(&refused, 404, &format!("No assistant found with id '{agent}'."), None, None);
}

#[tokio::test]
async fn an_unknown_project_and_an_unknown_route_are_the_same_404() {
    let app = TestApp::start().await;
    let unknown = app.user.in_project("nowhere").get("/assistants").await;
    assert_refused(&unknown, 404, "Resource not found", Some("404"), None);
    assert_refused(&app.user.get("/no/such/route").await, 404, "Resource not found", Some("404"), None);
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_405_in_the_envelope() {
    let app = TestApp::start().await;
    let request = app.user.request(Method::PUT, "/assistants").body(Body::empty()).unwrap();
    let (status, _, code, _) = app.user.send(request).await.refusal();
    assert_eq!((status, code.as_deref()), (405, Some("method_not_allowed")));
}

#[tokio::test]
async fn any_api_version_is_accepted_and_none_as_well() {
    let app = TestApp::start().await;
    for version in ["v1", "2025-05-15-preview", "latest", "%20", ""] {
        app.user.get(&format!("/assistants?api-version={version}")).await.accepted();
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_callers_own_id_comes_back() {
    let app = TestApp::start().await;
    for path in ["/assistants", "/assistants/none", "/nowhere"] {
        let request = app.user.request(Method::GET, path).header("x-ms-client-request-id", "mine-1");
        let answer = app.user.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
        assert_eq!(answer.headers["x-ms-client-request-id"], "mine-1");
    }
}

#[tokio::test]
async fn an_api_key_header_may_carry_the_token() {
    let app = TestApp::start().await;
    let authorized = app.user.request(Method::GET, "/assistants").body(Body::empty()).unwrap();
    let token = authorized.headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let request = app.anon.request(Method::GET, "/assistants").header("api-key", token);
    app.anon.send(request.body(Body::empty()).unwrap()).await.accepted();
}

/// Every operation under every form of its path, with names in the place of ids.
fn every_operation() -> impl Iterator<Item = (&'static Operation, String)> {
    OPERATIONS.iter().flat_map(|operation| {
        let beginnings = operation.family.beginnings().iter();
        beginnings.map(move |beginning| {
            (operation, format!("{beginning}{}", operation.path).replace(['{', '}'], ""))
        })
    })
}
