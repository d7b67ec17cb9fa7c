//! `/storage/state_stores/{store}/items`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cupola_store::{Kind, Listing, Order};
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Answer, TestApp, assert_refused},
    named_agents::refusal,
    state_stores::{PATH, path_of, shown},
};

/// The path of the items of a new store.
async fn items_of(user: &Actor, settings: Value) -> String {
    let mut store = json!({"name": "store"});
    store.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    user.post(PATH, store).await.created();
    format!("{}/items", path_of("store"))
}

fn item(items: &str, key: &str) -> String {
    format!("{items}/{}", URL_SAFE_NO_PAD.encode(key))
}

async fn put(user: &Actor, path: &str, value: Value) -> Answer {
    user.send_json(Method::PUT, path, json!({"value": value})).await
}

async fn keys(user: &Actor, items: &str, query: &str) -> Vec<String> {
    let found = user.list(&format!("{items}:keys{query}")).await;
    found.iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_item_is_kept_under_its_key_with_its_value_as_it_was_sent() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let key = "step/1 ünïcode";
    let value = r#"{"b": 1.0, "a": 12345678901234567890123, "c": [true, null]}"#;
    let body = format!(r#"{{"key": "{key}", "tags": {{"t": "v"}}, "value": {value}}}"#);
    let created = app.user.post_bytes(&items, body).await;
    assert_snapshot!(shown(&created));
    let path = item(&items, key);
    let read = app.user.get(&path).await;
    assert_snapshot!(shown(&read));
    let body = std::str::from_utf8(&read.body).unwrap();
    assert!(body.contains(&format!(r#""value":{value}"#)), "{body}");
    assert_eq!(read.headers["etag"].to_str().unwrap(), created.created()["etag"]);
}

#[tokio::test]
async fn a_key_is_created_once_and_put_as_often_as_one_likes() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    app.user.post(&items, json!({"key": "k", "value": {"n": 1}})).await.created();
    let again = app.user.post(&items, json!({"key": "k", "value": {"n": 2}})).await;
    let message = "Item 'k' already exists in the state store 'store'.";
    assert_refused(&again, 409, message, Some("conflict"), None);
    let path = item(&items, "k");
    let before = app.user.get(&path).await.accepted();
    let written = put(&app.user, &path, json!({"n": 3})).await.accepted();
    let after = app.user.get(&path).await.accepted();
    assert_eq!((&after["value"], &after["id"]), (&json!({"n": 3}), &before["id"]));
    assert_ne!(after["etag"], before["etag"]);
    assert_eq!(after["etag"], written["etag"]);
    put(&app.user, &item(&items, "new"), json!({})).await.accepted();
}

#[tokio::test]
async fn a_write_with_if_match_happens_only_to_the_version_it_names() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let path = item(&items, "k");
    let missing = put(&app.user.with_header("if-match", "*"), &path, json!({})).await;
    assert_snapshot!(missing.shown());
    let first = put(&app.user, &path, json!({"n": 1})).await.accepted()["etag"].clone();
    let of_first = app.user.with_header("if-match", first.as_str().unwrap());
    let second = put(&of_first, &path, json!({"n": 2})).await.accepted()["etag"].clone();

    let late = put(&of_first, &path, json!({"n": 3})).await;
    assert_snapshot!(late.shown());
    assert_eq!(late.headers["etag"].to_str().unwrap(), second);
    assert_eq!(of_first.delete(&path).await.status, 412);
    assert_eq!(app.user.get(&path).await.accepted()["value"], json!({"n": 2}));

    let bare = app.user.with_header("if-match", second.as_str().unwrap().trim_matches('"'));
    bare.delete(&path).await.accepted();
    assert_eq!(bare.delete(&path).await.status, 412);
}

#[tokio::test]
async fn a_deleted_item_is_gone_and_may_be_deleted_again() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let path = item(&items, "k");
    let id = put(&app.user, &path, json!({})).await.accepted()["id"].clone();
    let deleted = json!({"id": id, "object": "state_store.item", "key": "k", "deleted": true});
    assert_eq!(app.user.delete(&path).await.accepted(), deleted);
    assert_refused(&app.user.get(&path).await, 404, "Item 'k' not found.", Some("not_found"), None);
    let again = json!({"object": "state_store.item", "key": "k", "deleted": true});
    assert_eq!(app.user.delete(&path).await.accepted(), again);
}

#[tokio::test]
async fn keys_are_listed_without_values_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    for key in ["a", "b", "c"] {
        put(&app.user, &item(&items, key), json!({"large": "value"})).await.accepted();
    }
    assert_eq!(keys(&app.user, &items, "").await, ["c", "b", "a"]);
    assert_eq!(keys(&app.user, &items, "?order=asc").await, ["a", "b", "c"]);
    let page = app.user.get(&format!("{items}:keys?limit=2")).await.accepted();
    assert_eq!((&page["object"], &page["has_more"]), (&json!("list"), &json!(true)));
    assert_eq!((&page["first_id"], &page["last_id"]), (&page["data"][0]["id"], &page["data"][1]["id"]));
    assert_eq!(page["data"][0]["value"], Value::Null);
    let last = page["last_id"].as_str().unwrap();
    assert_eq!(keys(&app.user, &items, &format!("?after={last}")).await, ["a"]);
    assert_eq!(keys(&app.user, &items, &format!("?before={last}")).await, ["c"]);
}

