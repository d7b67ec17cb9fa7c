//! What an upstream is sent.

use cupola_models::{
    Catalog, ModelsConfig, Provider,
    openai::{Dialect, OpenAi, Patience, RetryPolicy, Upstream},
};
use serde_json::json;

use crate::{
    ask, asking, prepare,
    stand_in::{StandIn, Step, answer, end_events, stream_head, text_event},
};

fn good_answer() -> Vec<Step> {
    vec![Step::Send(stream_head() + &text_event("fine") + &end_events("stop"))]
}

async fn configured(section: &str, env: &[(&str, &str)]) -> Catalog {
    prepare();
    let config: ModelsConfig = toml::from_str(section).unwrap();
    let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    Catalog::build(&config, &env).await.unwrap()
}

#[tokio::test]
async fn a_request_streams_with_the_key_from_the_environment() {
    let server = StandIn::start([good_answer()]).await;
    let base_url = server.base_url();
    let section =
        format!("[providers.up]\nkind = 'openai'\nbase_url = '{base_url}/'\napi_key_env = 'UP_KEY'");
    let catalog = configured(&section, &[("UP_KEY", "sk-1\n")]).await;
    let resolved = catalog.resolve("gpt").unwrap();
    ask(&*resolved.provider, &asking("hi")).await.unwrap();

    let received = &server.received()[0];
    assert!(received.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", received.head);
    assert!(received.head.contains("authorization: bearer sk-1\r\n"), "{}", received.head);
    assert_eq!(received.body["stream"], true);
    assert_eq!(received.body["messages"], json!([{"role": "user", "content": "hi"}]));
    assert!(!format!("{catalog:?}").contains("sk-1"));
}

#[tokio::test]
async fn azure_gets_its_own_path_and_header() {
    let server = StandIn::start([good_answer()]).await;
    let directory = tempfile::tempdir().unwrap();
    let key_file = directory.path().join("key");
    std::fs::write(&key_file, "az-1\n").unwrap();
    let section = format!(
        "[providers.az]\nkind = 'azure'\nbase_url = 'http://{}'\napi_key_file = '{}'\n\
         api_version = '2025-01-01'",
        server.address,
        key_file.display()
    );
    let resolved = configured(&section, &[]).await.resolve("gpt-4o").unwrap();
    ask(&*resolved.provider, &cupola_models::ModelRequest { model: resolved.model, ..asking("hi") })
        .await
        .unwrap();

    let head = &server.received()[0].head;
    let path = "post /openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01 ";
    assert!(head.starts_with(path), "{head}");
    assert!(head.contains("api-key: az-1\r\n") && !head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn models_are_listed() {
    let list = answer("200 OK", &[], r#"{"data":[{"id":"a","object":"model"},{"id":"b"}]}"#);
    let server = StandIn::answering(list).await;
    prepare();
    let provider = OpenAi::new(Upstream {
        name: "up".into(),
        base_url: server.base_url().parse().unwrap(),
        dialect: Dialect::OpenAi,
        key: None,
        patience: Patience::default(),
        retry: RetryPolicy::default(),
        length_field: Default::default(),
    });
    assert_eq!(provider.unwrap().models().await.unwrap(), ["a", "b"]);
    assert!(server.received()[0].head.starts_with("get /v1/models "));
}

#[tokio::test]
async fn a_key_that_is_not_there_is_named_with_its_place() {
    let section =
        "[providers.up]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\napi_key_env = 'NOT_THERE'";
    let config: ModelsConfig = toml::from_str(section).unwrap();
    let problems = Catalog::build(&config, &|_: &str| None).await.unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "models.providers.up.api_key_env: the environment variable NOT_THERE is not set"
    );
}
