//! Data sources: blobs and datasets of this service become files of vector stores.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::TestApp;

/// Blobs in the storage of the dataset `books`, version 1; gives the address of their folder.
async fn dataset(app: &TestApp, blobs: &[(&str, &str)]) -> String {
    let path = "/datasets/books/versions/1";
    let request =
        app.user.request(Method::POST, &format!("{path}/startPendingUpload")).header("host", "service");
    let pending = app.user.send(request.body(Body::from("{}")).unwrap()).await.accepted();
    let signed = pending["blobReference"]["credential"]["sasUri"].as_str().unwrap().to_owned();
    let (folder, query) = signed.strip_prefix("https://service").unwrap().split_once('?').unwrap();
    for (name, text) in blobs {
        let request = http::Request::builder().method(Method::PUT).uri(format!("{folder}/{name}?{query}"));
        let request =
            request.header("x-ms-blob-type", "BlockBlob").body(Body::from((*text).to_owned())).unwrap();
        assert_eq!(app.anon.send(request).await.status, StatusCode::CREATED);
    }
    let address = pending["blobReference"]["blobUri"].as_str().unwrap().to_owned();
    let record = json!({"type": "uri_folder", "dataUri": address});
    app.user.send_json(Method::PATCH, path, record).await.created();
    address
}

const ID: &str = "azureai://accounts/cupola/projects/demo/data/books/versions/1";

async fn names_found(app: &TestApp, store: &str, query: &str) -> Vec<String> {
    app.settled(store).await;
    let page =
        app.user.post(&format!("/vector_stores/{store}/search"), json!({"query": query})).await.accepted();
    let data = page["data"].as_array().unwrap();
    data.iter().map(|result| result["filename"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_blob_becomes_a_file_of_its_own() {
    let app = TestApp::start().await;
    let folder = dataset(&app, &[("birds/heron%20one.txt", "The heron fishes.")]).await;
    let source = json!({"uri": format!("{folder}/birds/heron%20one.txt"), "type": "uri_asset"});
    let body = json!({"name": "n", "configuration": {"data_sources": [source]}});
    let store = app.user.create("/vector_stores", body).await;
    assert_eq!(names_found(&app, &store, "heron").await, ["heron one.txt"]);
    let file = app.user.list(&format!("/vector_stores/{store}/files")).await[0]["id"].clone();
    let path = format!("/files/{}", file.as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted()["bytes"], 17);
    assert_eq!(&app.user.get(&format!("{path}/content")).await.body[..], b"The heron fishes.");
    app.user.delete(&path).await.accepted();
    assert_eq!(names_found(&app, &store, "heron").await, Vec::<String>::new());
}

#[tokio::test]
async fn all_of_a_dataset_goes_into_a_batch() {
    let app = TestApp::start().await;
    dataset(&app, &[("a.txt", "heron one"), ("deep/b.md", "heron two")]).await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let body = json!({"data_sources": [{"uri": ID, "type": "id_asset"}], "attributes": {"from": "books"}});
    let batch = app.user.post(&format!("/vector_stores/{store}/file_batches"), body).await.accepted();
    assert_eq!(batch["file_counts"]["total"], 2);
    let mut names = names_found(&app, &store, "heron").await;
    names.sort_unstable();
    assert_eq!(names, ["a.txt", "b.md"]);
}

#[tokio::test]
async fn one_file_is_put_into_a_store_by_its_address() {
    let app = TestApp::start().await;
    let folder = dataset(&app, &[("a.txt", "heron one"), ("b.txt", "heron two")]).await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}/files");
    let source = json!({"uri": format!("{folder}/a.txt"), "type": "uri_asset"});
    app.user.post(&path, json!({"data_source": source})).await.accepted();
    assert_eq!(names_found(&app, &store, "heron").await, ["a.txt"]);
    let all = app.user.post(&path, json!({"data_source": {"uri": ID, "type": "id_asset"}})).await;
    assert_eq!(all.refusal().2.as_deref(), Some("array_above_max_length"));
    assert_eq!(app.user.list("/files").await.len(), 1, "what was refused leaves no files behind");
}

#[tokio::test]
async fn what_is_kept_elsewhere_is_refused_with_the_truth() {
    let app = TestApp::start().await;
    dataset(&app, &[("a.csv", "1,2")]).await;
    let store = app.user.create("/vector_stores", json!({})).await;
    let path = format!("/vector_stores/{store}/files");
    let refusal = async |uri: &str, kind: &str| {
        let body = json!({"data_source": {"uri": uri, "type": kind}});
        app.user.post(&path, body).await.refusal()
    };
    let (status, sentence, _, param) =
        refusal("https://account.blob.core.windows.net/c/a.txt", "uri_asset").await;
    assert_eq!((status, param.as_deref()), (400, Some("data_source.uri")));
    assert!(sentence.contains("nothing is fetched from elsewhere"), "{sentence}");
    let unknown = "azureai://accounts/cupola/projects/demo/data/films/versions/1";
    assert_eq!(refusal(unknown, "id_asset").await.0, 404);
    let foreign = "azureai://accounts/cupola/projects/other/data/books/versions/1";
    assert_eq!(refusal(foreign, "id_asset").await.0, 400);
    assert_eq!(refusal(ID, "id_asset").await.2.as_deref(), Some("unsupported_file"));
    assert_eq!(app.user.list("/files").await, Vec::<Value>::new());
}