#[tokio::test]
async fn keys_are_listed_by_all_the_tags_that_are_asked_for() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    for (key, tags) in [
        ("one", json!({"kind": "a", "size": "1"})),
        ("two", json!({"kind": "a", "size": "2"})),
        ("three", json!(null)),
    ] {
        app.user.post(&items, json!({"key": key, "value": {}, "tags": tags})).await.created();
    }
    assert_eq!(keys(&app.user, &items, "?tags.kind=a").await, ["two", "one"]);
    assert_eq!(keys(&app.user, &items, "?tags.kind=a&tags.size=2").await, ["two"]);
    assert_eq!(keys(&app.user, &items, "?tags.kind=b").await, Vec::<String>::new());
    // A put without tags takes them away.
    put(&app.user, &item(&items, "two"), json!({})).await.accepted();
    assert_eq!(keys(&app.user, &items, "?tags.kind=a").await, ["one"]);
}

#[tokio::test]
async fn with_user_isolation_every_user_has_items_of_their_own() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({"user_isolation": true})).await;
    let path = item(&items, "k");
    let (ann, bob) =
        (app.user.with_header("x-ms-user-id", "ann"), app.user.with_header("x-ms-user-id", "bob"));
    put(&ann, &path, json!({"of": "ann"})).await.accepted();
    assert_eq!(bob.get(&path).await.status, 404);
    assert_eq!(keys(&bob, &items, "").await, Vec::<String>::new());
    put(&bob, &path, json!({"of": "bob"})).await.accepted();
    bob.delete(&path).await.accepted();
    assert_eq!(ann.get(&path).await.accepted()["value"], json!({"of": "ann"}));
    // Whoever names nobody has their own too.
    assert_eq!(app.user.get(&path).await.status, 404);
}

#[tokio::test]
async fn without_user_isolation_all_users_share_the_items() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let path = item(&items, "k");
    put(&app.user.with_header("x-ms-user-id", "ann"), &path, json!({"of": "ann"})).await.accepted();
    let bob = app.user.with_header("x-ms-user-id", "bob");
    assert_eq!(bob.get(&path).await.accepted()["value"], json!({"of": "ann"}));
}

/// Waits until the clock of the service shows another second.
async fn next_second(app: &TestApp, after: i64) {
    while app.service.clock().seconds() <= after {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_item_ends_so_long_after_it_was_written_last() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({"item_ttl_seconds": 1})).await;
    let path = item(&items, "k");
    put(&app.user, &path, json!({"n": 1})).await.accepted();
    let first = app.user.get(&path).await.accepted()["created_at"].as_i64().unwrap();
    next_second(&app, first).await;
    assert_eq!(app.user.get(&path).await.status, 404);
    assert_eq!(keys(&app.user, &items, "").await, Vec::<String>::new());
    assert_eq!(put(&app.user.with_header("if-match", "*"), &path, json!({})).await.status, 412);
    // Its key is free again, and others that are written clear the store of it.
    app.user.post(&items, json!({"key": "k", "value": {"n": 2}})).await.created();
    let second = app.user.get(&path).await.accepted()["created_at"].as_i64().unwrap();
    assert!(second > first);
    next_second(&app, second).await;
    put(&app.user, &item(&items, "other"), json!({})).await.accepted();
    assert_eq!(stored_items(&app).await, 1);
}

/// How many items the database holds, ended ones among them.
async fn stored_items(app: &TestApp) -> usize {
    let parent = app.user.get(&path_of("store")).await.accepted()["id"].as_str().unwrap().to_owned();
    let listing = Listing {
        project: "demo",
        kind: Kind::named("state_store_item"),
        parent: &parent,
        facet: None,
        order: Order::Asc,
        after: None,
        before: None,
        limit: 100,
    };
    app.store.list(listing).await.unwrap().items.len()
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_named() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let named = |code: &str, param: &str| (400, code.to_owned(), Some(param.to_owned()));
    for (body, expected) in [
        (json!({"value": {}}), named("missing_required_parameter", "key")),
        (json!({"key": "k"}), named("missing_required_parameter", "value")),
        (json!({"key": "", "value": {}}), named("invalid_value", "key")),
        (json!({"key": "k", "value": [1]}), named("invalid_type", "value")),
        (json!({"key": "k", "value": null}), named("invalid_type", "value")),
        (json!({"key": "k", "value": {"a": "x".repeat(1024 * 1024)}}), named("invalid_value", "value")),
        (json!({"key": "k", "value": {}, "tags": {"a": 1}}), named("invalid_type", "tags.a")),
    ] {
        assert_eq!(refusal(&app.user.post(&items, body).await), expected);
    }
    let elsewhere = format!("{}/items", path_of("none"));
    assert_eq!(app.user.post(&elsewhere, json!({"key": "k", "value": {}})).await.status, 404);
    assert_eq!(put(&app.user, &item(&elsewhere, "k"), json!({})).await.status, 404);
    assert_eq!(app.user.get(&format!("{elsewhere}:keys")).await.status, 404);
}

#[tokio::test]
async fn of_writes_to_the_same_version_one_succeeds() {
    let app = TestApp::start().await;
    let items = items_of(&app.user, json!({})).await;
    let path = item(&items, "k");
    let etag = put(&app.user, &path, json!({})).await.accepted()["etag"].as_str().unwrap().to_owned();
    let user = app.user.with_header("if-match", &etag);
    app.keep_the_store_busy();
    let writes = (0..8).map(|number| put(&user, &path, json!({"n": number})));
    let written = futures_util::future::join_all(writes).await;
    assert_eq!(written.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(written.iter().filter(|answer| answer.status == 412).count(), 7);
}
