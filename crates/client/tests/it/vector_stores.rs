//! Vector stores, their files and batches, request by request, and waiting for them.

use std::time::{Duration, Instant};

use cupola_client::{
    Error, Patience, StoreFileQuery, Upload,
    types::{
        Attributes, BatchFile, CreateFileBatch, CreateVectorStore, CreateVectorStoreFile, FileErrorCode,
        FileStatus, Filter, ListQuery, SearchVectorStore, StoreStatus, UpdateVectorStore,
    },
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::{
    objects,
    server::{Answer, Server},
};

const BASE: &str = "/api/projects/demo/openai/v1";
const STORE: &str = "/api/projects/demo/openai/v1/vector_stores/vs_1";

fn counts(in_progress: u64, completed: u64, failed: u64) -> Value {
    json!({"in_progress": in_progress, "completed": completed, "failed": failed, "cancelled": 0,
        "total": in_progress + completed + failed})
}

fn store(status: &str) -> Value {
    json!({"id": "vs_1", "object": "vector_store", "name": "handbook", "status": status, "usage_bytes": 7,
        "created_at": 1, "file_counts": counts(0, 1, 0), "metadata": {}, "expires_after": null,
        "expires_at": null, "last_active_at": 2})
}

fn file(status: &str) -> Value {
    json!({"id": "assistant-1", "object": "vector_store.file", "usage_bytes": 7, "created_at": 1,
        "vector_store_id": "vs_1", "status": status, "last_error": null,
        "chunking_strategy": {"type": "static",
            "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
        "attributes": {"team": "sales", "year": 2024}})
}

fn batch(status: &str, counts: Value) -> Value {
    json!({"id": "vsfb_1", "object": "vector_store.file_batch", "created_at": 1, "status": status,
        "vector_store_id": "vs_1", "file_counts": counts})
}

fn page(data: &[Value]) -> Value {
    json!({"object": "list", "data": data, "first_id": null, "last_id": null, "has_more": false})
}

fn impatient() -> Patience {
    let pause = Duration::from_millis(1);
    Patience { first_pause: pause, longest_pause: pause, ..Patience::default() }
}

#[tokio::test]
async fn stores_are_made_read_changed_searched_and_deleted() {
    let found = json!({"object": "vector_store.search_results.page", "search_query": ["notice"],
        "data": [{"file_id": "assistant-1", "filename": "a.md", "score": 0.5, "attributes": {"year": 2024},
            "content": [{"type": "text", "text": "Three months."}], "place": {"page": 3}}],
        "has_more": false, "next_page": null});
    let server = Server::start([
        Answer::json(store("completed")),
        Answer::json(store("completed")),
        Answer::json(store("completed")),
        Answer::json(page(&[store("expired")])),
        Answer::json(found),
        Answer::json(objects::deleted("vs_1", "vector_store")),
    ])
    .await;
    let stores = server.project().vector_stores();
    assert_eq!(stores.create(&CreateVectorStore::named("handbook")).await.unwrap().id, "vs_1");
    assert_eq!(stores.get("vs_1").await.unwrap().name.as_deref(), Some("handbook"));
    let changes = UpdateVectorStore { name: Some(None), ..UpdateVectorStore::default() };
    stores.update("vs_1", &changes).await.unwrap();
    let listed: Vec<_> = stores.list(ListQuery::default()).try_collect().await.unwrap();
    assert_eq!(listed[0].status, StoreStatus::Expired);
    let search = SearchVectorStore {
        filters: Some(Filter::all(vec![Filter::equals("year", 2024), Filter::equals("draft", false)])),
        max_num_results: Some(3),
        ..SearchVectorStore::new("notice")
    };
    let page = stores.search("vs_1", &search).await.unwrap();
    assert_eq!(page.data[0].content[0].text, "Three months.");
    assert_eq!(page.data[0].place.as_ref().unwrap().page, Some(3));
    stores.delete("vs_1").await.unwrap();

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/vector_stores"),
            format!("GET {STORE}"),
            format!("POST {STORE}"),
            format!("GET {BASE}/vector_stores"),
            format!("POST {STORE}/search"),
            format!("DELETE {STORE}"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"name": "handbook"}));
    assert_eq!(asked[2].json(), json!({"name": null}));
    assert_eq!(
        asked[4].json(),
        json!({"query": "notice", "max_num_results": 3, "filters": {"type": "and", "filters": [
            {"type": "eq", "key": "year", "value": 2024}, {"type": "eq", "key": "draft", "value": false},
        ]}})
    );
}

