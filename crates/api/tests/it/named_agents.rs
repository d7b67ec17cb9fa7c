//! `/agents`: agents of the newer API.

use axum::body::Body;
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Answer, TestApp},
    hosted_agent::hosting,
};

/// A definition of a prompt agent.
pub fn prompt(instructions: &str) -> Value {
    json!({"kind": "prompt", "model": "gpt-4o", "instructions": instructions})
}

/// Adds a version, which must be accepted, and gives it.
pub async fn add_version(user: &Actor, name: &str, instructions: &str) -> Value {
    let body = json!({"definition": prompt(instructions)});
    user.post(&format!("/agents/{name}/versions"), body).await.accepted()
}

/// Sends a merge patch.
async fn patch(user: &Actor, path: &str, body: Value) -> Answer {
    let request = user.request(Method::PATCH, path).header("content-type", "application/merge-patch+json");
    user.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Posts with a `Foundry-Features` header.
async fn post_asking_for(user: &Actor, features: &str, path: &str, body: &Value) -> Answer {
    let request = user.request(Method::POST, path).header("foundry-features", features);
    user.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Status, code and param of a refusal.
pub fn refusal(answer: &Answer) -> (u16, String, Option<String>) {
    let error = &answer.json()["error"];
    let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["message", "type", "param", "code", "details", "additionalInfo"]);
    (
        answer.status.as_u16(),
        error["code"].as_str().unwrap().to_owned(),
        error["param"].as_str().map(str::to_owned),
    )
}

fn share(version: &str, percentage: u32) -> Value {
    json!({"type": "FixedRatio", "agent_version": version, "traffic_percentage": percentage})
}

fn selector(rules: Value) -> Value {
    json!({"agent_endpoint": {"version_selector": {"version_selection_rules": rules}}})
}

#[tokio::test]
async fn an_agent_is_its_name_and_its_latest_version() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be brief.").await;
    add_version(&app.user, "weather", "Be long.").await;
    assert_snapshot!(app.user.get("/agents/weather").await.shown());
}

#[tokio::test]
async fn the_older_way_creates_an_agent_with_its_name_in_the_body() {
    let app = TestApp::start().await;
    let body = json!({"name": "weather", "definition": prompt("Be brief."), "metadata": {"team": "sky"}});
    let created = app.user.post("/agents", body.clone()).await;
    assert_snapshot!(created.shown());
    assert_eq!(app.user.get("/agents/weather").await.accepted(), created.accepted());
    assert_eq!(refusal(&app.user.post("/agents", body).await).0, 409);
    let nameless = app.user.post("/agents", json!({"definition": prompt("x")})).await;
    let expected = (400, "missing_required_parameter".to_owned(), Some("name".to_owned()));
    assert_eq!(refusal(&nameless), expected);
}

#[tokio::test]
async fn an_update_that_changes_nothing_adds_no_version() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "Be brief.").await;
    let version = |agent: Value| agent["versions"]["latest"]["version"].clone();
    let same = app.user.post("/agents/weather", json!({"definition": prompt("Be brief.")})).await;
    assert_eq!(version(same.accepted()), "1");
    let other = app.user.post("/agents/weather", json!({"definition": prompt("Be long.")})).await;
    assert_eq!(version(other.accepted()), "2");
    let described = json!({"definition": prompt("Be long."), "description": "New."});
    assert_eq!(version(app.user.post("/agents/weather", described).await.accepted()), "3");
    let unknown = app.user.post("/agents/nobody", json!({"definition": prompt("x")})).await;
    assert_snapshot!(unknown.shown());
}

#[tokio::test]
async fn a_deleted_agent_is_gone_with_its_versions_and_its_numbers() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    add_version(&app.user, "weather", "Two.").await;
    assert_snapshot!(app.user.delete("/agents/weather?force=true").await.shown());
    for path in ["/agents/weather", "/agents/weather/versions", "/agents/weather/versions/1"] {
        assert_eq!(refusal(&app.user.get(path).await), (404, "not_found".to_owned(), None));
    }
    assert_eq!(refusal(&app.user.delete("/agents/weather").await).0, 404);
    assert_eq!(add_version(&app.user, "weather", "Again.").await["version"], "1");
}

