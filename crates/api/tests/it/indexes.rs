//! Indexes as versioned records.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn patch(app: &TestApp, version: &str, body: Value) -> Answer {
    let request = app.user.request(Method::PATCH, &format!("/indexes/ix/versions/{version}"));
    app.user.send(request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn each_type_of_index_needs_to_say_where_it_is() {
    let app = TestApp::start().await;
    for (index, param) in [
        (json!({}), "type"),
        (json!({ "type": "AzureSearch", "connectionName": "s" }), "indexName"),
        (json!({ "type": "ManagedAzureSearch" }), "vectorStoreId"),
        (json!({ "type": "ManagedAzureSearch", "vectorStoreId": 1 }), "vectorStoreId"),
        (json!({ "type": "CosmosDBNoSqlVectorStore", "connectionName": "c" }), "databaseName"),
    ] {
        let answer = patch(&app, "1", index).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (StatusCode::BAD_REQUEST, &json!(param))
        );
    }
    assert_eq!(patch(&app, "1", json!({ "type": "Newer", "any": 1 })).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_index_is_created_changed_and_deleted_as_often_as_one_likes() {
    let app = TestApp::start().await;
    let index = json!({ "type": "AzureSearch", "connectionName": "s", "indexName": "i" });
    assert_eq!(patch(&app, "1", index).await.status, StatusCode::CREATED);
    let changed = patch(&app, "1", json!({ "description": "d" })).await.accepted();
    assert_eq!((&changed["indexName"], &changed["description"]), (&json!("i"), &json!("d")));
    for _ in 0..2 {
        assert_eq!(app.user.delete("/indexes/ix/versions/1").await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(app.user.get("/indexes/ix/versions/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn many_versions_come_in_pages_that_link_to_each_other() {
    let app = TestApp::start().await;
    for version in 1..=101 {
        let index = json!({ "type": "ManagedAzureSearch", "vectorStoreId": "vs" });
        patch(&app, &version.to_string(), index).await;
    }
    let page = |path: String| {
        let request = app.user.request(Method::GET, &path).header("host", "service:1");
        let request = request.body(axum::body::Body::empty()).unwrap();
        async { app.user.send(request).await.accepted() }
    };
    let first = page("/indexes/ix/versions".to_owned()).await;
    let next =
        first["nextLink"].as_str().unwrap().strip_prefix("https://service:1/api/projects/demo").unwrap();
    let second = page(next.to_owned()).await;
    assert_eq!(first["value"].as_array().unwrap().len(), 100);
    assert_eq!(second["value"].as_array().unwrap().len(), 1);
    assert_eq!((&second["value"][0]["version"], second.get("nextLink")), (&json!("1"), None));
}