#[tokio::test]
async fn files_of_a_store_are_added_listed_described_read_and_taken_out() {
    let content = json!({"object": "vector_store.file_content.page", "has_more": false, "next_page": null,
        "data": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]});
    let server = Server::start([
        Answer::json(file("in_progress")),
        Answer::json(file("completed")),
        Answer::json(page(&[file("completed")])),
        Answer::json(file("completed")),
        Answer::json(content),
        Answer::json(objects::deleted("assistant-1", "vector_store.file")),
    ])
    .await;
    let files = server.project().vector_stores().files("vs_1");
    files.create(&CreateVectorStoreFile::of("assistant-1")).await.unwrap();
    assert_eq!(files.get("assistant-1").await.unwrap().attributes["year"], 2024.into());
    let query = StoreFileQuery { status: Some(FileStatus::Failed), page: ListQuery::default() };
    let listed: Vec<_> = files.list(query).try_collect().await.unwrap();
    assert_eq!(listed[0].id, "assistant-1");
    files.update("assistant-1", Attributes::from([("draft".to_owned(), true.into())])).await.unwrap();
    let texts: Vec<String> =
        files.content("assistant-1").await.unwrap().into_iter().map(|part| part.text).collect();
    assert_eq!(texts, ["one", "two"]);
    files.delete("assistant-1").await.unwrap();

    assert_eq!(
        server.lines(),
        [
            format!("POST {STORE}/files"),
            format!("GET {STORE}/files/assistant-1"),
            format!("GET {STORE}/files?filter=failed"),
            format!("POST {STORE}/files/assistant-1"),
            format!("GET {STORE}/files/assistant-1/content"),
            format!("DELETE {STORE}/files/assistant-1"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"file_id": "assistant-1"}));
    assert_eq!(asked[3].json(), json!({"attributes": {"draft": true}}));
}

#[tokio::test]
async fn an_upload_is_put_into_the_store_and_waited_for() {
    let mut failed = file("failed");
    failed["last_error"] = json!({"code": "invalid_file", "message": "The file is empty."});
    let server = Server::start([
        Answer::json(objects::file("processed")),
        Answer::json(file("in_progress")),
        Answer::json(file("in_progress")),
        Answer::json(failed),
    ])
    .await;
    let files = server.project().vector_stores().with_patience(impatient()).files("vs_1");
    let read = files.upload_and_poll(&Upload::bytes("a.md", "")).await.unwrap();
    assert_eq!(read.last_error.unwrap().code, FileErrorCode::InvalidFile);
    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/files"),
            format!("POST {STORE}/files"),
            format!("GET {STORE}/files/assistant-1"),
            format!("GET {STORE}/files/assistant-1"),
        ]
    );
}

