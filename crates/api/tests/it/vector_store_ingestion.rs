//! What becomes of files that are put into a store: also when somebody changes their mind, the embedder fails, or the
//! service is killed.

use std::time::Duration;

use cupola_api::vector_stores::Patience;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp},
    embedder::Letters,
};

/// A store with these texts as files: its id and those of the files.
async fn filled(app: &TestApp, texts: &[&str]) -> (String, Vec<String>) {
    let mut files = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        files.push(app.user.upload(&format!("{number}.txt"), text.as_bytes()).await);
    }
    let store = app.user.create("/vector_stores", json!({"file_ids": files})).await;
    (store, files)
}

async fn with_embedder(embedder: &Letters) -> TestApp {
    TestApp::with(Setup { embedder: Some(embedder.clone()), ..Setup::default() }).await
}

/// The files that a search finds.
async fn found(app: &TestApp, store: &str, query: &str) -> Vec<Value> {
    let path = format!("/vector_stores/{store}/search");
    let page = app.user.post(&path, json!({"query": query})).await.accepted();
    page["data"].as_array().unwrap().iter().map(|result| result["file_id"].clone()).collect()
}

async fn counts(app: &TestApp, store: &str) -> Value {
    app.user.get(&format!("/vector_stores/{store}")).await.accepted()["file_counts"].clone()
}

fn counted(in_progress: u64, completed: u64, failed: u64, cancelled: u64) -> Value {
    json!({
        "in_progress": in_progress,
        "completed": completed,
        "failed": failed,
        "cancelled": cancelled,
        "total": in_progress + completed + failed + cancelled,
    })
}

#[tokio::test]
async fn files_are_read_completed_counted_and_found() {
    let app = TestApp::start().await;
    let (store, files) = filled(&app, &["The heron fishes at dawn.", "Ledgers balance at dusk."]).await;
    app.settled(&store).await;
    assert_eq!(counts(&app, &store).await, counted(0, 2, 0, 0));
    assert_eq!(found(&app, &store, "heron").await, [files[0].as_str()]);
    let shown = app.user.get(&format!("/vector_stores/{store}")).await.accepted();
    let one = app.user.get(&format!("/vector_stores/{store}/files/{}", files[0])).await.accepted();
    let other = app.user.get(&format!("/vector_stores/{store}/files/{}", files[1])).await.accepted();
    let bytes = |object: &Value| object["usage_bytes"].as_u64().unwrap();
    assert!(bytes(&one) >= 25 && bytes(&shown) == bytes(&one) + bytes(&other), "{shown} {one} {other}");
    assert_eq!((&shown["status"], &one["status"]), (&json!("completed"), &json!("completed")));
}

#[tokio::test]
async fn a_file_that_can_not_be_read_says_why_and_holds_up_nobody() {
    let app = TestApp::start().await;
    let picture = app.user.upload("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").await;
    let blank = app.user.upload("blank.md", b" \n\n \t").await;
    let good = app.user.upload("good.txt", b"The heron fishes.").await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}");
    let body = json!({"file_ids": [picture, blank, good]});
    let batch = app.user.create(&format!("{path}/file_batches"), body).await;
    app.settled(&store).await;
    for file in [&picture, &blank] {
        let shown = app.user.get(&format!("{path}/files/{file}")).await.accepted();
        assert_eq!((&shown["status"], &shown["usage_bytes"]), (&json!("failed"), &json!(0)));
        assert_eq!(shown["last_error"]["code"], "invalid_file");
        assert!(shown["last_error"]["message"].as_str().unwrap().starts_with("The file "), "{shown}");
    }
    let shown = app.user.get(&format!("{path}/file_batches/{batch}")).await.accepted();
    assert_eq!((&shown["status"], &shown["file_counts"]), (&json!("completed"), &counted(0, 1, 2, 0)));
    let failed = app.user.list(&format!("{path}/file_batches/{batch}/files?filter=failed")).await;
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0]["last_error"]["code"], "invalid_file");
    assert_eq!(found(&app, &store, "heron").await, [good.as_str()]);
}

#[tokio::test]
async fn a_batch_of_files_that_can_all_not_be_read_has_failed() {
    let app = TestApp::start().await;
    let blank = app.user.upload("blank.txt", b"   ").await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}/file_batches");
    let batch = app.user.create(&path, json!({"file_ids": [blank]})).await;
    app.settled(&store).await;
    let shown = app.user.get(&format!("{path}/{batch}")).await.accepted();
    assert_eq!((&shown["status"], &shown["file_counts"]), (&json!("failed"), &counted(0, 0, 1, 0)));
}

