//! Connections: listed, shown with and without their secrets, put and deleted.

use cupola_client::{
    ConnectionQuery,
    types::{ConnectionCredentials, PutConnection},
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const BASE: &str = "/api/projects/demo/connections";

fn connection(credentials: Value) -> Value {
    json!({"name": "search", "id": "/subscriptions/0/connections/search", "type": "CognitiveSearch",
        "target": "https://search.example.org", "isDefault": true, "credentials": credentials,
        "metadata": {"ApiType": "Azure"}})
}

#[tokio::test]
async fn a_connection_comes_with_its_secrets_only_where_they_are_asked_for() {
    let server = Server::start([
        Answer::json(connection(json!({"type": "ApiKey"}))),
        Answer::json(connection(json!({"type": "ApiKey", "key": "hunter2"}))),
    ])
    .await;
    let connections = server.project().connections();
    let without = connections.get("search").await.unwrap();
    assert!(without.is_default && without.credentials.secrets.is_empty());
    let with = connections.get_with_credentials("search").await.unwrap();
    assert_eq!(with.credentials.secrets["key"], "hunter2");
    assert!(!format!("{with:?}").contains("hunter2"));
    assert_eq!(
        server.lines(),
        [
            format!("GET {BASE}/search?api-version=v1"),
            format!("POST {BASE}/search/getConnectionWithCredentials?api-version=v1"),
        ]
    );
}

#[tokio::test]
async fn the_default_of_a_type_is_the_first_that_the_filters_leave() {
    let server = Server::start([
        Answer::json(json!({"value": [connection(json!({"type": "AAD"}))]})),
        Answer::json(json!({"value": []})),
    ])
    .await;
    let connections = server.project().connections();
    let found = connections.get_default("CognitiveSearch").await.unwrap();
    assert_eq!(found.unwrap().name, "search");
    let query = ConnectionQuery { kind: Some("AppInsights".to_owned()), is_default: Some(false) };
    assert_eq!(connections.list(&query).try_next().await.unwrap(), None);
    assert_eq!(
        server.lines(),
        [
            format!("GET {BASE}?api-version=v1&connectionType=CognitiveSearch&defaultConnection=true"),
            format!("GET {BASE}?api-version=v1&connectionType=AppInsights&defaultConnection=false"),
        ]
    );
}

#[tokio::test]
async fn a_connection_is_put_whole_and_deleted_by_its_name() {
    let server = Server::start([
        Answer::status(201, connection(json!({"type": "ApiKey"}))),
        Answer::Http { status: 204, headers: Vec::new(), pieces: Vec::new() },
    ])
    .await;
    let connections = server.project().connections();
    let wanted = PutConnection {
        kind: "CognitiveSearch".to_owned(),
        target: "https://search.example.org".to_owned(),
        credentials: ConnectionCredentials {
            kind: "ApiKey".to_owned(),
            secrets: [("key".to_owned(), "hunter2".to_owned())].into_iter().collect(),
        },
        ..PutConnection::default()
    };
    connections.put("search", &wanted).await.unwrap();
    connections.delete("search").await.unwrap();
    let asked = server.asked();
    assert_eq!(
        asked[0].json(),
        json!({"type": "CognitiveSearch", "target": "https://search.example.org",
            "credentials": {"type": "ApiKey", "key": "hunter2"}})
    );
    assert_eq!(
        server.lines(),
        [format!("PUT {BASE}/search?api-version=v1"), format!("DELETE {BASE}/search?api-version=v1")]
    );
}
