//! Memory stores, what becomes of what is said, and responses that go by memories.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Setup, TestApp, assert_refused},
    golden::assert_golden,
    responses::PATH,
};

/// A store of this name.
async fn store(app: &TestApp, name: &str) {
    store_with(app, name, json!({})).await;
}

async fn store_with(app: &TestApp, name: &str, options: Value) {
    let mut all = json!({"user_profile_enabled": true, "chat_summary_enabled": true});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let definition =
        json!({"kind": "default", "chat_model": "gpt", "embedding_model": "embed", "options": all});
    app.user.post("/memory_stores", json!({"name": name, "definition": definition})).await.accepted();
}

async fn remember(app: &TestApp, content: &str, kind: &str) -> String {
    let body = json!({"scope": "ann", "content": content, "kind": kind});
    let made = app.user.post("/memory_stores/notes/items", body).await.accepted();
    made["memory_id"].as_str().unwrap().to_owned()
}

async fn search(app: &TestApp, body: Value) -> Vec<String> {
    let found = app.user.post("/memory_stores/notes:search_memories", body).await.accepted();
    contents(&found["memories"])
}

fn contents(memories: &Value) -> Vec<String> {
    let memories = memories.as_array().unwrap().iter();
    memories.map(|memory| memory["memory_item"]["content"].as_str().unwrap().to_owned()).collect()
}

/// The texts of all memories of a scope, the oldest first.
async fn all(user: &Actor, scope: &str) -> Vec<String> {
    let listed =
        user.post("/memory_stores/notes/items:list?order=asc", json!({"scope": scope})).await.accepted();
    let memories = listed["data"].as_array().unwrap().iter();
    memories.map(|memory| memory["content"].as_str().unwrap().to_owned()).collect()
}

