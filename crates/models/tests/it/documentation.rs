//! The examples in docs/models.md do what the page says.

use cupola_models::{
    CODES, ChatMessage, FaultKind, Finish, FunctionDeclaration, ModelRequest, ModelsConfig, Provider,
    RequestedCall,
    builtin::{Builtin, Script},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use crate::{ask, asking};

const PAGE: &str = include_str!("../../../../docs/models.md");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    PAGE.split(&opening).skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

fn scripted(name: &str) -> Builtin {
    let title = format!("# {name}\n");
    let yaml = blocks("yaml").into_iter().find(|block| block.starts_with(&title)).unwrap();
    Builtin::new("scripted", Some(Script::parse(yaml).unwrap()))
}

fn offering(function: &str, text: &str) -> ModelRequest {
    let tool =
        FunctionDeclaration { name: function.into(), description: None, parameters: json!({}), strict: None };
    ModelRequest { tools: vec![tool], ..asking(text) }
}

#[test]
fn every_configuration_example_is_accepted() {
    #[derive(Deserialize)]
    struct File {
        models: ModelsConfig,
    }
    let examples: Vec<_> = blocks("toml").into_iter().filter(|block| block.contains("[models")).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let file: File = toml::from_str(example).unwrap();
        assert_eq!(file.models.check(), [], "{example}");
    }
}

#[tokio::test]
async fn the_weather_script_calls_and_answers() {
    let model = scripted("weather.yaml");
    let mut request = offering("get_weather", "What's the weather in New York?");
    let called = ask(&model, &request).await.unwrap().calls;
    assert_eq!(called[0].arguments, r#"{"location":"New York"}"#);

    for (output, answer) in [
        ("heavy rain", "Take an umbrella. The forecast says: heavy rain"),
        ("sunny", "No umbrella needed: sunny"),
    ] {
        request.messages.truncate(1);
        let call = RequestedCall { id: "c".into(), ..called[0].clone() };
        request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
        request.messages.push(ChatMessage::Tool { call_id: "c".into(), output: output.into() });
        assert_eq!(ask(&model, &request).await.unwrap().text, answer);
    }
    assert_eq!(ask(&model, &asking("Hello")).await.unwrap().text, "Ask me about the weather.");
}

#[tokio::test]
async fn the_handbook_script_searches_and_cites() {
    let model = scripted("handbook.yaml");
    let mut request = offering("file_search", "How much vacation do I have?");
    let called = ask(&model, &request).await.unwrap().calls;
    assert_eq!(called[0].arguments, r#"{"queries":["How much vacation do I have?"]}"#);
    let call = RequestedCall { id: "c".into(), ..called[0].clone() };
    request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
    let output = "How to cite.\n\n【0:0†source】 handbook.md, page 2\nThirty days.\nEvery year.".to_owned();
    request.messages.push(ChatMessage::Tool { call_id: "c".into(), output });
    assert_eq!(ask(&model, &request).await.unwrap().text, "The handbook says: Thirty days.【0:0†source】");
}

#[tokio::test]
async fn the_unreliable_script_fails_calls_and_breaks_off() {
    let model = scripted("unreliable.yaml");
    let request = asking("Where is order 42?");
    let fault = ask(&model, &request).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::RateLimited, "Too many requests. Try again later.")
    );

    let answer = ask(&model, &request).await.unwrap();
    let calls: Vec<_> =
        answer.calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("get_order", r#"{"id":42}"#), ("get_customer", r#"{"order":42}"#)]);
    assert_eq!(answer.finish, Some(Finish::ToolCalls));

    let summary = ask(&model, &asking("a summary")).await.unwrap();
    assert_eq!(summary.text, r#"{"topic":"a summary","complete":false}"#);

    let story: Vec<_> = model.call(&asking("a story")).await.unwrap().collect().await;
    assert_eq!(story.len(), 5);
    assert_eq!(story[4].as_ref().unwrap_err().kind, FaultKind::Broken);
}

#[test]
fn every_code_has_a_page() {
    for code in CODES {
        let path = format!("{}/../../docs/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(page.starts_with(&format!("# {code}\n\n## What happened\n")), "{path}");
        assert!(page.contains("\n## What to do\n"), "{path}");
    }
}
