//! `/assistants`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{TestApp, assert_refused, function};

#[tokio::test]
async fn an_agent_of_a_model_alone_has_every_default() {
    let app = TestApp::start().await;
    assert_snapshot!(app.user.post("/assistants", json!({"model": "gpt-4o"})).await.shown());
}

#[tokio::test]
async fn an_agent_is_echoed_with_everything_it_was_given_and_with_fields_of_newer_clients() {
    let app = TestApp::start().await;
    let body = json!({
        "model": "gpt-4o", "name": "weather", "description": "Knows the weather.",
        "instructions": "Be brief.",
        "tools": [
            function("get_weather"),
            {"type": "code_interpreter"},
            {"type": "mcp", "server_label": "git", "server_url": "https://example.com"},
        ],
        "tool_resources": {"code_interpreter": {"file_ids": ["assistant-1"]}},
        "temperature": 0.5, "top_p": 0.9, "metadata": {"team": "sky"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        "invented_later": {"deep": [1, null]},
        "id": "asst_forged", "object": "forged", "created_at": 1,
    });
    let created = app.user.post("/assistants", body).await;
    assert_snapshot!(created.shown());
    let created = created.accepted();
    let path = format!("/assistants/{}", created["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), created, "what is read is what was answered");
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_brings_the_default_back() {
    let app = TestApp::start().await;
    let body = json!({
        "model": "gpt-4o", "name": "weather", "description": "Knows the weather.", "temperature": 0.5,
        "metadata": {"team": "sky"}, "tools": [function("f")], "invented_later": 1,
    });
    let id = app.user.create("/assistants", body).await;
    let changes =
        json!({"description": "New.", "name": null, "temperature": null, "tools": [], "top_p": 0.1});
    let changed = app.user.post(&format!("/assistants/{id}"), changes).await;
    assert_snapshot!(changed.shown());
    assert_eq!(app.user.get(&format!("/assistants/{id}")).await.accepted(), changed.accepted());
}

#[tokio::test]
async fn an_update_is_checked_like_a_creation() {
    let app = TestApp::start().await;
    let path = format!("/assistants/{}", app.agent().await);
    let refused = app.user.post(&path, json!({"temperature": 3})).await;
    assert_eq!(refused.refusal().2.as_deref(), Some("decimal_above_max_value"));
    let refused = app.user.post(&path, json!({"model": null})).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("model"));
    let refused = app.user.post(&path, json!({"name": {"first": "a"}})).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("name"));
}

#[tokio::test]
async fn updates_at_the_same_moment_are_all_made() {
    let app = TestApp::start().await;
    let path = format!("/assistants/{}", app.agent().await);
    let fields = ["name", "description", "instructions"];
    let updates = fields.map(|field| {
        let (user, path) = (app.user.clone(), path.clone());
        tokio::spawn(async move { user.post(&path, json!({field: field})).await.accepted() })
    });
    for update in updates {
        update.await.unwrap();
    }
    let agent = app.user.get(&path).await.accepted();
    assert_eq!(fields.map(|field| agent[field].as_str()), fields.map(Some));
}

#[tokio::test]
async fn a_deleted_agent_is_gone() {
    let app = TestApp::start().await;
    let id = app.agent().await;
    let path = format!("/assistants/{id}");
    assert_snapshot!(app.user.delete(&path).await.shown());
    let gone = format!("No assistant found with id '{id}'.");
    assert_refused(&app.user.get(&path).await, 404, &gone, None, None);
    assert_refused(&app.user.post(&path, json!({})).await, 404, &gone, None, None);
    assert_refused(&app.user.delete(&path).await, 404, &gone, None, None);
}

#[tokio::test]
async fn a_run_keeps_what_its_agent_was_when_it_began() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    let before = app.user.get(&run).await.accepted();
    let agent = before["assistant_id"].as_str().unwrap();
    app.user.delete(&format!("/assistants/{agent}")).await.accepted();
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "rain"}]});
    app.user.post(&format!("{run}/submit_tool_outputs"), outputs).await.accepted();
    let after = app.user.until(&run, "completed").await;
    assert_eq!((&after["tools"], &after["model"]), (&before["tools"], &before["model"]));
}

#[tokio::test]
async fn agents_are_listed_newest_first() {
    let app = TestApp::start().await;
    for name in ["first", "second"] {
        app.user.create("/assistants", json!({"model": "m", "name": name})).await;
    }
    assert_snapshot!(app.user.get("/assistants").await.shown());
}

#[tokio::test]
async fn any_name_of_a_model_is_accepted() {
    let app = TestApp::start().await;
    let agent = app.user.post("/assistants", json!({"model": "no/such:model"})).await.accepted();
    assert_eq!(agent["model"], Value::from("no/such:model"));
}
