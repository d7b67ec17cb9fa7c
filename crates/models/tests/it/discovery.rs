//! Which provider is the default, and which deployments exist.

use cupola_models::{
    Catalog, FaultKind, ModelsConfig,
    catalog::{Finding, Found},
};

use crate::{
    ask, asking, prepare,
    stand_in::{StandIn, Step, answer, nobody},
};

async fn build(section: &str, env: &[(&str, &str)]) -> Catalog {
    prepare();
    let config: ModelsConfig = toml::from_str(section).unwrap();
    let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    Catalog::build(&config, &env).await.unwrap()
}

fn default(catalog: &Catalog) -> &Finding {
    let first = &catalog.findings()[0];
    assert!(first.is_default);
    first
}

#[tokio::test]
async fn with_nothing_around_builtin_is_the_default() {
    let catalog = build(&format!("discover_on = ['{}']", nobody()), &[]).await;
    let finding = default(&catalog);
    assert_eq!((finding.provider.as_str(), &finding.found), ("builtin", &Found::AlwaysThere));
    let resolved = catalog.resolve("gpt-4o").unwrap();
    assert_eq!((resolved.provider.name(), resolved.model.as_str()), ("builtin", "gpt-4o"));
    assert_eq!(resolved.context_tokens, 128_000);
}

#[tokio::test]
async fn a_model_server_on_this_machine_is_found() {
    let list = answer("200 OK", &[], r#"{"object":"list","data":[{"id":"llama3.2"}]}"#);
    let server = StandIn::start([vec![Step::Send(list)]]).await;
    let section = format!("discover_on = ['{}', '{}']", nobody(), server.address);
    let catalog = build(&section, &[]).await;
    let finding = default(&catalog);
    assert_eq!(finding.found, Found::Listening(server.address.to_string()));
    assert_eq!(finding.base_url, Some(server.base_url()));
    assert_eq!(
        (&finding.models[0], catalog.suggested_deployment()),
        (&"llama3.2".to_owned(), Some("llama3.2"))
    );
}

#[tokio::test]
async fn another_kind_of_server_on_the_same_port_is_not_a_model_server() {
    for reply in [
        answer("404 Not Found", &[], "no"),
        answer("200 OK", &[], "<html></html>"),
        answer("200 OK", &[], "{}"),
        "SSH-2.0-OpenSSH_9\r\n".to_owned(),
        answer("302 Found", &["Location: /login"], ""),
    ] {
        let server = StandIn::start([vec![Step::Send(reply)]]).await;
        let catalog = build(&format!("discover_on = ['{}']", server.address), &[]).await;
        assert_eq!(default(&catalog).provider, "builtin");
    }
    let silent = StandIn::start([vec![Step::Hang]]).await;
    let catalog = build(&format!("discover_on = ['{}']", silent.address), &[]).await;
    assert_eq!(default(&catalog).provider, "builtin");
}

#[tokio::test]
async fn the_environment_comes_before_this_machine() {
    let server = StandIn::start([]).await;
    let section = format!("discover_on = ['{}']", server.address);
    let env = [("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", "https://me:pw@models.example/v1")];
    let catalog = build(&section, &env).await;
    let finding = default(&catalog);
    assert_eq!(finding.base_url.as_deref(), Some("https://models.example/v1"));
    assert_eq!(finding.found, Found::Environment(vec!["OPENAI_API_KEY", "OPENAI_BASE_URL"]));
    assert!(server.received().is_empty());
    assert!(!format!("{catalog:?}").contains("sk-1"));
}

#[tokio::test]
async fn a_suggested_deployment_is_one_that_its_provider_may_have() {
    let public = [("OPENAI_API_KEY", "sk-1")];
    assert_eq!(build("", &public).await.suggested_deployment(), Some("gpt-4o-mini"));
    let wished = [("OPENAI_API_KEY", "sk-1"), ("MODEL_DEPLOYMENT_NAME", "gpt-5")];
    assert_eq!(build("", &wished).await.suggested_deployment(), Some("gpt-5"));
    let elsewhere = [("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", "https://models.example/v1")];
    assert_eq!(build("", &elsewhere).await.suggested_deployment(), None);
    let section = "[deployments.mine]\nprovider = 'builtin'";
    assert_eq!(build(section, &wished).await.suggested_deployment(), Some("mine"));
    assert_eq!(build("discover = false", &wished).await.suggested_deployment(), Some("builtin"));
    assert_eq!(build("default = 'none'", &wished).await.suggested_deployment(), None);
}

#[tokio::test]
async fn discovery_can_be_switched_off() {
    let catalog = build("discover = false", &[("OPENAI_API_KEY", "sk-1")]).await;
    assert_eq!(default(&catalog).provider, "builtin");
}

#[tokio::test]
async fn the_only_configured_provider_is_the_default() {
    let section = "[providers.mine]\nkind = 'builtin'";
    let catalog = build(section, &[("OPENAI_API_KEY", "sk-1")]).await;
    assert_eq!(default(&catalog).provider, "mine");
    let providers: Vec<_> = catalog.findings().iter().map(|finding| finding.provider.as_str()).collect();
    assert_eq!(providers, ["mine", "builtin"]);
}

#[tokio::test]
async fn a_deployment_has_its_own_model_and_limits() {
    let section = "
        default = 'none'
        [deployments.fast]
        provider = 'builtin'
        model = 'small'
        context_tokens = 8000
        max_output_tokens = 500
        extra = { reasoning_effort = 'low' }
    ";
    let catalog = build(section, &[]).await;
    let resolved = catalog.resolve("fast").unwrap();
    assert_eq!((resolved.model.as_str(), resolved.deployment.as_str()), ("small", "fast"));
    assert_eq!((resolved.context_tokens, resolved.max_output_tokens), (8000, Some(500)));
    assert_eq!(resolved.extra["reasoning_effort"], "low");
    assert!(ask(&*resolved.provider, &asking("hi")).await.is_ok());
}

#[tokio::test]
async fn without_a_default_an_unknown_deployment_is_answered_with_those_that_exist() {
    let section =
        "default = 'none'\n[deployments.b]\nprovider = 'builtin'\n[deployments.a]\nprovider = 'builtin'";
    let fault = build(section, &[]).await.resolve("X").unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnknownModel);
    assert_eq!(fault.message, "No connection matching model: X. Deployments that exist: a, b.");
}