#[tokio::test]
async fn files_of_a_cancelled_batch_are_cancelled_and_never_found() {
    let embedder = Letters::closed();
    let app = with_embedder(&embedder).await;
    let files = [app.user.upload("a.txt", b"heron one").await, app.user.upload("b.txt", b"heron two").await];
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}/file_batches");
    let batch = app.user.create(&path, json!({"file_ids": files})).await;
    let cancelled = app.user.post_nothing(&format!("{path}/{batch}/cancel")).await.accepted();
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["file_counts"], counted(0, 0, 0, 2));
    assert_eq!(app.user.list(&format!("{path}/{batch}/files?filter=cancelled")).await.len(), 2);
    assert_eq!(counts(&app, &store).await, counted(0, 0, 0, 2));
    embedder.open();
    // What is read after it is behind it in every queue.
    let later = app.user.upload("c.txt", b"heron three").await;
    app.user.post(&format!("/vector_stores/{store}/files"), json!({"file_id": later})).await.accepted();
    app.settled(&store).await;
    assert_eq!(found(&app, &store, "heron").await, [later.as_str()]);
    assert_eq!(counts(&app, &store).await, counted(0, 1, 0, 2));
    // It may be tried again.
    app.user.post(&format!("/vector_stores/{store}/files"), json!({"file_id": files[0]})).await.accepted();
    app.settled(&store).await;
    assert_eq!(found(&app, &store, "heron").await.len(), 2);
}

#[tokio::test]
async fn clients_are_told_to_ask_again_soon_while_there_is_something_to_wait_for() {
    let embedder = Letters::closed();
    let app = with_embedder(&embedder).await;
    let (store, files) = filled(&app, &["heron"]).await;
    let path = format!("/vector_stores/{store}/files/{}", files[0]);
    assert_eq!(app.user.get(&path).await.headers["openai-poll-after-ms"], "200");
    embedder.open();
    app.settled(&store).await;
    assert_eq!(app.user.get(&path).await.headers.get("openai-poll-after-ms"), None);
}

#[tokio::test]
async fn cancelling_a_batch_that_has_ended_changes_nothing() {
    let app = TestApp::start().await;
    let file = app.user.upload("a.txt", b"heron").await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}/file_batches");
    let batch = app.user.create(&path, json!({"file_ids": [file]})).await;
    app.settled(&store).await;
    let answer = app.user.post_nothing(&format!("{path}/{batch}/cancel")).await.accepted();
    assert_eq!((&answer["status"], &answer["file_counts"]), (&json!("completed"), &counted(0, 1, 0, 0)));
}

#[tokio::test]
async fn a_file_that_is_taken_out_while_it_is_read_does_not_show_up_again() {
    let embedder = Letters::closed();
    let app = with_embedder(&embedder).await;
    let (store, files) = filled(&app, &["heron one", "heron two", "heron three"]).await;
    app.user.delete(&format!("/vector_stores/{store}/files/{}", files[0])).await.accepted();
    app.user.delete(&format!("/files/{}", files[1])).await.accepted();
    embedder.open();
    app.settled(&store).await;
    assert_eq!(found(&app, &store, "heron").await, [files[2].as_str()]);
    assert_eq!(counts(&app, &store).await, counted(0, 1, 0, 0));
}

#[tokio::test]
async fn a_store_that_is_deleted_while_its_files_are_read_is_gone() {
    let embedder = Letters::closed();
    let app = with_embedder(&embedder).await;
    let (gone, files) = filled(&app, &["heron one"]).await;
    app.user.delete(&format!("/vector_stores/{gone}")).await.accepted();
    embedder.open();
    let store = app.user.create("/vector_stores", json!({"file_ids": files})).await;
    app.settled(&store).await;
    assert_eq!(found(&app, &store, "heron").await, [files[0].as_str()]);
    assert_eq!(app.user.get(&format!("/vector_stores/{gone}/files")).await.status, 404);
    let app = app.killed(Setup::default()).await;
    assert_eq!(app.user.list("/vector_stores").await.len(), 1);
}