async fn begin(app: &TestApp, body: Value) -> String {
    let user = app.user.with_header("host", "localhost");
    let answer = user.post("/memory_stores/notes:update_memories", body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
    let body = answer.json();
    let id = body["update_id"].as_str().unwrap().to_owned();
    let location = answer.headers["operation-location"].to_str().unwrap().to_owned();
    assert!(location.ends_with(&format!("/memory_stores/notes/updates/{id}?api-version=v1")), "{location}");
    id
}

/// An update once it has this status.
async fn until(app: &TestApp, update: &str, status: &str) -> Value {
    loop {
        let seen = app.user.get(&format!("/memory_stores/notes/updates/{update}")).await.accepted();
        if seen["status"] == status {
            return seen;
        }
        assert!(["queued", "in_progress"].contains(&seen["status"].as_str().unwrap()), "{seen:#}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The model says next that these have to be remembered.
fn learns(app: &TestApp, operations: Value) {
    app.model.says(&json!({ "operations": operations }).to_string());
}

fn create(content: &str) -> Value {
    json!({"op": "create", "kind": "user_profile", "memory_id": null, "content": content})
}

fn said(text: &str) -> Value {
    json!([{"type": "message", "role": "user", "content": text}])
}

#[tokio::test]
async fn a_store_is_made_changed_listed_and_deleted_with_all_that_it_remembers() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let changes = json!({"description": "Of everybody.", "metadata": {"a": "b"}});
    let changed = app.user.post("/memory_stores/notes", changes).await.accepted();
    assert_eq!(app.user.get("/memory_stores/notes").await.accepted(), changed);
    assert_eq!(changed["object"], "memory_store");
    assert!(changed["id"].as_str().unwrap().starts_with("memstore_"));
    assert_eq!(app.user.list("/memory_stores").await, [changed]);
    let memory = remember(&app, "Likes tea.", "user_profile").await;
    let deleted = app.user.delete("/memory_stores/notes").await.accepted();
    assert_eq!(deleted, json!({"object": "memory_store.deleted", "name": "notes", "deleted": true}));
    assert_eq!(app.user.get("/memory_stores/notes").await.status, 404);
    store(&app, "notes").await;
    assert_eq!(app.user.get(&format!("/memory_stores/notes/items/{memory}")).await.status, 404);
}

#[tokio::test]
async fn a_store_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let definition = json!({"kind": "default", "chat_model": "gpt", "embedding_model": "embed"});
    let twice = app.user.post("/memory_stores", json!({"name": "notes", "definition": definition})).await;
    assert_eq!(twice.status, 409);
    let other = json!({"name": "a/b", "definition": definition});
    assert_eq!(app.user.post("/memory_stores", other).await.refusal().3.as_deref(), Some("name"));
    let missing =
        json!({"name": "x", "definition": {"kind": "default", "chat_model": " ", "embedding_model": "e"}});
    let message = "Missing required parameter: 'definition.chat_model'.";
    let refused = app.user.post("/memory_stores", missing).await;
    assert_refused(&refused, 400, message, Some("missing_required_parameter"), Some("definition.chat_model"));
    let unknown = app.user.get("/memory_stores/other").await;
    assert_refused(&unknown, 404, "Memory store 'other' not found.", Some("not_found"), None);
}

#[tokio::test]
async fn memories_are_made_changed_listed_and_deleted_one_by_one() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let tea = remember(&app, "Likes tea.", "user_profile").await;
    remember(&app, "Asked about boats.", "chat_summary").await;
    let path = format!("/memory_stores/notes/items/{tea}");
    let changed = app.user.post(&path, json!({"content": "Likes coffee."})).await.accepted();
    assert_eq!(app.user.get(&path).await.accepted(), changed);
    assert_eq!((&changed["content"], &changed["scope"]), (&json!("Likes coffee."), &json!("ann")));
    assert_eq!(changed.as_object().unwrap().len(), 5, "nothing else is shown: {changed}");
    assert_eq!(all(&app.user, "ann").await, ["Likes coffee.", "Asked about boats."]);
    assert!(all(&app.user, "bob").await.is_empty());
    let of_kind = "/memory_stores/notes/items:list?kind=chat_summary";
    let listed = app.user.post(of_kind, json!({"scope": "ann"})).await.accepted();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let deleted = app.user.delete(&path).await.accepted();
    assert_eq!(deleted, json!({"object": "memory_store.item.deleted", "memory_id": tea, "deleted": true}));
    assert_eq!(app.user.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_search_finds_what_belongs_to_what_is_said() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    remember(&app, "Rows a boat of stone.", "user_profile").await;
    remember(&app, "They talked about the price of tea.", "chat_summary").await;
    remember(&app, "They talked about the weather.", "chat_summary").await;
    let ask = |text: &str| json!({"scope": "ann", "items": said(text)});
    assert_eq!(
        search(&app, ask("What was it with the tea?")).await,
        ["They talked about the price of tea.", "Rows a boat of stone."]
    );
    assert_eq!(search(&app, json!({"scope": "ann"})).await, ["Rows a boat of stone."]);
    let mut few = ask("What was it with the tea?");
    few["options"] = json!({"max_memories": 1});
    assert_eq!(search(&app, few).await.len(), 1);
    assert!(search(&app, json!({"scope": "bob", "items": said("tea")})).await.is_empty());
    let found = app.user.post("/memory_stores/notes:search_memories", ask("tea")).await.accepted();
    let on = json!({"scope": "ann", "items": said("And?"), "previous_search_id": found["search_id"]});
    assert_eq!(search(&app, on).await[0], "They talked about the price of tea.");
}

#[tokio::test]
async fn what_was_said_becomes_memories() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let boat = remember(&app, "Rows a boat.", "user_profile").await;
    let gone = remember(&app, "Likes tea.", "user_profile").await;
    learns(
        &app,
        json!([
            create("Lives in Oslo."),
            {"op": "update", "kind": "user_profile", "memory_id": boat, "content": "Rows two boats."},
            {"op": "delete", "kind": "user_profile", "memory_id": gone, "content": ""},
        ]),
    );
    let body = json!({"scope": "ann", "items": said("I live in Oslo now."), "update_delay": 0});
    let update = begin(&app, body).await;
    let done = until(&app, &update, "completed").await;
    let told: Vec<_> = done["result"]["memory_operations"].as_array().unwrap().iter().collect();
    let told: Vec<_> = told.iter().map(|o| (&o["kind"], &o["memory_item"]["content"])).collect();
    assert_eq!(told[0], (&json!("create"), &json!("Lives in Oslo.")));
    assert_eq!(told[1], (&json!("update"), &json!("Rows two boats.")));
    assert_eq!(told[2], (&json!("delete"), &json!("Likes tea.")));
    assert_eq!(done["result"]["usage"]["total_tokens"], 13);
    assert_eq!(all(&app.user, "ann").await, ["Rows two boats.", "Lives in Oslo."]);
    let asked = app.model.was_given().join("\n");
    assert!(asked.contains("I live in Oslo now.") && asked.contains(&boat), "{asked}");
}

#[tokio::test]
async fn more_that_is_said_supersedes_what_waits_and_nothing_is_lost() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let first = begin(&app, json!({"scope": "ann", "items": said("One."), "update_delay": 600})).await;
    learns(&app, json!([create("Both.")]));
    let more = json!({"scope": "ann", "items": said("Two."), "update_delay": 0, "previous_update_id": first});
    let second = begin(&app, more).await;
    until(&app, &second, "completed").await;
    let seen = until(&app, &first, "superseded").await;
    assert_eq!(seen["superseded_by"], json!(second));
    let asked = app.model.was_given().pop().unwrap();
    assert!(asked.contains("One.") && asked.contains("Two."), "{asked}");
}

#[tokio::test]
async fn where_the_model_can_not_say_what_matters_the_users_words_are_kept() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    app.model.says("I am only a parrot.");
    let update = begin(&app, json!({"scope": "ann", "items": "I row.", "update_delay": 0})).await;
    until(&app, &update, "completed").await;
    assert_eq!(all(&app.user, "ann").await, ["The user said: I row."]);
}

