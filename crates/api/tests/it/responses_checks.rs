//! What `POST responses` says to a body that does not hold together: which field, and what it may be.

use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    named_agents::add_version,
    responses::{PATH, declared},
};

/// Refused with these words, and nothing happened beside it.
async fn refused(app: &TestApp, body: Value, message: &str, code: &str, param: &str) {
    let answer = app.user.post(PATH, body).await;
    assert_refused(&answer, 400, message, Some(code), Some(param));
    assert!(app.model.requests().is_empty(), "the model was asked");
    assert!(app.user.list(PATH).await.is_empty(), "a response was kept");
}

/// A question with one more field is refused.
async fn refused_with(app: &TestApp, more: Value, message: &str, code: &str, param: &str) {
    let mut body = json!({"model": "gpt", "input": "Hi"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    refused(app, body, message, code, param).await;
}

async fn is_missing(app: &TestApp, more: Value, param: &str) {
    let message = format!("Missing required parameter: '{param}'.");
    refused_with(app, more, &message, "missing_required_parameter", param).await;
}

async fn is_unknown(app: &TestApp, more: Value, param: &str, word: &str, known: &str) {
    let message = format!("Invalid value: '{word}'. Supported values are: {known}.");
    refused_with(app, more, &message, "invalid_value", param).await;
}

#[tokio::test]
async fn nothing_to_answer_is_refused() {
    let app = TestApp::start().await;
    let message =
        "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided, and not empty.";
    let asked = [json!({}), json!({"input": null}), json!({"input": ""}), json!({"input": []})];
    add_version(&app.user, "weather", "x").await;
    for mut body in asked {
        body["model"] = json!("gpt");
        refused(&app, body.clone(), message, "missing_required_parameter", "input").await;
        body.as_object_mut().unwrap().shift_remove("model");
        body["agent_reference"] = json!({"type": "agent_reference", "name": "weather"});
        refused(&app, body, message, "missing_required_parameter", "input").await;
    }
}

#[tokio::test]
async fn the_question_may_stand_in_the_conversation_or_in_what_is_followed() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let agent = json!({"type": "agent_reference", "name": "weather"});
    for input in [None, Some(json!("")), Some(json!([]))] {
        let asked = json!({"items": [{"role": "user", "content": "In Oslo?"}]});
        let conversation = app.user.create("/openai/v1/conversations", asked).await;
        let mut body = json!({"conversation": conversation, "agent_reference": agent});
        if let Some(input) = &input {
            body["input"] = input.clone();
        }
        let answered = app.ask(body.clone()).await;
        assert_eq!(app.model.was_given().last().unwrap(), "user: In Oslo?");
        body.as_object_mut().unwrap().shift_remove("conversation");
        body["previous_response_id"] = answered["id"].clone();
        app.ask(body).await;
    }
}

#[tokio::test]
async fn a_tool_has_a_type_and_a_function_a_name() {
    let app = TestApp::start().await;
    is_missing(&app, json!({"tools": [{"name": "f"}]}), "tools[0].type").await;
    is_missing(&app, json!({"tools": [{"type": "function"}]}), "tools[0].name").await;
    is_missing(&app, json!({"tools": [{"type": "function", "name": null}]}), "tools[0].name").await;
    let second = json!({"tools": [declared("f"), {"type": "custom"}]});
    is_missing(&app, second, "tools[1].name").await;
    let nested = json!({"tools": [{"type": "function", "function": {"parameters": {}}}]});
    is_missing(&app, nested, "tools[0].function.name").await;

    let pattern = "Invalid 'tools[0].name': string does not match pattern. \
                   Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.";
    for name in ["", "get weather"] {
        let tools = json!({"tools": [{"type": "function", "name": name}]});
        refused_with(&app, tools, pattern, "invalid_value", "tools[0].name").await;
    }
    let tools = json!({"tools": ["f"]});
    let message = "Invalid type for 'tools[0]': expected an object.";
    refused_with(&app, tools, message, "invalid_type", "tools[0]").await;
    let tools = json!({"tools": [{"type": "function", "name": "f", "parameters": "none"}]});
    let message = "Invalid type for 'tools[0].parameters': expected an object.";
    refused_with(&app, tools, message, "invalid_type", "tools[0].parameters").await;
}

#[tokio::test]
async fn a_choice_of_tool_is_a_known_word_or_a_tool_that_is_declared() {
    let app = TestApp::start().await;
    let known = "'none', 'auto', and 'required'";
    is_unknown(&app, json!({"tool_choice": "sometimes"}), "tool_choice", "sometimes", known).await;
    is_missing(&app, json!({"tool_choice": {"name": "f"}}), "tool_choice.type").await;
    is_missing(&app, json!({"tool_choice": {"type": "function"}}), "tool_choice.name").await;
    let message = "Invalid type for 'tool_choice': expected a string or an object.";
    refused_with(&app, json!({"tool_choice": 1}), message, "invalid_type", "tool_choice").await;

    let message = "Tool choice 'g' not found in 'tools' parameter.";
    for kind in ["function", "custom"] {
        let choice = json!({"tools": [declared("f")], "tool_choice": {"type": kind, "name": "g"}});
        refused_with(&app, choice, message, "invalid_value", "tool_choice").await;
    }
    refused_with(
        &app,
        json!({"tool_choice": {"type": "function", "name": "g"}}),
        message,
        "invalid_value",
        "tool_choice",
    )
    .await;
    let allowed = json!({"type": "allowed_tools", "mode": "auto", "tools": [
        {"type": "function", "name": "f"}, {"type": "function", "name": "g"},
    ]});
    let choice = json!({"tools": [declared("f")], "tool_choice": allowed});
    refused_with(&app, choice, message, "invalid_value", "tool_choice.tools[1]").await;
    let mut choice = json!({"type": "allowed_tools", "mode": "never", "tools": []});
    let known = "'auto' and 'required'";
    is_unknown(&app, json!({"tool_choice": choice}), "tool_choice.mode", "never", known).await;
    choice["mode"] = json!("auto");
    choice.as_object_mut().unwrap().shift_remove("tools");
    is_missing(&app, json!({"tool_choice": choice}), "tool_choice.tools").await;
}

#[tokio::test]
async fn a_choice_of_what_is_declared_is_accepted_in_every_form() {
    let app = TestApp::start().await;
    let tools = json!([declared("f"), {"type": "custom", "name": "c"}, {"type": "function", "function": {"name": "n"}}]);
    let choices = [
        json!("none"),
        json!("required"),
        json!({"type": "function", "name": "f"}),
        json!({"type": "function", "function": {"name": "n"}}),
        json!({"type": "custom", "name": "c"}),
        json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "c"}]}),
    ];
    for choice in choices {
        app.ask(json!({"model": "gpt", "input": "Hi", "tools": tools, "tool_choice": choice})).await;
    }
}

