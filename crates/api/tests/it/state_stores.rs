//! `/storage/state_stores`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cupola_api::Sandbox;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, TestApp, assert_refused},
    named_agents::refusal,
};

pub const PATH: &str = "/storage/state_stores";

/// The path of a store.
pub fn path_of(name: &str) -> String {
    format!("{PATH}/{}", URL_SAFE_NO_PAD.encode(name))
}

/// A token of a container of this agent.
pub fn container(app: &TestApp, agent: &str) -> Actor {
    let sandbox = Sandbox { agent: agent.to_owned(), version: "1".to_owned(), session: "s1".to_owned() };
    app.somebody(&sandbox.subject())
}

/// What differs from run to run.
pub fn shown(answer: &crate::app::Answer) -> String {
    let ids = regex::Regex::new(r"\b(ss|it)_[0-9a-f]{32}\b").unwrap();
    let etags = regex::Regex::new(r#""\\"[0-9A-Za-z]{24}\\"""#).unwrap();
    let shown = answer.shown();
    etags.replace_all(&ids.replace_all(&shown, "<$1>"), "\"<etag>\"").into_owned()
}

#[tokio::test]
async fn a_store_is_created_with_the_defaults_of_the_service() {
    let app = TestApp::start().await;
    let created = app.user.post(PATH, json!({"name": "checkpoints/thread-abc"})).await;
    assert_snapshot!(shown(&created));
    let store = created.created();
    assert_eq!(app.user.get(&path_of("checkpoints/thread-abc")).await.accepted(), store);
    assert_eq!(app.user.list(PATH).await, [store]);
}

#[tokio::test]
async fn what_a_store_is_created_with_is_kept() {
    let app = TestApp::start().await;
    let body = json!({"name": "s", "user_isolation": true, "item_ttl_seconds": -1, "description": "d",
                      "tags": {"k": "v"}});
    let store = app.user.post(PATH, body.clone()).await.created();
    for field in ["name", "user_isolation", "item_ttl_seconds", "description", "tags"] {
        assert_eq!(store[field], body[field]);
    }
}

#[tokio::test]
async fn a_name_is_taken_once_for_each_agent() {
    let app = TestApp::start().await;
    let (one, other) = (container(&app, "one"), container(&app, "other"));
    one.post(PATH, json!({"name": "s"})).await.created();
    let again = one.post(PATH, json!({"name": "s"})).await;
    assert_refused(&again, 409, "State store 's' already exists.", Some("conflict"), None);
    assert_eq!(refusal(&other.get(&path_of("s")).await).0, 404);
    assert_eq!(other.list(PATH).await, Vec::<Value>::new());
    other.post(PATH, json!({"name": "s"})).await.created();
    assert_eq!(refusal(&app.user.get(&path_of("s")).await).0, 404);
}

#[tokio::test]
async fn description_and_tags_change_where_they_are_said_and_null_clears_them() {
    let app = TestApp::start().await;
    let body = json!({"name": "s", "description": "old", "tags": {"a": "1"}});
    app.user.post(PATH, body).await.created();
    for (change, description, tags) in [
        (json!({"description": "new"}), json!("new"), json!({"a": "1"})),
        (json!({"tags": {"b": "2"}}), json!("new"), json!({"b": "2"})),
        (json!({"description": null}), json!(null), json!({"b": "2"})),
        (json!({"tags": null}), json!(null), json!({})),
        (json!({}), json!(null), json!({})),
    ] {
        let store = app.user.send_json(Method::PATCH, &path_of("s"), change).await.accepted();
        assert_eq!((&store["description"], &store["tags"]), (&description, &tags));
        assert_eq!(app.user.get(&path_of("s")).await.accepted(), store);
    }
}

#[tokio::test]
async fn a_deleted_store_is_gone_with_its_items_and_may_be_deleted_again() {
    let app = TestApp::start().await;
    let id = app.user.post(PATH, json!({"name": "s"})).await.created()["id"].clone();
    let items = format!("{}/items", path_of("s"));
    app.user.post(&items, json!({"key": "k", "value": {}})).await.created();
    let deleted = json!({"id": id, "object": "state_store", "name": "s", "deleted": true});
    assert_eq!(app.user.delete(&path_of("s")).await.accepted(), deleted);
    let again = json!({"object": "state_store", "name": "s", "deleted": true});
    assert_eq!(app.user.delete(&path_of("s")).await.accepted(), again);
    app.user.post(PATH, json!({"name": "s"})).await.created();
    assert_eq!(app.user.list(&format!("{items}:keys")).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_store_is_named() {
    let app = TestApp::start().await;
    let named = |code: &str, param: Option<&str>| (400, code.to_owned(), param.map(str::to_owned));
    for (body, expected) in [
        (json!({}), named("missing_required_parameter", Some("name"))),
        (json!({"name": ""}), named("invalid_value", Some("name"))),
        (json!({"name": "a".repeat(513)}), named("string_above_max_length", Some("name"))),
        (
            json!({"name": "s", "item_ttl_seconds": 0}),
            named("integer_below_min_value", Some("item_ttl_seconds")),
        ),
        (json!({"name": "s", "user_isolation": "yes"}), named("invalid_type", Some("user_isolation"))),
        (json!({"name": "s", "tags": {"a": 1}}), named("invalid_type", Some("tags.a"))),
    ] {
        assert_eq!(refusal(&app.user.post(PATH, body).await), expected);
    }
    let unreadable = app.user.get(&format!("{PATH}/!!")).await;
    assert_eq!(refusal(&unreadable), named("invalid_value", None));
    let unknown = app.user.get(&path_of("none")).await;
    assert_refused(&unknown, 404, "State store 'none' not found.", Some("not_found"), None);
    let patched = app.user.send_json(Method::PATCH, &path_of("none"), json!({})).await;
    assert_eq!(patched.status, 404);
}
