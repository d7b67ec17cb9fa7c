//! `/vector_stores`: the stores themselves.

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{Actor, Setup, TestApp, assert_refused};

/// The forms under which the operations are served.
pub const FORMS: [&str; 3] = ["", "/openai/v1", "/openai"];

#[tokio::test]
async fn an_empty_store_is_completed_at_once() {
    let app = TestApp::start().await;
    assert_snapshot!(app.user.post_nothing("/vector_stores").await.shown());
}

#[tokio::test]
async fn a_store_is_echoed_with_everything_it_was_given() {
    let app = TestApp::start().await;
    let body = json!({
        "name": "Books",
        "description": "What we have read.",
        "metadata": {"team": "library"},
        "expires_after": {"anchor": "last_active_at", "days": 3},
        "invented_later": [1],
    });
    let created = app.user.post("/openai/v1/vector_stores", body).await;
    assert_snapshot!(created.shown());
    let store = created.accepted();
    for form in FORMS {
        let path = format!("{form}/vector_stores/{}", store["id"].as_str().unwrap());
        assert_eq!(app.user.get(&path).await.accepted(), store);
    }
}

#[tokio::test]
async fn stores_are_listed_in_pages() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(app.user.create("/vector_stores", json!({})).await);
    }
    let named =
        |list: Vec<Value>| list.iter().map(|s| s["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let first = app.user.get("/vector_stores?limit=2").await.accepted();
    assert_eq!((&first["has_more"], &first["last_id"]), (&json!(true), &json!(ids[3])));
    let rest = app.user.list(&format!("/openai/v1/vector_stores?after={}", ids[3])).await;
    assert_eq!(named(rest), [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    let end = app.user.get(&format!("/vector_stores?after={}", ids[0])).await.accepted();
    assert_eq!(
        end,
        json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false})
    );
    assert_eq!(app.user.in_project("other").list("/vector_stores").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_change_replaces_what_it_names_and_null_takes_away() {
    let app = TestApp::start().await;
    let rule = json!({"anchor": "last_active_at", "days": 3});
    let body = json!({"name": "a", "metadata": {"a": "b"}, "expires_after": rule});
    let path = format!("/vector_stores/{}", app.user.create("/vector_stores", body).await);
    let renamed = app.user.post(&path, json!({"name": "b"})).await.accepted();
    assert_eq!((&renamed["name"], &renamed["expires_after"]), (&json!("b"), &rule));
    assert_eq!(renamed["metadata"], json!({"a": "b"}));
    let bare = json!({"name": null, "metadata": null, "expires_after": null});
    let bare = app.user.post(&path, bare).await.accepted();
    assert_eq!(
        (&bare["name"], &bare["metadata"], &bare["expires_at"]),
        (&json!(null), &json!({}), &json!(null))
    );
    assert_eq!(app.user.get(&path).await.accepted(), bare);
}

#[tokio::test]
async fn a_deleted_store_is_gone_with_its_files_and_batches() {
    let app = TestApp::start().await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let file = app.user.upload_text("a.txt").await;
    let path = format!("/vector_stores/{store}");
    let batch = app.user.create(&format!("{path}/file_batches"), json!({"file_ids": [file]})).await;
    assert_snapshot!(app.user.delete(&path).await.shown());
    let gone = format!("No vector store found with id '{store}'.");
    for rest in [
        String::new(),
        "/files".to_owned(),
        format!("/files/{file}"),
        format!("/files/{file}/content"),
        format!("/file_batches/{batch}"),
        format!("/file_batches/{batch}/files"),
    ] {
        assert_refused(&app.user.get(&format!("{path}{rest}")).await, 404, &gone, None, None);
    }
    for (rest, body) in [
        ("", json!({"name": "x"})),
        ("/files", json!({"file_id": file})),
        ("/file_batches", json!({"file_ids": [file]})),
        ("/search", json!({"query": "text"})),
    ] {
        assert_refused(&app.user.post(&format!("{path}{rest}"), body).await, 404, &gone, None, None);
    }
    assert_refused(&app.user.delete(&path).await, 404, &gone, None, None);
    app.user.get(&format!("/files/{file}")).await.accepted();
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_the_path_of_the_field() {
    let app = TestApp::start().await;
    let static_of = |most, overlap| {
        let size = json!({"max_chunk_size_tokens": most, "chunk_overlap_tokens": overlap});
        json!({"chunking_strategy": {"type": "static", "static": size}})
    };
    let days = |days| json!({"expires_after": {"anchor": "last_active_at", "days": days}});
    let cases = [
        (json!({"name": "n".repeat(257)}), "name"),
        (json!({"metadata": {"k": "v".repeat(513)}}), "metadata.k"),
        (json!({"file_ids": "one"}), "file_ids"),
        (json!({"expires_after": {"anchor": "created_at", "days": 1}}), "expires_after.anchor"),
        (days(0), "expires_after.days"),
        (days(366), "expires_after.days"),
        (static_of(99, 0), "chunking_strategy.static.max_chunk_size_tokens"),
        (static_of(4_097, 0), "chunking_strategy.static.max_chunk_size_tokens"),
        (static_of(800, 401), "chunking_strategy.static.chunk_overlap_tokens"),
        (json!({"chunking_strategy": {"type": "clever"}}), "chunking_strategy.type"),
        (json!({"chunking_strategy": {"type": "static"}}), "chunking_strategy.static"),
        (json!({"configuration": {"data_sources": [{"uri": "x"}]}}), "configuration.data_sources[0].type"),
    ];
    for (body, field) in cases {
        let refused = app.user.post("/vector_stores", body.clone()).await;
        assert_eq!((refused.refusal().0, refused.refusal().3.as_deref()), (400, Some(field)), "{body}");
    }
    assert_eq!(app.user.list("/vector_stores").await, Vec::<Value>::new());
}

#[tokio::test]
async fn files_that_are_not_there_are_refused_before_anything_is_made() {
    let app = TestApp::start().await;
    let file = app.user.upload_text("a.txt").await;
    let body = json!({"file_ids": [file, "assistant-nowhere"]});
    let refused = app.user.post("/vector_stores", body).await;
    let sentence = "No file found with id 'assistant-nowhere'.";
    assert_refused(&refused, 404, sentence, None, Some("file_ids"));
    let ids: Vec<String> = (0..10_001).map(|number| format!("assistant-{number}")).collect();
    let refused = app.user.post("/vector_stores", json!({"file_ids": ids})).await;
    assert_eq!(refused.refusal().2.as_deref(), Some("array_above_max_length"));
    assert_eq!(app.user.list("/vector_stores").await, Vec::<Value>::new());
    // Files of another project are not there either.
    let body = json!({"file_ids": [file]});
    let refused = app.user.in_project("other").post("/vector_stores", body).await;
    assert_eq!(refused.refusal().0, 404);
}

#[tokio::test]
async fn a_file_of_a_kind_that_is_not_read_is_refused_in_the_words_of_the_service() {
    let app = TestApp::start().await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let table = app.user.upload_text("table.csv").await;
    let refused =
        app.user.post(&format!("/openai/v1/vector_stores/{store}/files"), json!({"file_id": table})).await;
    assert_snapshot!(crate::redaction::redacted(&format!("{:#}", refused.json()["error"])));
    for (path, body, param) in [
        ("/vector_stores".to_owned(), json!({"file_ids": [table]}), "file_ids"),
        (format!("/vector_stores/{store}/files"), json!({"file_id": table}), "file_id"),
        (format!("/vector_stores/{store}/file_batches"), json!({"file_ids": [table]}), "file_ids"),
        (
            format!("/vector_stores/{store}/file_batches"),
            json!({"files": [{"file_id": table}]}),
            "files[0].file_id",
        ),
    ] {
        let refused = app.user.post(&path, body).await.refusal();
        assert_eq!((refused.0, refused.2.as_deref()), (400, Some("unsupported_file")), "{path}");
        assert_eq!(refused.3.as_deref(), Some(param));
    }
}

/// Sets when a store was used last.
pub async fn used_days_ago(app: &TestApp, store: &str, days: i64) {
    use cupola_store::{Change, Key, Kind};
    let key = Key::new(&"demo".into(), Kind::named("vector_store"), store);
    let found = app.store.get(&key).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&found.doc).unwrap();
    let before = record["last_active_at"].as_i64().unwrap();
    record["last_active_at"] = json!(before - days * 24 * 60 * 60);
    let doc = record.to_string().into();
    app.store.submit(vec![Change::Replace { key, if_etag: found.etag, doc }]).await.unwrap();
}

async fn expiring(app: &TestApp, days: i64) -> String {
    let rule = json!({"anchor": "last_active_at", "days": days});
    app.user.create("/vector_stores", json!({"expires_after": rule})).await
}

#[tokio::test]
async fn a_store_that_nobody_used_for_its_days_has_expired_and_says_so() {
    let app = TestApp::start().await;
    let store = expiring(&app, 2).await;
    let path = format!("/vector_stores/{store}");
    let file = app.user.upload_text("a.txt").await;
    used_days_ago(&app, &store, 1).await;
    assert_eq!(app.user.get(&path).await.accepted()["status"], "completed");
    used_days_ago(&app, &store, 1).await;
    assert_eq!(app.user.get(&path).await.accepted()["status"], "expired");
    let sentence = format!(
        "The vector store '{store}' has expired: it can't be searched or changed any more. Create another one."
    );
    for (rest, body) in [
        ("/search", json!({"query": "text"})),
        ("/files", json!({"file_id": file})),
        ("/file_batches", json!({"file_ids": [file]})),
        ("", json!({"expires_after": null})),
    ] {
        let refused = app.user.post(&format!("{path}{rest}"), body).await;
        assert_refused(&refused, 400, &sentence, Some("vector_store_expired"), None);
    }
    app.user.delete(&path).await.accepted();
}

async fn last_used(user: &Actor, store: &str) -> i64 {
    user.get(&format!("/vector_stores/{store}")).await.accepted()["last_active_at"].as_i64().unwrap()
}

#[tokio::test]
async fn using_a_store_keeps_it_alive() {
    let app = TestApp::start().await;
    let file = app.user.upload_text("a.txt").await;
    let uses = [
        ("/search", json!({"query": "text"})),
        ("/files", json!({"file_id": file})),
        ("", json!({"name": "x"})),
    ];
    for (rest, body) in uses {
        let store = expiring(&app, 2).await;
        used_days_ago(&app, &store, 1).await;
        let before = last_used(&app.user, &store).await;
        app.user.post(&format!("/vector_stores/{store}{rest}"), body).await.accepted();
        // Nobody waits for the note of a use, so it is read behind another commit.
        app.user.create("/vector_stores", json!({})).await;
        assert!(last_used(&app.user, &store).await - before >= 24 * 60 * 60 - 1, "{rest}");
    }
}

#[tokio::test]
async fn looking_at_a_store_is_no_use_of_it() {
    let app = TestApp::start().await;
    let store = expiring(&app, 2).await;
    used_days_ago(&app, &store, 1).await;
    let before = last_used(&app.user, &store).await;
    app.user.list("/vector_stores").await;
    app.user.list(&format!("/vector_stores/{store}/files")).await;
    app.user.create("/vector_stores", json!({})).await;
    assert_eq!(last_used(&app.user, &store).await, before);
}

#[tokio::test]
async fn a_search_that_means_nothing_is_refused_with_the_path_of_the_field() {
    let app = TestApp::start().await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let eq = |value: Value| json!({"type": "eq", "key": "k", "value": value});
    let deep = (0..20).fold(eq(json!(1)), |inner, _| json!({"type": "and", "filters": [inner]}));
    let cases = [
        (json!({}), "query"),
        (json!({"query": 5}), "query"),
        (json!({"query": " "}), "query"),
        (json!({"query": []}), "query"),
        (json!({"query": ["a", ""]}), "query[1]"),
        (json!({"query": ["a", 5]}), "query[1]"),
        (json!({"query": "a", "max_num_results": 0}), "max_num_results"),
        (json!({"query": "a", "max_num_results": 51}), "max_num_results"),
        (
            json!({"query": "a", "ranking_options": {"score_threshold": 1.5}}),
            "ranking_options.score_threshold",
        ),
        (json!({"query": "a", "filters": {"type": "like", "key": "k", "value": 1}}), "filters.type"),
        (json!({"query": "a", "filters": {"type": "eq", "value": 1}}), "filters.key"),
        (json!({"query": "a", "filters": eq(json!(null))}), "filters.value"),
        (json!({"query": "a", "filters": eq(json!([1]))}), "filters.value"),
        (json!({"query": "a", "filters": {"type": "in", "key": "k", "value": 1}}), "filters.value"),
        (json!({"query": "a", "filters": {"type": "gt", "key": "k", "value": true}}), "filters.value"),
        (json!({"query": "a", "filters": {"type": "or", "filters": []}}), "filters.filters"),
        (
            json!({"query": "a", "filters": {"type": "or", "filters": [eq(json!(1)), eq(json!({}))]}}),
            "filters.filters[1].value",
        ),
    ];
    for (body, field) in cases {
        let refused = app.user.post(&format!("/vector_stores/{store}/search"), body.clone()).await;
        assert_eq!((refused.refusal().0, refused.refusal().3.as_deref()), (400, Some(field)), "{body}");
    }
    let body = json!({"query": "a", "filters": deep});
    let refused = app.user.post(&format!("/vector_stores/{store}/search"), body).await;
    assert_eq!(refused.refusal().0, 400);
}

#[tokio::test]
async fn only_who_has_access_to_the_project_sees_its_stores() {
    let app = TestApp::start().await;
    let store = app.user.create("/vector_stores", json!({})).await;
    for form in FORMS {
        let path = format!("{form}/vector_stores/{store}");
        assert_eq!(app.anon.get(&path).await.status, 401);
        assert_eq!(app.neighbour.get(&path).await.status, 403);
        assert_eq!(app.user.in_project("other").get(&path).await.status, 404);
        assert_eq!(app.user.send_json(Method::PUT, &path, json!({})).await.status, 405);
    }
}

#[tokio::test]
async fn the_index_of_a_store_that_has_expired_is_freed() {
    let app = TestApp::start().await;
    let store = expiring(&app, 2).await;
    let file = app.user.upload_text("a.txt").await;
    app.user.post(&format!("/vector_stores/{store}/files"), json!({"file_id": file})).await.accepted();
    app.settled(&store).await;
    let index = app.home.path().join("knowledge").join(&store);
    assert!(index.exists());
    used_days_ago(&app, &store, 3).await;
    let app = app.killed(Setup::default()).await;
    while index.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let shown = app.user.get(&format!("/vector_stores/{store}")).await.accepted();
    assert_eq!((&shown["status"], &shown["file_counts"]["completed"]), (&json!("expired"), &json!(1)));
}