#[tokio::test]
async fn the_end_of_something_else_of_the_same_name_leaves_the_agent_alone() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    let connection = json!({"type": "ApiKey", "target": "https://x.test", "credentials": {"type": "None"}});
    let request = app.user.request(Method::PUT, "/connections/weather");
    let created = app.user.send(request.body(Body::from(connection.to_string())).unwrap()).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let deleted = app.user.delete("/connections/weather").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(app.user.list("/agents/weather/versions").await.len(), 1);
}

#[tokio::test]
async fn agents_are_listed_by_kind_newest_first_and_the_page_after_the_end_has_no_last_id() {
    let app = hosting().await;
    add_version(&app.user, "one", "x").await;
    let protocols = json!([{"protocol": "responses", "version": "v1"}]);
    let hosted = json!({"kind": "hosted", "image": "i", "container_protocol_versions": protocols});
    let hosted = json!({"definition": hosted});
    app.user.post("/agents/two/versions", hosted).await.accepted();
    add_version(&app.user, "three", "x").await;
    let names = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|agent| agent["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = app.user.get("/agents").await.accepted();
    assert_eq!(names(&all), ["three", "two", "one"]);
    let prompts = app.user.get("/agents?kind=prompt&limit=1").await.accepted();
    assert_eq!((names(&prompts), &prompts["has_more"]), (vec!["three".to_owned()], &json!(true)));
    let rest = app.user.get("/agents?kind=prompt&limit=1&after=three").await.accepted();
    assert_eq!((names(&rest), &rest["has_more"]), (vec!["one".to_owned()], &json!(false)));
    let before = app.user.get("/agents?kind=prompt&limit=1&before=one").await.accepted();
    assert_eq!((names(&before), &before["has_more"]), (vec!["three".to_owned()], &json!(false)));
    let end = app.user.get("/agents?kind=prompt&limit=1&after=one").await.accepted();
    assert_eq!(
        end,
        json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false})
    );
    assert_eq!(refusal(&app.user.get("/agents?kind=robot").await).2.as_deref(), Some("kind"));
}

#[tokio::test]
async fn a_patch_is_merged_into_how_the_agent_is_reached() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    add_version(&app.user, "weather", "Two.").await;
    let first = json!({
        "agent_endpoint": {
            "version_selector": {"version_selection_rules": [share("1", 90), share("2", 10)]},
            "protocol_configuration": {"responses": {}},
            "authorization_schemes": [{"type": "Entra"}],
        },
        "agent_card": {"version": "1.0", "skills": [], "description": "Knows the weather."},
        "name": "forged", "state": "disabled", "versions": {},
    });
    patch(&app.user, "/agents/weather", first).await.accepted();
    let second = json!({
        "agent_endpoint": {
            "version_selector": {"version_selection_rules": [share("2", 100)]},
            "protocol_configuration": {"a2a": {}},
        },
        "agent_card": {"description": null},
    });
    let patched = patch(&app.user, "/agents/weather", second).await;
    assert_snapshot!(patched.shown());
    assert_eq!(app.user.get("/agents/weather").await.accepted(), patched.accepted());
}

#[tokio::test]
async fn a_selector_must_name_versions_that_exist_and_share_the_whole_traffic() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    let unknown = patch(&app.user, "/agents/weather", selector(json!([share("7", 100)]))).await;
    assert_snapshot!(unknown.shown());
    let half = patch(&app.user, "/agents/weather", selector(json!([share("1", 50)]))).await;
    assert_snapshot!(half.shown());
    let rules = "agent_endpoint.version_selector.version_selection_rules";
    let odd = json!([{"type": "Sometimes", "agent_version": "1"}]);
    let odd = patch(&app.user, "/agents/weather", selector(odd)).await;
    assert_eq!(refusal(&odd).2, Some(format!("{rules}[0].type")));
    let shareless = json!([{"type": "FixedRatio", "agent_version": "1"}]);
    let shareless = patch(&app.user, "/agents/weather", selector(shareless)).await;
    assert_eq!(refusal(&shareless).2, Some(format!("{rules}[0].traffic_percentage")));
    assert_eq!(refusal(&patch(&app.user, "/agents/nobody", json!({})).await).0, 404);
}