#[tokio::test]
async fn what_was_taken_out_is_not_found_from_that_moment_on() {
    let app = TestApp::start().await;
    let (store, files) = filled(&app, &["heron one", "heron two", "heron three"]).await;
    app.settled(&store).await;
    app.user.delete(&format!("/vector_stores/{store}/files/{}", files[0])).await.accepted();
    assert_eq!(found(&app, &store, "heron").await.len(), 2);
    app.user.delete(&format!("/files/{}", files[1])).await.accepted();
    assert_eq!(found(&app, &store, "heron").await, [files[2].as_str()]);
}

#[tokio::test]
async fn a_killed_service_goes_on_where_it_stood() {
    let embedder = Letters::closed();
    let app = with_embedder(&embedder).await;
    let (store, files) = filled(&app, &["heron one", "heron two"]).await;
    let path = format!("/vector_stores/{store}/file_batches");
    let third = app.user.upload("3.txt", b"heron three").await;
    let batch = app.user.create(&path, json!({"file_ids": [third]})).await;
    let app = app.killed(Setup { embedder: Some(Letters::new("letters")), ..Setup::default() }).await;
    app.settled(&store).await;
    assert_eq!(counts(&app, &store).await, counted(0, 3, 0, 0));
    let all = found(&app, &store, "heron").await;
    assert!([&files[0], &files[1], &third].iter().all(|file| all.contains(&json!(file))), "{all:?}");
    let shown = app.user.get(&format!("{path}/{batch}")).await.accepted();
    assert_eq!((&shown["status"], &shown["file_counts"]), (&json!("completed"), &counted(0, 1, 0, 0)));
}

