//! Deployments as the newer clients read them.

use std::sync::Arc;

use cupola_models::{Catalog, ModelsConfig};
use serde_json::json;

use crate::app::{Setup, TestApp};

async fn app() -> TestApp {
    // Another test may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config: ModelsConfig = serde_json::from_value(json!({
        "discover": false,
        "default": "none",
        "providers": { "local": { "kind": "openai", "base_url": "http://127.0.0.1:9/v1" } },
        "deployments": {
            "chat": { "provider": "builtin", "model": "echo" },
            "vectors": { "provider": "local", "model": "nomic-embed-text" },
        },
    }))
    .unwrap();
    let catalog = Catalog::build(&config, &|_| None).await.unwrap();
    TestApp::with(Setup { catalog: Some(Arc::new(catalog)), ..Setup::default() }).await
}

#[tokio::test]
async fn a_deployment_has_all_fields_that_clients_insist_on() {
    let app = app().await;
    let deployment = app.user.get("/deployments/chat").await.accepted();
    assert_eq!(
        deployment,
        json!({
            "type": "ModelDeployment",
            "name": "chat",
            "modelName": "echo",
            "modelVersion": "latest",
            "modelPublisher": "Cupola",
            "capabilities": { "chat_completion": "true" },
            "sku": { "name": "Standard", "capacity": 1, "family": "", "size": "", "tier": "Standard" },
        })
    );
}

#[tokio::test]
async fn a_list_is_filtered_by_publisher_model_and_type() {
    let app = app().await;
    for (query, expected) in [
        ("", vec!["chat", "vectors"]),
        ("?modelPublisher=local", vec!["vectors"]),
        ("?modelName=echo&deploymentType=ModelDeployment", vec!["chat"]),
        ("?deploymentType=Other", vec![]),
    ] {
        let list = app.user.get(&format!("/deployments{query}")).await.accepted();
        let names: Vec<_> = list["value"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect();
        assert_eq!(names, expected, "{query}");
        assert_eq!(list.get("nextLink"), None);
    }
}

#[tokio::test]
async fn a_deployment_that_is_not_there_is_not_found() {
    let answer = app().await.user.get("/deployments/other").await;
    assert_eq!(answer.status, 404);
    let error = &answer.json()["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("not_found"), &json!("Deployment 'other' not found."))
    );
}