#[tokio::test]
async fn the_format_of_the_text_is_one_that_there_is() {
    let app = TestApp::start().await;
    let with = |format: Value| json!({"text": {"format": format}});
    let known = "'text', 'json_object', and 'json_schema'";
    is_unknown(&app, with(json!({"type": "yaml"})), "text.format.type", "yaml", known).await;
    is_missing(&app, with(json!({"name": "x"})), "text.format.type").await;
    is_missing(&app, with(json!({"type": "json_schema", "schema": {}})), "text.format.name").await;
    is_missing(&app, with(json!({"type": "json_schema", "name": "x"})), "text.format.schema").await;
    let format = json!({"type": "json_schema", "name": "x", "schema": "any"});
    let message = "Invalid type for 'text.format.schema': expected an object.";
    refused_with(&app, with(format), message, "invalid_type", "text.format.schema").await;
    let message = "Invalid type for 'text': expected an object.";
    refused_with(&app, json!({"text": "short"}), message, "invalid_type", "text").await;
    let message = "Invalid type for 'text.format': expected an object.";
    refused_with(&app, with(json!("json_object")), message, "invalid_type", "text.format").await;
}

#[tokio::test]
async fn words_that_nobody_knows_are_refused_with_those_that_there_are() {
    let app = TestApp::start().await;
    let known = "'auto' and 'disabled'";
    is_unknown(&app, json!({"truncation": "middle"}), "truncation", "middle", known).await;
    let known = "'file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources', \
                 'message.input_image.image_url', 'computer_call_output.output.image_url', \
                 'code_interpreter_call.outputs', 'reasoning.encrypted_content', \
                 'message.output_text.logprobs', and 'memory_search_call.results'";
    let include = json!({"include": ["reasoning.encrypted_content", "everything"]});
    is_unknown(&app, include, "include[1]", "everything", known).await;
    let message = "Invalid type for 'include': expected an array of strings.";
    let include = json!({"include": "reasoning.encrypted_content"});
    refused_with(&app, include, message, "invalid_type", "include").await;
}

#[tokio::test]
async fn numbers_stand_within_their_range() {
    let app = TestApp::start().await;
    for (name, value, sentence, code) in [
        ("max_output_tokens", 0, "below minimum value. Expected a value >= 1", "integer_below_min_value"),
        ("max_output_tokens", -5, "below minimum value. Expected a value >= 1", "integer_below_min_value"),
        ("max_tool_calls", 0, "below minimum value. Expected a value >= 1", "integer_below_min_value"),
        ("top_logprobs", -1, "below minimum value. Expected a value >= 0", "integer_below_min_value"),
        ("top_logprobs", 21, "above maximum value. Expected a value <= 20", "integer_above_max_value"),
    ] {
        let message = format!("Invalid '{name}': integer {sentence}, but got {value} instead.");
        refused_with(&app, json!({ name: value }), &message, code, name).await;
    }
    for (name, value) in [("max_output_tokens", 1), ("top_logprobs", 0), ("top_logprobs", 20)] {
        app.ask(json!({"model": "gpt", "input": "Hi", name: value})).await;
    }
}
