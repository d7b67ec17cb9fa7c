//! Deployments, and lists that go on behind a link.

use cupola_client::{DeploymentQuery, Error};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const BASE: &str = "/api/projects/demo/deployments";

fn deployment(name: &str) -> Value {
    json!({"type": "ModelDeployment", "name": name, "modelName": "gpt-4o", "modelVersion": "1",
        "modelPublisher": "OpenAI", "capabilities": {"chat_completion": "true"},
        "sku": {"name": "Standard", "capacity": 1}})
}

async fn names(server: &Server) -> cupola_client::Result<Vec<String>> {
    let query = DeploymentQuery { model_publisher: Some("OpenAI".to_owned()), model_name: None };
    server.project().deployments().list(&query).map_ok(|deployment| deployment.name).try_collect().await
}

#[tokio::test]
async fn a_deployment_has_a_name_a_model_and_whatever_the_service_adds() {
    let server = Server::start([Answer::json(deployment("chat"))]).await;
    let deployment = server.project().deployments().get("chat").await.unwrap();
    assert_eq!((deployment.name.as_str(), deployment.model_name.as_str()), ("chat", "gpt-4o"));
    assert_eq!(deployment.extra["sku"]["capacity"], 1);
    assert_eq!(server.lines(), [format!("GET {BASE}/chat?api-version=v1")]);
}

#[tokio::test]
async fn a_list_follows_its_links() {
    let next = format!("{BASE}?api-version=v1&skip=1");
    let server = Server::start([
        Answer::json(json!({"value": [deployment("a")], "nextLink": next})),
        Answer::json(json!({"value": [deployment("b")], "nextLink": null})),
    ])
    .await;
    assert_eq!(names(&server).await.unwrap(), ["a", "b"]);
    assert_eq!(
        server.lines(),
        [format!("GET {BASE}?api-version=v1&modelPublisher=OpenAI"), format!("GET {next}")]
    );
}

#[tokio::test]
async fn a_link_to_another_service_is_not_given_the_credential() {
    let next = "https://elsewhere.example/deployments";
    let server = Server::start([Answer::json(json!({"value": [], "nextLink": next}))]).await;
    let error = names(&server).await.unwrap_err();
    assert!(matches!(error, Error::Decode { ref path, .. } if path == "nextLink"), "{error:?}");
}

#[tokio::test]
async fn a_link_to_itself_is_an_error_and_no_endless_loop() {
    let next = json!({"value": [], "nextLink": BASE});
    let server =
        Server::start([Answer::json(next.clone()), Answer::json(next.clone()), Answer::json(next)]).await;
    assert!(matches!(names(&server).await.unwrap_err(), Error::Decode { .. }));
    assert_eq!(server.lines().len(), 2);
}