#[tokio::test]
async fn an_index_that_got_lost_is_made_again() {
    let app = TestApp::start().await;
    let (store, files) = filled(&app, &["heron one"]).await;
    app.settled(&store).await;
    app.service.vector_stores().close().await;
    std::fs::remove_dir_all(app.home.path().join("knowledge").join(&store)).unwrap();
    let app = app.killed(Setup::default()).await;
    while found(&app, &store, "heron").await != [files[0].as_str()] {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    app.settled(&store).await;
    assert_eq!(counts(&app, &store).await, counted(0, 1, 0, 0));
}

#[tokio::test]
async fn the_same_file_twice_is_one_file() {
    let embedder = Letters::new("letters");
    let app = with_embedder(&embedder).await;
    let (store, files) = filled(&app, &["heron one"]).await;
    app.settled(&store).await;
    let path = format!("/vector_stores/{store}/files");
    let body = json!({"file_id": files[0], "attributes": {"seen": "twice"}});
    let again = app.user.post(&path, body).await.accepted();
    assert_eq!((&again["status"], &again["attributes"]), (&json!("completed"), &json!({"seen": "twice"})));
    let batch = json!({"file_ids": files});
    let batch = app.user.post(&format!("/vector_stores/{store}/file_batches"), batch).await.accepted();
    assert_eq!((&batch["status"], &batch["file_counts"]), (&json!("completed"), &counted(0, 1, 0, 0)));
    assert_eq!(counts(&app, &store).await, counted(0, 1, 0, 0));
    assert_eq!(found(&app, &store, "heron").await, [files[0].as_str()]);
    assert_eq!(embedder.seen().len(), 1, "it was read once");
}

#[tokio::test]
async fn the_same_file_cut_in_another_way_is_read_again() {
    let app = TestApp::start().await;
    let text = "The heron fishes at dawn and rests at noon. ".repeat(100);
    let (store, files) = filled(&app, &[&text]).await;
    app.settled(&store).await;
    let path = format!("/vector_stores/{store}/files");
    let content = format!("{path}/{}/content", files[0]);
    let pieces = async || app.user.list(&content).await.len();
    let before = pieces().await;
    let size = json!({"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20});
    let body = json!({"file_id": files[0], "chunking_strategy": {"type": "static", "static": size}});
    assert_eq!(app.user.post(&path, body).await.accepted()["status"], "in_progress");
    app.settled(&store).await;
    let after = pieces().await;
    assert!(after > before, "{after} pieces, {before} before");
}

#[tokio::test]
async fn what_was_read_from_a_file_is_told_once_although_passages_overlap() {
    let app = TestApp::start().await;
    let text: String = (0..900).map(|number| format!("Sentence number {number} of many. ")).collect();
    let (store, files) = filled(&app, &[text.trim()]).await;
    app.settled(&store).await;
    let page = app.user.get(&format!("/vector_stores/{store}/files/{}/content", files[0])).await.accepted();
    assert_eq!(page["object"], "vector_store.file_content.page");
    let pieces = page["data"].as_array().unwrap();
    assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece["type"] == "text"));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let told: Vec<&str> = pieces.iter().map(|piece| piece["text"].as_str().unwrap()).collect();
    assert_eq!(words(&told.join(" ")), words(&text));
}

#[tokio::test]
async fn the_content_of_a_file_that_is_still_being_read_is_refused() {
    let app = with_embedder(&Letters::closed()).await;
    let (store, files) = filled(&app, &["heron"]).await;
    let refused = app.user.get(&format!("/vector_stores/{store}/files/{}/content", files[0])).await;
    assert_eq!(refused.refusal().0, 400);
    assert!(refused.refusal().1.contains("'in_progress'"));
}

fn hasty() -> Patience {
    let pause = Duration::from_millis(1);
    Patience { first_pause: pause, longest_pause: pause, deadline: Duration::from_secs(600) }
}

#[tokio::test]
async fn an_embedder_that_fails_for_a_while_is_asked_again() {
    let embedder = Letters::new("letters");
    (0..3).for_each(|_| embedder.fails("the server is busy", true));
    let setup = Setup { embedder: Some(embedder.clone()), patience: hasty(), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let (store, files) = filled(&app, &["heron one"]).await;
    app.settled(&store).await;
    assert_eq!(found(&app, &store, "heron").await, [files[0].as_str()]);
    assert_eq!(embedder.seen().len(), 4);
}

#[tokio::test]
async fn an_embedder_that_goes_on_failing_fails_the_file_with_its_words() {
    let embedder = Letters::new("letters");
    (0..10).for_each(|_| embedder.fails("the server is busy", true));
    let patience = Patience { deadline: Duration::ZERO, ..hasty() };
    let app = TestApp::with(Setup { embedder: Some(embedder), patience, ..Setup::default() }).await;
    let (store, files) = filled(&app, &["heron one"]).await;
    app.settled(&store).await;
    let shown = app.user.get(&format!("/vector_stores/{store}/files/{}", files[0])).await.accepted();
    assert_eq!((&shown["status"], &shown["last_error"]["code"]), (&json!("failed"), &json!("server_error")));
    let sentence = shown["last_error"]["message"].as_str().unwrap();
    assert!(sentence.contains("could not be embedded: the server is busy."), "{sentence}");
}

#[tokio::test]
async fn a_text_that_the_embedder_refuses_fails_its_own_file_alone() {
    let embedder = Letters::closed();
    // All at once, then the first by itself.
    embedder.fails("one text is refused", false);
    embedder.fails("this text is refused", false);
    let app = with_embedder(&embedder).await;
    let (store, files) = filled(&app, &["heron one", "heron two"]).await;
    embedder.open();
    app.settled(&store).await;
    assert_eq!(counts(&app, &store).await, counted(0, 1, 1, 0));
    assert_eq!(found(&app, &store, "heron").await.len(), 1);
    let failed = app.user.list(&format!("/vector_stores/{store}/files?filter=failed")).await;
    assert!(files.iter().any(|file| failed[0]["id"] == file.as_str()));
}

#[tokio::test]
async fn another_embedder_embeds_all_files_again_while_words_find_them() {
    let app = with_embedder(&Letters::new("letters")).await;
    let (store, files) = filled(&app, &["heron one", "ledger two"]).await;
    app.settled(&store).await;
    let other = Letters::closed().named("other");
    let app = app.killed(Setup { embedder: Some(other.clone()), ..Setup::default() }).await;
    assert_eq!(found(&app, &store, "heron").await, [files[0].as_str()], "words find it");
    other.open();
    // By letters, "norhe" is a heron; by words it is nothing.
    while found(&app, &store, "norhe").await.first() != Some(&json!(files[0])) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(counts(&app, &store).await, counted(0, 2, 0, 0));
}

#[tokio::test]
async fn many_small_files_are_all_read() {
    let embedder = Letters::new("letters");
    let app = with_embedder(&embedder).await;
    let texts: Vec<String> = (0..200).map(|number| format!("Heron number {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (store, _) = filled(&app, &texts).await;
    app.settled(&store).await;
    assert_eq!(counts(&app, &store).await, counted(0, 200, 0, 0));
    assert_eq!(embedder.seen().len(), 200);
}
