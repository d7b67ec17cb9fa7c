//! Connections: who may see what of them, and where their secrets are.

use cupola_api::{ConfiguredConnection, Connection};
use cupola_identity::Secret;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Actor, Answer, Setup, TestApp};

const KEY: &str = "k3y-that-nobody-may-see";

fn search() -> Value {
    json!({
        "type": "CognitiveSearch",
        "target": "https://search.example.org",
        "credentials": { "type": "ApiKey", "key": KEY },
        "metadata": { "ApiType": "Azure" },
    })
}

fn configured() -> ConfiguredConnection {
    let connection = Connection {
        name: "traces".to_owned(),
        kind: "AppInsights".to_owned(),
        target: "https://monitor.example.org".to_owned(),
        is_default: true,
        credential_type: "ApiKey".to_owned(),
        metadata: Default::default(),
        extra: Default::default(),
    };
    let secrets = [("key".to_owned(), Secret::new("InstrumentationKey=1".to_owned()))].into();
    ConfiguredConnection { connection, secrets }
}

async fn app() -> TestApp {
    TestApp::with(Setup { connections: vec![configured()], ..Setup::default() }).await
}

async fn put(actor: &Actor, name: &str, body: Value) -> Answer {
    let request = actor.request(Method::PUT, &format!("/connections/{name}"));
    let request = request.header("content-type", "application/json");
    actor.send(request.body(body.to_string().into()).unwrap()).await
}

async fn names(actor: &Actor, query: &str) -> Vec<String> {
    let list = actor.get(&format!("/connections{query}")).await.accepted();
    let list = list["value"].as_array().unwrap();
    list.iter().map(|connection| connection["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn credentials_are_shown_by_the_one_operation_that_is_for_it() {
    let app = app().await;
    let created = put(&app.user, "search", search()).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let seen = app.user.get("/connections/search").await;
    let listed = app.user.get("/connections").await;
    for answer in [&created, &seen, &listed] {
        assert!(!String::from_utf8_lossy(&answer.body).contains(KEY));
    }
    assert_eq!(seen.accepted()["credentials"], json!({ "type": "ApiKey" }));
    let revealed = app.user.post_nothing("/connections/search/getConnectionWithCredentials").await.accepted();
    assert_eq!(
        revealed,
        json!({
            "name": "search",
            "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cupola/providers\
                   /Microsoft.CognitiveServices/accounts/cupola/projects/demo/connections/search",
            "type": "CognitiveSearch",
            "target": "https://search.example.org",
            "isDefault": true,
            "credentials": { "type": "ApiKey", "key": KEY },
            "metadata": { "ApiType": "Azure" },
        })
    );
}

#[tokio::test]
async fn the_data_directory_holds_no_secret_in_the_clear() {
    let app = app().await;
    put(&app.user, "search", search()).await;
    for file in ["cupola.db", "cupola.db-wal"] {
        let bytes = std::fs::read(app.home.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{file}");
    }
}

#[tokio::test]
async fn custom_keys_stand_flat_in_the_credentials() {
    let app = app().await;
    let body =
        json!({ "type": "CustomKeys", "target": "_", "credentials": { "type": "CustomKeys", "a": "1" } });
    put(&app.user, "mine", body).await;
    let revealed = app.user.post_nothing("/connections/mine/getConnectionWithCredentials").await.accepted();
    assert_eq!(revealed["credentials"], json!({ "type": "CustomKeys", "a": "1" }));
}

#[tokio::test]
async fn a_type_has_one_default_and_the_first_one_is_it() {
    let app = app().await;
    put(&app.user, "first", search()).await;
    put(&app.user, "second", search()).await;
    assert_eq!(names(&app.user, "?connectionType=CognitiveSearch&defaultConnection=true").await, ["first"]);
    let mut wanted = search();
    wanted["isDefault"] = true.into();
    assert_eq!(put(&app.user, "second", wanted).await.status, StatusCode::OK);
    assert_eq!(names(&app.user, "?connectionType=CognitiveSearch&defaultConnection=true").await, ["second"]);
    assert_eq!(names(&app.user, "").await, ["second", "traces", "first"]);
}

#[tokio::test]
async fn what_the_configuration_says_is_shown_and_not_changed() {
    let app = app().await;
    let revealed = app.user.post_nothing("/connections/traces/getConnectionWithCredentials").await.accepted();
    assert_eq!(revealed["credentials"]["key"], "InstrumentationKey=1");
    for refused in [put(&app.user, "traces", search()).await, app.user.delete("/connections/traces").await] {
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert_eq!(refused.json()["error"]["code"], "connection_is_configured");
    }
    let mut rival = search();
    rival["type"] = "AppInsights".into();
    rival["isDefault"] = true.into();
    assert_eq!(put(&app.user, "rival", rival).await.json()["error"]["code"], "connection_is_configured");
}

#[tokio::test]
async fn a_deleted_connection_is_gone_and_another_project_never_had_it() {
    let app = app().await;
    put(&app.user, "search", search()).await;
    assert_eq!(app.user.in_project("other").get("/connections/search").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.user.delete("/connections/search").await.status, StatusCode::NO_CONTENT);
    for answer in [app.user.get("/connections/search").await, app.user.delete("/connections/search").await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.json()["error"]["message"], "Connection 'search' not found.");
    }
}

#[tokio::test]
async fn a_bad_body_is_refused_with_the_field_and_without_its_value() {
    let app = app().await;
    for (change, param) in [
        (json!({ "type": null }), "type"),
        (json!({ "target": "" }), "target"),
        (json!({ "isDefault": "yes" }), "isDefault"),
        (json!({ "metadata": { "a": 1 } }), "metadata"),
        (json!({ "credentials": KEY }), "credentials"),
        (json!({ "credentials": { "key": KEY } }), "credentials.type"),
        (json!({ "credentials": { "type": "ApiKey", "key": [KEY] } }), "credentials.key"),
        (json!({ "credentials": { "type": "SAS", "key": KEY } }), "credentials.SAS"),
    ] {
        let mut body = search();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = put(&app.user, "search", body).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!(param))
        );
        assert!(!String::from_utf8_lossy(&answer.body).contains(KEY));
    }
    assert_eq!(put(&app.user, "-bad", search()).await.json()["error"]["param"], "name");
}