#[tokio::test]
async fn a_mistake_in_a_script_is_named_with_key_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("rules.yaml");
    std::fs::write(&script, "rules:\n  - when: { usr: x }\n    then: { say: a }\n").unwrap();
    let section = format!("[providers.s]\nkind = 'builtin'\nscript = '{}'", script.display());
    let config: ModelsConfig = toml::from_str(&section).unwrap();
    let problems = Catalog::build(&config, &|_: &str| None).await.unwrap_err();
    let problem = problems[0].to_string();
    assert!(problem.starts_with("models.providers.s.script: "), "{problem}");
    assert!(problem.contains("rules.yaml: ") && problem.contains("unknown field `usr`"), "{problem}");
    assert!(problem.contains("line 2"), "{problem}");
}

#[tokio::test]
async fn a_configured_cassette_records_the_provider_behind_it_and_is_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let tape = directory.path().join("tape.jsonl");
    let section = format!(
        "[providers.real]\nkind = 'builtin'\n[providers.a-tape]\nkind = 'cassette'\nfile = '{}'\n\
         mode = 'auto'\nprovider = 'real'",
        tape.display()
    );
    let catalog = build(&section, &[]).await;
    assert_eq!((default(&catalog).provider.as_str(), default(&catalog).kind), ("a-tape", "cassette"));
    ask(&*catalog.resolve("m").unwrap().provider, &asking("hi")).await.unwrap();
    assert_eq!(std::fs::read_to_string(&tape).unwrap().lines().count(), 1);
}