#[tokio::test]
async fn uploads_become_one_batch_in_their_order() {
    let uploaded = |id: &str| {
        let mut file = objects::file("processed");
        file["id"] = json!(id);
        Answer::json(file)
    };
    let server = Server::start([
        uploaded("assistant-1"),
        Answer::json(batch("in_progress", counts(1, 0, 0))),
        Answer::json(batch("in_progress", counts(1, 0, 0))),
        Answer::json(batch("completed", counts(0, 1, 0))),
        Answer::json(batch("in_progress", counts(1, 0, 0))),
        Answer::json(batch("cancelled", counts(0, 0, 0))),
        Answer::json(page(&[])),
    ])
    .await;
    let batches = server.project().vector_stores().with_patience(impatient()).file_batches("vs_1");
    let done = batches.upload_and_poll([Upload::bytes("a.md", "a")]).await.unwrap();
    assert_eq!((done.status, done.file_counts.completed), (FileStatus::Completed, 1));
    let described = BatchFile {
        file_id: "assistant-1".to_owned(),
        attributes: Some(Attributes::from([("team".to_owned(), "sales".into())])),
        chunking_strategy: None,
    };
    let body = CreateFileBatch { files: Some(vec![described]), ..CreateFileBatch::default() };
    batches.create(&body).await.unwrap();
    assert_eq!(batches.cancel("vsfb_1").await.unwrap().status, FileStatus::Cancelled);
    let files = batches.list_files("vsfb_1", ListQuery { limit: Some(7), ..ListQuery::default() });
    assert!(files.try_collect::<Vec<_>>().await.unwrap().is_empty());

    let lines = server.lines();
    assert_eq!(lines[0], format!("POST {BASE}/files"));
    assert_eq!(lines[1], format!("POST {STORE}/file_batches"));
    assert_eq!(lines[3], format!("GET {STORE}/file_batches/vsfb_1"));
    assert_eq!(lines[5], format!("POST {STORE}/file_batches/vsfb_1/cancel"));
    assert_eq!(lines[6], format!("GET {STORE}/file_batches/vsfb_1/files?limit=7"));
    let asked = server.asked();
    assert_eq!(asked[1].json(), json!({"file_ids": ["assistant-1"]}));
    assert_eq!(
        asked[4].json(),
        json!({"files": [{"file_id": "assistant-1", "attributes": {"team": "sales"}}]})
    );
}

#[tokio::test]
async fn every_look_at_a_batch_is_shown() {
    let server = Server::start([
        Answer::json(batch("in_progress", counts(2, 0, 0))),
        Answer::json(batch("in_progress", counts(1, 1, 0))),
        Answer::json(batch("completed", counts(0, 1, 1))),
    ])
    .await;
    let batches = server.project().vector_stores().with_patience(impatient()).file_batches("vs_1");
    let mut left = Vec::new();
    batches.poll_with("vsfb_1", |batch| left.push(batch.file_counts.in_progress)).await.unwrap();
    assert_eq!(left, [2, 1, 0]);
}

#[tokio::test]
async fn the_pace_of_the_service_is_kept() {
    let hasty = || Answer::json(store("in_progress")).with_header("openai-poll-after-ms", "1");
    let server = Server::start([hasty(), hasty(), Answer::json(store("completed"))]).await;
    let hour = Duration::from_secs(3600);
    let patience = Patience { deadline: hour, first_pause: hour, longest_pause: hour };
    let stores = server.project().vector_stores().with_patience(patience);
    let store = stores.poll("vs_1").await.unwrap();
    assert_eq!(store.status, StoreStatus::Completed);
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_with_what_is_waited_for() {
    let server = Server::start((0..100).map(|_| Answer::json(store("in_progress")))).await;
    let patience = Patience { deadline: Duration::from_millis(20), ..impatient() };
    let began = Instant::now();
    let error = server.project().vector_stores().with_patience(patience).poll("vs_1").await.unwrap_err();
    assert!(began.elapsed() >= patience.deadline);
    assert!(matches!(&error, Error::Deadline { id, .. } if id == "vs_1"), "{error:?}");
    assert_eq!(error.to_string(), "vs_1 was still in_progress after 20ms");
}

#[tokio::test]
async fn the_older_api_has_the_same_stores_at_its_own_address() {
    let server = Server::start([Answer::json(store("in_progress")), Answer::json(store("completed"))]).await;
    let body = CreateVectorStore {
        file_ids: Some(vec!["assistant-1".to_owned()]),
        ..CreateVectorStore::named("handbook")
    };
    let store = server.client().vector_stores().create_and_poll(&body).await.unwrap();
    assert_eq!(store.status, StoreStatus::Completed);
    assert_eq!(
        server.lines(),
        [
            "POST /api/projects/demo/vector_stores?api-version=v1",
            "GET /api/projects/demo/vector_stores/vs_1?api-version=v1",
        ]
    );
}