#[tokio::test]
async fn a_deleted_version_takes_no_traffic() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    add_version(&app.user, "weather", "Two.").await;
    patch(&app.user, "/agents/weather", selector(json!([share("1", 100)]))).await.accepted();
    app.user.delete("/agents/weather/versions/1").await.accepted();
    assert_eq!(app.user.get("/agents/weather").await.accepted()["agent_endpoint"], json!({}));
}

#[tokio::test]
async fn an_agent_is_disabled_and_enabled_without_a_body() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    for (verb, state) in [("disable", "disabled"), ("disable", "disabled"), ("enable", "enabled")] {
        let answer = app.user.post_nothing(&format!("/agents/weather:{verb}")).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
        let agent = app.user.get("/agents/weather").await.accepted();
        assert_eq!((&agent["state"], &agent["configuration_state"]), (&json!(state), &json!(state)));
    }
    assert_eq!(refusal(&app.user.post_nothing("/agents/nobody:disable").await).0, 404);
}

#[tokio::test]
async fn agents_of_preview_kinds_are_created_only_by_those_who_ask_for_them_by_name() {
    let app = TestApp::start().await;
    let workflow = json!({"definition": {"kind": "workflow", "workflow": "kind: Workflow"}});
    let refused = app.user.post("/agents/flow/versions", workflow.clone()).await;
    assert_snapshot!(refused.shown());
    for kind in ["external", "voice"] {
        let body = json!({"definition": {"kind": kind}});
        let refused = app.user.post("/agents/other/versions", body).await;
        assert_eq!(refusal(&refused).1, "preview_feature_required");
    }
    let features = "HostedAgents=V1Preview, WorkflowAgents=V1Preview";
    post_asking_for(&app.user, features, "/agents/flow/versions", &workflow).await.accepted();
    let found = app.user.get("/agents/flow").await.accepted();
    assert_eq!(found["versions"]["latest"]["definition"], workflow["definition"]);
}

#[tokio::test]
async fn clients_of_a_preview_version_of_the_api_ask_for_nothing_by_name() {
    let app = TestApp::start().await;
    let body = json!({"name": "flow", "definition": {"kind": "workflow", "workflow": "kind: Workflow"}});
    app.user.post("/agents?api-version=2025-11-15-preview", body).await.accepted();
}

#[tokio::test]
async fn names_have_a_form() {
    let app = TestApp::start().await;
    let body = || json!({"definition": prompt("x")});
    for name in ["a", "A1-b2", &"x".repeat(63)] {
        app.user.post(&format!("/agents/{name}/versions"), body()).await.accepted();
    }
    let refused = app.user.post("/agents/-weather/versions", body()).await;
    assert_snapshot!(refused.shown());
    for name in ["weather-", "we_ather", "we.ather", "w%C3%A4tter", "a%20b"] {
        let refused = app.user.post(&format!("/agents/{name}/versions"), body()).await;
        assert_eq!(refusal(&refused).1, "invalid_payload", "{name}");
    }
    let long = app.user.post(&format!("/agents/{}/versions", "x".repeat(64)), body()).await;
    assert_eq!(refusal(&long).1, "string_above_max_length");
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    let manifest = json!({"manifest_id": "m", "parameter_values": {}});
    assert_snapshot!(app.user.post("/agents:import", manifest.clone()).await.shown());
    for path in ["/agents/weather/import", "/agents/weather/versions:import", "/agents:generate"] {
        let refused = app.user.post(path, manifest.clone()).await;
        assert_eq!(refusal(&refused), (400, "not_built_yet".to_owned(), None), "{path}");
    }
    let code = app.user.get("/agents/weather/code:download").await;
    assert_eq!(refusal(&code), (409, "AgentNotCodeBased".to_owned(), None));
}

#[tokio::test]
async fn agents_of_another_project_are_not_there() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "One.").await;
    let elsewhere = app.user.in_project("other");
    assert_eq!(refusal(&elsewhere.get("/agents/weather").await).0, 404);
    assert_eq!(elsewhere.list("/agents").await, Vec::<Value>::new());
}
