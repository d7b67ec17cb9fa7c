//! The builtin model without a script.

use cupola_models::{
    ChatMessage, Finish, FunctionDeclaration, ModelRequest, Part, Provider, RequestedCall, ResponseFormat,
    ToolChoice, builtin::Builtin,
};
use serde_json::{Value, json};

use crate::{Answer, ask, asking, user};

async fn answer(request: &ModelRequest) -> Answer {
    ask(&Builtin::new("builtin", None), request).await.unwrap()
}

fn weather() -> FunctionDeclaration {
    FunctionDeclaration {
        name: "get_weather".into(),
        description: Some("Fetches the weather for a place.".into()),
        parameters: json!({
            "type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"],
        }),
        strict: None,
    }
}

fn with_weather(text: &str) -> ModelRequest {
    ModelRequest { tools: vec![weather()], ..asking(text) }
}

#[tokio::test]
async fn it_says_what_it_is_and_how_to_get_a_real_model() {
    let answer = answer(&asking("Who are you?")).await;
    for part in ["built-in offline model", "not a language model", "OPENAI_API_KEY", "\"Who are you?\""] {
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
    let usage = answer.usage.unwrap();
    assert_eq!((answer.finish, usage.prompt_tokens), (Some(Finish::Stop), 8));
    let counted = Builtin::new("b", None).count_tokens("any", &answer.text);
    assert_eq!(usage.completion_tokens, counted as u64);
}

#[tokio::test]
async fn it_names_the_files_that_it_was_sent() {
    let file = Part::File { name: "report.pdf".into(), data: "data:application/pdf;base64,AA==".into() };
    let mut request = asking("Read this");
    request.messages.push(ChatMessage::User { parts: vec![file] });
    let said = answer(&request).await.text;
    assert!(said.ends_with(" I did not open what you sent (report.pdf)."), "{said}");
}

#[tokio::test]
async fn it_calls_a_function_that_fits_and_reports_the_output() {
    let mut request = with_weather("What's the weather in New York?");
    let called = answer(&request).await;
    assert_eq!(called.finish, Some(Finish::ToolCalls));
    assert_eq!(
        (called.calls[0].name.as_str(), called.calls[0].arguments.as_str()),
        ("get_weather", r#"{"location":"New York"}"#)
    );

    request.messages.push(ChatMessage::Assistant { text: String::new(), calls: called.calls });
    request.messages.push(ChatMessage::Tool { call_id: "call_1".into(), output: "sunny".into() });
    let reported = answer(&request).await;
    assert_eq!(
        (reported.text.as_str(), reported.finish),
        ("get_weather returned: sunny", Some(Finish::Stop))
    );

    request.messages.push(user("And the weather in Rome?"));
    assert_eq!(answer(&request).await.calls[0].arguments, r#"{"location":"Rome"}"#);
}

/// Files can be searched, and the weather asked for.
fn with_files(text: &str) -> ModelRequest {
    let search = FunctionDeclaration {
        name: "file_search".into(),
        description: Some("Searches the files for passages.".into()),
        parameters: json!({
            "type": "object", "properties": {"queries": {"type": "array", "items": {"type": "string"}}},
        }),
        strict: None,
    };
    ModelRequest { tools: vec![weather(), search], ..asking(text) }
}

#[tokio::test]
async fn it_searches_files_where_no_function_fits_and_cites_the_best_passage() {
    let mut request = with_files("How long may I stay away?");
    let called = answer(&request).await.calls;
    assert_eq!(called[0].arguments, r#"{"queries":["How long may I stay away?"]}"#);
    let output =
        "How to cite.\n\n【0:0†source】 handbook.md\nThirty days.\n\n【0:1†source】 other.md\nNo.".to_owned();
    let call_id = called[0].id.clone();
    request.messages.push(ChatMessage::Assistant { text: String::new(), calls: called });
    request.messages.push(ChatMessage::Tool { call_id, output });
    let said = answer(&request).await.text;
    assert_eq!(said, "The best passage is in handbook.md: \"Thirty days.\"【0:0†source】");

    let fitting = answer(&with_files("What's the weather in Oslo?")).await.calls;
    assert_eq!(fitting[0].name, "get_weather");
}

#[tokio::test]
async fn a_required_call_is_made_once_and_then_the_outputs_are_reported() {
    let mut request = ModelRequest { tool_choice: ToolChoice::Required, ..with_weather("Hello") };
    assert_eq!(answer(&request).await.calls.len(), 1);
    let call = RequestedCall { id: "x".into(), name: "get_weather".into(), arguments: "{}".into() };
    request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
    request.messages.push(ChatMessage::Tool { call_id: "x".into(), output: "rain".into() });
    assert_eq!(answer(&request).await.text, "get_weather returned: rain");
}

#[tokio::test]
async fn calls_that_are_forbidden_are_not_made() {
    let request = ModelRequest { tool_choice: ToolChoice::None, ..with_weather("weather in Rome?") };
    let answer = answer(&request).await;
    assert!(
        answer.calls.is_empty() && answer.text.contains("none of the functions I may call (get_weather)")
    );
}

#[tokio::test]
async fn json_is_made_where_json_is_asked_for() {
    let mut request = asking("List two colours");
    request.response_format = ResponseFormat::JsonObject;
    let object: Value = serde_json::from_str(&answer(&request).await.text).unwrap();
    assert_eq!(object["asked"], "List two colours");

    request.response_format = ResponseFormat::JsonSchema {
        name: "colours".into(),
        description: None,
        schema: json!({
            "type": "object",
            "properties": {"colours": {"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 2}},
            "required": ["colours"],
        }),
        strict: Some(true),
    };
    let instance: Value = serde_json::from_str(&answer(&request).await.text).unwrap();
    assert_eq!(instance, json!({"colours": ["red", "red"]}));
}

#[tokio::test]
async fn an_answer_is_cut_where_its_tokens_end() {
    let request = ModelRequest { max_completion_tokens: Some(3), ..asking("Hi") };
    let answer = answer(&request).await;
    assert_eq!((answer.text.as_str(), answer.finish), ("I am Cupola", Some(Finish::Length)));
    assert_eq!(answer.usage.unwrap().completion_tokens, 3);
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer() {
    let request = with_weather("weather in Oslo, and the rest");
    assert_eq!(answer(&request).await, answer(&request).await);
}
