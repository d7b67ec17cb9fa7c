//! Operations against a real service on this machine, which says what it was sent.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use axum::{Router, extract::Request as Incoming, http::HeaderMap, response::IntoResponse, routing::any};
use cupola_tools::{
    openapi::{Credential, Document, NotSent, told},
    outgoing::{Allow, Outgoing},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A service that says what it was sent, and its address.
async fn echo() -> String {
    async fn answer(headers: HeaderMap, request: Incoming) -> impl IntoResponse {
        let (method, uri) = (request.method().to_string(), request.uri().to_string());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        axum::Json(json!({
            "asked": format!("{method} {uri}"), "body": String::from_utf8_lossy(&body),
            "type": header("content-type"), "trace": header("x-trace"), "cookie": header("cookie"),
            "key": header("x-api-key"), "authorization": header("authorization"),
        }))
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/v1/image", any(|| async { ([("content-type", "image/png")], vec![0x89, 0xff, 0x00]) }))
        .route("/v1/{*rest}", any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v1")
}

fn shop(address: &str) -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": address}],
        "paths": {
            "/pets/{petId}": {
                "parameters": [{"$ref": "#/components/parameters/pet"}],
                "get": {
                    "operationId": "getPet", "summary": "One pet.",
                    "parameters": [
                        {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                        {"name": "x-trace", "in": "header", "schema": {"type": "integer"}},
                        {"name": "theme", "in": "cookie", "schema": {"type": "string"}},
                        {"name": "version", "in": "query", "schema": {"type": "string", "default": "2"}},
                    ],
                },
                "put": {
                    "operationId": "putPet",
                    "requestBody": {"required": true, "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                    }},
                },
            },
            "/forms": {"post": {"operationId": "sendForm", "requestBody": {"content": {
                "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            }}}},
            "/image": {"get": {"operationId": "image"}},
        },
        "components": {
            "parameters": {"pet": {"name": "petId", "in": "path", "required": true, "schema": {"type": "string"}}},
            "schemas": {"Pet": {
                "type": "object", "required": ["name"],
                "properties": {
                    "id": {"type": "integer", "readOnly": true}, "name": {"type": "string"},
                    "parent": {"$ref": "#/components/schemas/Pet"},
                },
            }},
            "securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        },
        "security": [{"key": []}],
    })
}

async fn called(document: &Value, id: &str, arguments: Value, credential: Credential) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outgoing = Outgoing::new(Allow::read(["127.0.0.1"]).unwrap()).unwrap();
    let operation = Document::read(document).unwrap().operation(id).unwrap().unwrap();
    let fixed = ["version".to_owned()];
    let request = operation.request(arguments.as_object().unwrap(), &fixed, &credential).unwrap();
    let told = told(outgoing.send(request).await.unwrap(), &credential).await.unwrap();
    serde_json::from_str(&told.text).unwrap_or(Value::String(told.text))
}

fn refused(document: &Value, id: &str, arguments: Value) -> NotSent {
    let operation = Document::read(document).unwrap().operation(id).unwrap().unwrap();
    operation.request(arguments.as_object().unwrap(), &[], &Credential::Anonymous).unwrap_err()
}

#[tokio::test]
async fn every_argument_goes_where_the_document_says() {
    let document = shop(&echo().await);
    let arguments = json!({"petId": "a/b", "fields": ["x", "y"], "x-trace": 7, "theme": "dark"});
    let seen = called(&document, "getPet", arguments, Credential::Anonymous).await;
    assert_eq!(seen["asked"], "GET /v1/pets/a%2Fb?fields=x&fields=y&version=2");
    assert_eq!((&seen["trace"], &seen["cookie"]), (&json!("7"), &json!("theme=dark")));
    let arguments = json!({"petId": "1", "body": {"name": "Rex"}});
    let seen = called(&document, "putPet", arguments, Credential::Anonymous).await;
    assert_eq!((&seen["body"], &seen["type"]), (&json!("{\"name\":\"Rex\"}"), &json!("application/json")));
    let seen = called(&document, "sendForm", json!({"body": {"a b": "c&d"}}), Credential::Anonymous).await;
    assert_eq!(seen["body"], "a%20b=c%26d");
}

#[tokio::test]
async fn credentials_are_placed_and_never_told() {
    let document = shop(&echo().await);
    let keys = Credential::Keys(BTreeMap::from([("x-api-key".to_owned(), "s3cret-key".to_owned())]));
    let seen = called(&document, "getPet", json!({"petId": "1"}), keys).await;
    assert_eq!(seen["key"], "***");
    let seen =
        called(&document, "getPet", json!({"petId": "1"}), Credential::Token("s3cret-token".into())).await;
    assert_eq!((&seen["authorization"], &seen["key"]), (&json!("Bearer ***"), &Value::Null));
    let other = Credential::Keys(BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
    let operation = Document::read(&document).unwrap().operation("image").unwrap().unwrap();
    let missing = operation.request(&serde_json::Map::new(), &[], &other).unwrap_err();
    assert_eq!(missing, NotSent::NoKey("x-api-key".into()));
}

#[tokio::test]
async fn what_is_no_text_is_described() {
    let document = shop(&echo().await);
    let told = called(&document, "image", json!({}), Credential::Anonymous).await;
    assert_eq!(told, "[The answer is no text: it is image/png and has 3 bytes.]");
}

#[test]
fn a_model_is_given_the_arguments_of_an_operation() {
    let document = shop("https://shop.example");
    let operations = Document::read(&document).unwrap().operations().unwrap();
    let ids: Vec<_> = operations.iter().map(|operation| operation.id()).collect();
    assert_eq!(ids, ["getPet", "putPet", "sendForm", "image"]);
    let [get, put, ..] = operations.as_slice() else { panic!("{ids:?}") };
    assert_eq!((get.description().as_deref(), get.only_asks()), (Some("One pet."), true));
    assert!(!put.only_asks() && get.arguments(&[])["properties"]["version"].is_object());
    let pet = json!({
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "parent": {"description": "A further Pet."}},
    });
    let expected = json!({
        "type": "object", "properties": {"petId": {"type": "string"}, "body": pet},
        "required": ["petId", "body"], "additionalProperties": false,
    });
    assert_eq!(put.arguments(&[]), expected);
    assert!(get.arguments(&["version".to_owned()])["properties"].get("version").is_none());
}

#[test]
fn arguments_that_do_not_fit_are_not_sent() {
    let document = shop("https://shop.example");
    for (id, arguments, told) in [
        ("getPet", json!({}), "\"petId\" is a required property"),
        ("getPet", json!({"petId": 7}), "at /petId"),
        ("getPet", json!({"petId": "1", "colour": "red"}), "colour"),
        ("putPet", json!({"petId": "1", "body": {"nam": "Rex"}}), "\"name\" is a required property"),
        ("getPet", json!({"petId": ".."}), "'petId' can't stand in the path"),
        ("getPet", json!({"petId": ""}), "'petId' can't stand in the path"),
    ] {
        let refusal = refused(&document, id, arguments);
        assert_eq!(refusal.code(), "invalid_arguments");
        assert!(refusal.to_string().contains(told), "{refusal}");
    }
}

#[test]
fn what_need_not_be_there_may_be_null() {
    let document = shop("https://shop.example");
    let operation = Document::read(&document).unwrap().operation("getPet").unwrap().unwrap();
    let arguments = json!({"petId": "1", "fields": null});
    operation.request(arguments.as_object().unwrap(), &[], &Credential::Anonymous).unwrap();
}

#[test]
fn a_document_with_a_flaw_is_refused_with_the_place() {
    let flawed = |change: &dyn Fn(&mut Value)| {
        let mut document = shop("https://shop.example");
        change(&mut document);
        let flaw = Document::read(&document).and_then(|read| read.operations().map(|_| ())).unwrap_err();
        (flaw.place.clone(), flaw.to_string())
    };
    let at = |change: &dyn Fn(&mut Value)| flawed(change).0;
    assert_eq!(at(&|it| it["openapi"] = json!("2.0")), "openapi");
    assert_eq!(at(&|it| *it = json!({"swagger": "2.0"})), "swagger");
    assert_eq!(at(&|it| it["paths"] = json!({})), "paths");
    assert_eq!(at(&|it| it["servers"] = json!([])), "servers");
    let get = |it: &mut Value, field: &str, value: Value| it["paths"]["/pets/{petId}"]["get"][field] = value;
    assert_eq!(at(&|it| get(it, "operationId", json!(null))), "paths./pets/{petId}.get.operationId");
    assert_eq!(at(&|it| get(it, "operationId", json!("get pet"))), "paths./pets/{petId}.get.operationId");
    assert_eq!(at(&|it| get(it, "operationId", json!("putPet"))), "paths./pets/{petId}.put.operationId");
    assert_eq!(
        at(&|it| it["paths"]["/pets/{petId}"]["parameters"] = json!([])),
        "paths./pets/{petId}.get.parameters"
    );
    let body = json!({"required": true, "content": {"multipart/form-data": {}}});
    assert_eq!(
        at(&|it| it["paths"]["/pets/{petId}"]["put"]["requestBody"] = body.clone()),
        "paths./pets/{petId}.put.requestBody"
    );
}

#[test]
fn five_thousand_operations_are_too_many_and_that_is_said() {
    let mut document = shop("https://shop.example");
    for number in 0..5_000 {
        document["paths"][format!("/p{number}")] = json!({"get": {"operationId": format!("get{number}")}});
    }
    let flaw = Document::read(&document).unwrap().operations().unwrap_err();
    assert!(flaw.reason.contains("5004 operations") && flaw.reason.contains("128"), "{flaw}");
}
