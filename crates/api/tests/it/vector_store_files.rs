//! `/vector_stores/{store}/files` and `/vector_stores/{store}/file_batches`: what is in a store, and how far it is.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{TestApp, assert_refused};

async fn store(app: &TestApp) -> String {
    format!("/vector_stores/{}", app.user.create("/vector_stores", json!({})).await)
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|object| object["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_file_is_in_progress_in_the_answer_that_puts_it_into_the_store() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let file = app.user.upload_text("a.txt").await;
    assert_snapshot!(app.user.post(&format!("{path}/files"), json!({"file_id": file})).await.shown());
}

#[tokio::test]
async fn a_file_is_echoed_with_its_size_of_passages_and_its_attributes() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let size = json!({"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 0});
    let body = json!({
        "file_id": app.user.upload_text("a.txt").await,
        "chunking_strategy": {"type": "static", "static": size},
        "attributes": {"year": 2024, "draft": false, "team": "library", "ratio": 0.5},
    });
    assert_snapshot!(app.user.post(&format!("/openai/v1{path}/files"), body).await.shown());
}

#[tokio::test]
async fn exactly_one_file_is_named() {
    let app = TestApp::start().await;
    let path = format!("{}/files", store(&app).await);
    let refused = app.user.post(&path, json!({})).await;
    let code = Some("missing_required_parameter");
    assert_refused(&refused, 400, "Missing required parameter: 'file_id'.", code, Some("file_id"));
    let source = json!({"uri": "https://elsewhere/x.txt", "type": "uri_asset"});
    let refused = app.user.post(&path, json!({"file_id": "f", "data_source": source})).await;
    assert_eq!(refused.refusal().2.as_deref(), Some("mutually_exclusive_parameters"));
    let refused = app.user.post(&path, json!({"file_id": "assistant-nowhere"})).await;
    let sentence = "No file found with id 'assistant-nowhere'.";
    assert_refused(&refused, 404, sentence, None, Some("file_id"));
}

#[tokio::test]
async fn attributes_have_limits() {
    let app = TestApp::start().await;
    let path = format!("{}/files", store(&app).await);
    let file = app.user.upload_text("a.txt").await;
    let many: serde_json::Map<String, Value> = (0..17).map(|n| (n.to_string(), json!(n))).collect();
    for (attributes, param) in [
        (json!(many), "attributes"),
        (json!({"k".repeat(65): 1}), "attributes key"),
        (json!({"k": "v".repeat(513)}), "attributes.k"),
        (json!({"k": null}), "attributes.k"),
        (json!({"k": [1]}), "attributes.k"),
    ] {
        let refused = app.user.post(&path, json!({"file_id": file, "attributes": attributes})).await;
        assert_eq!(refused.refusal().3.as_deref(), Some(param), "{attributes}");
    }
    assert_eq!(app.user.list(&path).await, Vec::<Value>::new());
}

#[tokio::test]
async fn attributes_are_replaced_as_a_whole() {
    let app = TestApp::start().await;
    let path = format!("{}/files", store(&app).await);
    let file = app.user.upload_text("a.txt").await;
    app.user.post(&path, json!({"file_id": file, "attributes": {"a": 1}})).await.accepted();
    let path = format!("{path}/{file}");
    let changed = app.user.post(&path, json!({"attributes": {"b": "two"}})).await.accepted();
    assert_eq!(changed["attributes"], json!({"b": "two"}));
    assert_eq!(app.user.get(&path).await.accepted()["attributes"], json!({"b": "two"}));
    let bare = app.user.post(&path, json!({"attributes": null})).await.accepted();
    assert_eq!(bare.get("attributes"), None);
}

#[tokio::test]
async fn files_are_listed_in_pages_with_their_own_ids() {
    let app = TestApp::start().await;
    let path = format!("{}/files", store(&app).await);
    let mut files = Vec::new();
    for number in 0..3 {
        files.push(app.user.upload_text(&format!("{number}.txt")).await);
        app.user.post(&path, json!({"file_id": files[number]})).await.accepted();
    }
    let first = app.user.get(&format!("{path}?limit=2")).await.accepted();
    assert_eq!((&first["first_id"], &first["last_id"]), (&json!(files[2]), &json!(files[1])));
    assert_eq!(ids(&app.user.list(&format!("{path}?after={}", files[1])).await), [&files[0]]);
    assert_eq!(ids(&app.user.list(&format!("{path}?order=asc&before={}", files[1])).await), [&files[0]]);
    let refused = app.user.get(&format!("{path}?after=assistant-nowhere")).await;
    let sentence = "No object found with id 'assistant-nowhere' to continue the list from.";
    assert_refused(&refused, 400, sentence, Some("invalid_value"), None);
    let refused = app.user.get(&format!("{path}?filter=done")).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("filter"));
    assert_eq!(app.user.list(&format!("{path}?filter=cancelled")).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_file_that_is_taken_out_of_the_store_stays_an_uploaded_file() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let file = app.user.upload_text("a.txt").await;
    app.user.post(&format!("{path}/files"), json!({"file_id": file})).await.accepted();
    let in_store = format!("{path}/files/{file}");
    assert_snapshot!(app.user.delete(&in_store).await.shown());
    let id = path.rsplit('/').next().unwrap();
    let gone = format!("No file found with id '{file}' in vector store '{id}'.");
    assert_refused(&app.user.get(&in_store).await, 404, &gone, None, None);
    assert_refused(&app.user.delete(&in_store).await, 404, &gone, None, None);
    let counts = app.user.get(&path).await.accepted()["file_counts"].clone();
    assert_eq!(counts["total"], 0);
    app.user.get(&format!("/files/{file}")).await.accepted();
    // It may come back.
    app.user.post(&format!("{path}/files"), json!({"file_id": file})).await.accepted();
}

#[tokio::test]
async fn a_deleted_file_is_gone_from_all_stores() {
    let app = TestApp::start().await;
    let (one, other) = (store(&app).await, store(&app).await);
    let (file, stays) = (app.user.upload_text("a.txt").await, app.user.upload_text("b.txt").await);
    for path in [&one, &other] {
        let body = json!({"file_ids": [file, stays]});
        app.user.post(&format!("{path}/file_batches"), body).await.accepted();
    }
    app.user.delete(&other).await.accepted();
    app.user.delete(&format!("/files/{file}")).await.accepted();
    assert_eq!(ids(&app.user.list(&format!("{one}/files")).await), [&stays]);
    assert_eq!(app.user.get(&one).await.accepted()["file_counts"]["total"], 1);
}

#[tokio::test]
async fn a_batch_is_in_progress_with_all_of_its_files_in_the_answer_that_makes_it() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let files = [app.user.upload_text("a.txt").await, app.user.upload_text("b.md").await];
    let body = json!({"file_ids": [files[0], files[1], files[0]], "attributes": {"of": "both"}});
    let made = app.user.post(&format!("{path}/file_batches"), body).await;
    assert_snapshot!(made.shown());
    let batch = format!("{path}/file_batches/{}", made.json()["id"].as_str().unwrap());
    let listed = app.user.list(&format!("{batch}/files?order=asc")).await;
    assert_eq!(ids(&listed), [&files[0], &files[1]]);
    assert_eq!(listed[0]["attributes"], json!({"of": "both"}));
    let keys: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    assert!(!keys.iter().any(|key| ["usage_bytes", "chunking_strategy"].contains(&key.as_str())), "{keys:?}");
    assert_eq!(ids(&app.user.list(&format!("{batch}/files?after={}", files[1])).await), [&files[0]]);
}

#[tokio::test]
async fn files_of_a_batch_may_have_attributes_and_sizes_of_their_own() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let files = [app.user.upload_text("a.txt").await, app.user.upload_text("b.md").await];
    let size = json!({"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 10});
    let body = json!({"files": [
        {"file_id": files[0], "attributes": {"n": 1}},
        {"file_id": files[1], "chunking_strategy": {"type": "static", "static": size}},
    ]});
    app.user.post(&format!("{path}/file_batches"), body).await.accepted();
    let one = app.user.get(&format!("{path}/files/{}", files[0])).await.accepted();
    let other = app.user.get(&format!("{path}/files/{}", files[1])).await.accepted();
    assert_eq!(
        (&one["attributes"], one["chunking_strategy"]["static"]["max_chunk_size_tokens"].as_i64()),
        (&json!({"n": 1}), Some(800))
    );
    assert_eq!(other["chunking_strategy"], json!({"type": "static", "static": size}));
}

#[tokio::test]
async fn a_batch_that_is_wrong_is_refused_as_a_whole() {
    let app = TestApp::start().await;
    let path = store(&app).await;
    let file = app.user.upload_text("a.txt").await;
    let too_many: Vec<String> = (0..2_001).map(|number| number.to_string()).collect();
    for (body, param) in [
        (json!({}), "file_ids"),
        (json!({"file_ids": []}), "file_ids"),
        (json!({"files": []}), "files"),
        (json!({"file_ids": too_many}), "file_ids"),
        (json!({"file_ids": [file, "nowhere"]}), "file_ids"),
        (json!({"file_ids": [file], "files": [{"file_id": file}]}), "files"),
        (json!({"files": [{"file_id": file}, {"file_id": "nowhere"}]}), "files[1].file_id"),
        (json!({"files": [{"file_id": file, "attributes": {"k": null}}]}), "files[0].attributes.k"),
        (json!({"data_sources": [{"uri": "https://a/b.txt", "type": "uri_asset"}]}), "data_sources[0].uri"),
        (json!({"data_sources": [{"uri": "x", "type": "other"}]}), "data_sources[0].type"),
    ] {
        let refused = app.user.post(&format!("{path}/file_batches"), body.clone()).await;
        assert_eq!(refused.refusal().3.as_deref(), Some(param), "{body}");
    }
    assert_eq!(app.user.get(&path).await.accepted()["file_counts"]["total"], 0);
}

#[tokio::test]
async fn a_batch_of_another_store_is_not_found_in_this_one() {
    let app = TestApp::start().await;
    let (one, other) = (store(&app).await, store(&app).await);
    let file = app.user.upload_text("a.txt").await;
    let batch = app.user.create(&format!("{one}/file_batches"), json!({"file_ids": [file]})).await;
    for rest in ["", "/files"] {
        let answer = app.user.get(&format!("{other}/file_batches/{batch}{rest}")).await;
        let id = other.rsplit('/').next().unwrap();
        let sentence = format!("No file batch found with id '{batch}' in vector store '{id}'.");
        assert_refused(&answer, 404, &sentence, None, None);
    }
}