#[tokio::test]
async fn a_model_that_refuses_fails_the_update_with_its_words() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    app.model.refuses(cupola_models::FaultKind::Unauthorized, "No key.");
    let update = begin(&app, json!({"scope": "ann", "items": "I row.", "update_delay": 0})).await;
    let failed = until(&app, &update, "failed").await;
    assert_eq!(failed["error"], json!({"code": "model_unauthorized", "message": "No key."}));
}

#[tokio::test]
async fn an_update_that_waits_survives_a_crash_and_comes_when_it_is_due() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let update = begin(&app, json!({"scope": "ann", "items": "I row.", "update_delay": 1})).await;
    let next = Setup::default();
    next.model.says(&json!({"operations": [create("Rows.")]}).to_string());
    let app = app.killed(next).await;
    until(&app, &update, "completed").await;
    assert_eq!(all(&app.user, "ann").await, ["Rows."]);
}

#[tokio::test]
async fn a_scope_is_forgotten_with_what_was_about_to_be_remembered() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    remember(&app, "Likes tea.", "user_profile").await;
    let update = begin(&app, json!({"scope": "ann", "items": "I row."})).await;
    let gone = app.user.post("/memory_stores/notes:delete_scope", json!({"scope": "ann"})).await.accepted();
    let expected =
        json!({"object": "memory_store.scope.deleted", "name": "notes", "scope": "ann", "deleted": true});
    assert_eq!(gone, expected);
    assert!(all(&app.user, "ann").await.is_empty());
    assert_eq!(app.user.get(&format!("/memory_stores/notes/updates/{update}")).await.status, 404);
}

#[tokio::test]
async fn memories_end_when_the_store_says_so() {
    let app = TestApp::start().await;
    store_with(&app, "notes", json!({"default_ttl_seconds": 1})).await;
    let memory = remember(&app, "Likes tea.", "user_profile").await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(app.user.get(&format!("/memory_stores/notes/items/{memory}")).await.status, 404);
    assert!(all(&app.user, "ann").await.is_empty());
    assert!(search(&app, json!({"scope": "ann"})).await.is_empty());
}

fn question(more: Value) -> Value {
    let mut tool = json!({"type": "memory_search_preview", "memory_store_name": "notes", "scope": "ann"});
    tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"model": "gpt", "input": "What shall I drink?", "tools": [tool]})
}

#[tokio::test]
async fn a_response_looks_up_what_is_remembered_before_it_answers() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    remember(&app, "Likes tea.", "user_profile").await;
    app.model.says("Tea.");
    let mut body = question(json!({}));
    body["instructions"] = json!("Be kind.");
    let stream = app.user.stream(PATH, body).await.all().await;
    assert_golden("responses/memory_search", &stream);
    let given = app.model.was_given();
    assert!(given[0].starts_with("system: Be kind.\n\nWhat is remembered of the user"), "{given:?}");
    assert!(given[0].ends_with("\n- Likes tea."), "{given:?}");
}

#[tokio::test]
async fn the_memories_are_shown_to_those_who_ask_for_them() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    remember(&app, "Likes tea.", "user_profile").await;
    let hidden = app.user.post(PATH, question(json!({}))).await.accepted();
    assert_eq!(hidden["output"][0]["type"], "memory_search_call");
    assert_eq!(hidden["output"][0]["results"], json!(null));
    let mut body = question(json!({"type": "memory_search", "search_options": {"max_memories": 3}}));
    body["include"] = json!(["memory_search_call.results"]);
    let shown = app.user.post(PATH, body).await.accepted();
    assert_eq!(contents(&shown["output"][0]["results"]), ["Likes tea."]);
}

#[tokio::test]
async fn what_was_said_in_a_response_becomes_memories_after_it() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    app.model.says("Try tea.");
    learns(&app, json!([create("Is thirsty.")]));
    app.user.post(PATH, question(json!({"update_delay": 0}))).await.accepted();
    while all(&app.user, "ann").await != ["Is thirsty."] {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let asked = app.model.was_given().pop().unwrap();
    assert!(asked.contains("What shall I drink?") && asked.contains("Try tea."), "{asked}");
}

#[tokio::test]
async fn a_scope_may_be_whoever_asks() {
    let app = TestApp::start().await;
    store(&app, "notes").await;
    let body = json!({"scope": "somebody", "content": "Likes tea.", "kind": "user_profile"});
    app.user.post("/memory_stores/notes/items", body).await.accepted();
    app.user.post(PATH, question(json!({"scope": "{{$userId}}"}))).await.accepted();
    assert!(app.model.was_given()[0].ends_with("- Likes tea."), "{:?}", app.model.was_given());
}

#[tokio::test]
async fn a_response_that_goes_by_a_store_that_is_not_there_is_refused_at_once() {
    let app = TestApp::start().await;
    let refused = app.user.post(PATH, question(json!({}))).await;
    let param = Some("tools[0].memory_store_name");
    assert_refused(&refused, 404, "Memory store 'notes' not found.", Some("not_found"), param);
    assert!(app.model.requests().is_empty());
}
