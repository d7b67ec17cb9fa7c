//! Containers: their files, what is refused, how they expire, and what a service finds that starts again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use cupola_interpreter::environment::{Setup as Python, usual_folder};
use cupola_store::{Change, Key, Kind};
use serde_json::{Value, json};

use crate::app::{Form, Setup, TestApp, assert_refused};

const PATH: &str = "/openai/v1/containers";

async fn container(app: &TestApp) -> String {
    app.user.create(PATH, json!({"name": "table"})).await
}

async fn put(app: &TestApp, container: &str, name: &str, bytes: &[u8]) -> Value {
    let form = Form::new().file(name, bytes);
    app.user.post_form(&format!("{PATH}/{container}/files"), &form).await.accepted()
}

async fn paths(app: &TestApp, container: &str) -> Vec<String> {
    let files = app.user.list(&format!("{PATH}/{container}/files?order=asc")).await;
    files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

/// Where the Python is that runs code; it is made where it is missing.
async fn python() -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok().map(|value| &*value.leak());
    let named = variable("CUPOLA_CODE_INTERPRETER__ENVIRONMENT").map(PathBuf::from);
    let folder = named.or_else(|| usual_folder(&variable)).unwrap();
    Python::default().run(&folder, |_| {}).await.unwrap().folder().to_owned()
}

#[tokio::test]
async fn a_file_replaces_the_one_that_has_its_path() {
    let app = TestApp::start().await;
    let container = container(&app).await;
    put(&app, &container, "../a.txt", b"one").await;
    let second = put(&app, &container, "a.txt", b"two!").await;
    put(&app, &container, "b.txt", b"three").await;
    assert_eq!(paths(&app, &container).await, ["/mnt/data/a.txt", "/mnt/data/b.txt"]);
    let file = format!("{PATH}/{container}/files/{}", second["id"].as_str().unwrap());
    assert_eq!(app.user.get(&format!("{file}/content")).await.body, Bytes::from_static(b"two!"));
    assert_eq!(app.user.get(&file).await.accepted()["bytes"], 4);
    assert_eq!(app.user.delete(&file).await.accepted()["object"], "container.file.deleted");
    assert_eq!(paths(&app, &container).await, ["/mnt/data/b.txt"]);
}

#[tokio::test]
async fn containers_are_found_by_name_and_belong_to_their_project() {
    let app = TestApp::start().await;
    let mine = container(&app).await;
    app.user.create(PATH, json!({"name": "other"})).await;
    let named = app.user.list(&format!("{PATH}?name=table")).await;
    assert_eq!((named.len(), &named[0]["id"]), (1, &json!(mine)));
    let elsewhere = app.user.in_project("other").get(&format!("{PATH}/{mine}")).await;
    assert_refused(&elsewhere, 404, &format!("Container '{mine}' not found."), Some("not_found"), None);
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let app = TestApp::start().await;
    for (body, param) in [
        (json!({}), "name"),
        (json!({"name": "x", "memory_limit": "2t"}), "memory_limit"),
        (json!({"name": "x", "network_policy": {"type": "allowlist"}}), "network_policy.type"),
        (
            json!({"name": "x", "expires_after": {"anchor": "last_active_at", "minutes": 0}}),
            "expires_after.minutes",
        ),
        (json!({"name": "x", "file_ids": ["assistant-gone"]}), "file_ids"),
    ] {
        let refused = app.user.post(PATH, body).await.refusal();
        assert_eq!(refused.3.as_deref(), Some(param), "{refused:?}");
    }
    let container = container(&app).await;
    let nothing = app.user.post(&format!("{PATH}/{container}/files"), json!({})).await.refusal();
    assert_eq!(nothing.3.as_deref(), Some("file_id"));
}

/// As if nobody had used the container for so long.
async fn make_old(app: &TestApp, container: &str, seconds: i64) {
    let key = Key::new(&Arc::from("demo"), Kind::named("container"), container);
    let found = app.store.get(&key).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&found.doc).unwrap();
    record["last_active_at"] = json!(record["last_active_at"].as_i64().unwrap() - seconds);
    let doc = record.to_string().into();
    app.store.commit(vec![Change::Replace { key, if_etag: found.etag, doc }]).await.unwrap();
}

#[tokio::test]
async fn a_container_that_nobody_used_expires_and_its_files_are_gone() {
    let app = TestApp::start().await;
    let (old, young) = (container(&app).await, container(&app).await);
    let file = put(&app, &old, "a.txt", b"one").await;
    make_old(&app, &old, 20 * 60).await;
    make_old(&app, &young, 10 * 60).await;
    // A service that starts finds out by itself; nobody has to ask.
    let app = app.killed(Setup::default()).await;
    assert_eq!(app.user.get(&format!("{PATH}/{old}")).await.accepted()["status"], "expired");
    assert_eq!(app.user.get(&format!("{PATH}/{young}")).await.accepted()["status"], "running");
    let gone = Key::new(&Arc::from("demo"), Kind::named("container_file"), file["id"].as_str().unwrap());
    let is_gone = async {
        while app.store.get(&gone).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_gone).await.unwrap();
    let refused = app.user.get(&format!("{PATH}/{old}/files")).await.refusal();
    assert_eq!((refused.0, refused.2.as_deref()), (400, Some("container_expired")));
}

#[tokio::test]
async fn after_a_crash_files_are_there_and_the_model_is_told_that_variables_are_gone() {
    let setup = async || Setup { environment: Some(python().await), ..Setup::default() };
    let app = TestApp::with(setup().await).await;
    let container = container(&app).await;
    let tool = json!({"type": "code_interpreter", "container": container});
    let ask = json!({"model": "gpt", "input": "go", "tools": [tool]});
    let code = json!({"code": "x = 1\nopen('note', 'w').write('kept')"}).to_string();
    app.model.calls("code_interpreter", &code);
    app.model.says("done");
    app.user.post("/openai/v1/responses", ask.clone()).await.accepted();
    assert_eq!(paths(&app, &container).await, ["/mnt/data/note"]);
    let app = app.killed(setup().await).await;
    let code = json!({"code": "print('x' in globals(), open('note').read())"}).to_string();
    app.model.calls("code_interpreter", &code);
    app.model.says("done");
    app.user.post("/openai/v1/responses", ask).await.accepted();
    let told = app.model.was_given().join("\n");
    assert!(told.contains("False kept"), "{told}");
    assert!(told.contains("variables and imports of earlier calls are gone"), "{told}");
}
