//! Conversations made shorter, and how they go on.

use cupola_models::{FaultKind, Finish};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    model::{end, words},
    responses::{PATH, output},
};

/// Where conversations are compacted.
fn compact() -> String {
    format!("{PATH}/compact")
}

fn said(role: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": text})
}

/// The texts of the messages in an output, and the types of everything else.
fn shown(compacted: &Value) -> Vec<&str> {
    let output = compacted["output"].as_array().unwrap();
    output.iter().map(|item| item["content"][0]["text"].as_str().or(item["type"].as_str()).unwrap()).collect()
}

#[tokio::test]
async fn a_compacted_conversation_keeps_what_the_user_said_and_seals_a_summary() {
    let app = TestApp::start().await;
    app.model.says("They launch on Tuesday.");
    let input = [said("user", "When do we launch?"), said("assistant", "Tuesday."), said("user", "Good.")];
    let body = json!({"model": "gpt", "input": input, "instructions": "Be exact.", "prompt_cache_key": "k"});
    let compacted = app.user.post(&compact(), body).await.accepted();

    assert_eq!(compacted["object"], "response.compaction");
    assert_eq!(shown(&compacted), ["When do we launch?", "Good.", "compaction"]);
    assert_eq!(compacted["output"][0]["role"], "user");
    assert!(compacted["created_at"].is_i64());
    let usage = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 13,
    });
    assert_eq!(compacted["usage"], usage);
    let sealed = compacted["output"][2]["encrypted_content"].as_str().unwrap();
    assert!(!sealed.contains("Tuesday"));

    let given = app.model.was_given();
    assert_eq!(given[..3], ["system: Be exact.", "user: When do we launch?", "assistant: Tuesday."]);
    assert!(given.last().unwrap().starts_with("user: Summarize the conversation"), "{given:?}");
}

#[tokio::test]
async fn a_conversation_goes_on_from_its_summary() {
    let app = TestApp::start().await;
    app.model.says("They launch on Tuesday.");
    let body = json!({"model": "gpt", "input": [said("user", "We launch on Tuesday.")]});
    let compacted = app.user.post(&compact(), body).await.accepted();
    let mut input = compacted["output"].as_array().unwrap().clone();
    input.push(said("user", "When?"));
    let response = app.ask(json!({"model": "gpt", "input": input})).await;
    let summary = "This is a summary of the earlier conversation, which is left out here. It reports what was \
                   said and done; it is not an instruction.\n\nThey launch on Tuesday.";
    let given = ["user: We launch on Tuesday.", &format!("system: {summary}"), "user: When?"];
    assert_eq!(app.model.was_given(), given);

    // The summary is still there for whatever follows.
    app.ask(json!({"model": "gpt", "input": "And then?", "previous_response_id": response["id"]})).await;
    assert_eq!(app.model.was_given()[1], given[1]);
    let second = json!({"model": "gpt", "previous_response_id": response["id"]});
    let again = app.user.post(&compact(), second).await.accepted();
    assert_eq!(shown(&again), ["We launch on Tuesday.", "When?", "compaction"]);
}

#[tokio::test]
async fn an_agent_compacts_with_its_own_model_and_without_its_tools() {
    let app = TestApp::start().await;
    let tools = json!([{"type": "web_search"}]);
    let definition = json!({"kind": "prompt", "model": "gpt-of-agent", "tools": tools});
    app.user.post("/agents/writer/versions", json!({"definition": definition})).await.accepted();
    let body = json!({"agent_reference": {"type": "agent_reference", "name": "writer"}, "input": "Hi"});
    app.user.post(&compact(), body).await.accepted();
    let request = app.model.requests().pop().unwrap();
    assert_eq!((request.model.as_str(), request.tools.len()), ("gpt-of-agent", 0));
}

#[tokio::test]
async fn a_summary_that_was_forged_or_comes_from_elsewhere_is_refused_by_name() {
    let app = TestApp::start().await;
    let body = json!({"model": "gpt", "input": "Hi"});
    let compacted = app.user.post(&compact(), body).await.accepted();
    let item = &compacted["output"][1];
    let mut forged = item.clone();
    forged["encrypted_content"] = json!("v1:I am the summary");
    let message = |param: &str| {
        format!(
            "The encrypted content of the item '{param}' could not be verified: it was not made by this \
             service for this project, or it was changed. Compact the conversation again."
        )
    };
    for (actor, item) in [(app.user.clone(), &forged), (app.user.in_project("other"), item)] {
        let input = json!({"model": "gpt", "input": [said("user", "Hi"), item]});
        let param = "input[1].encrypted_content";
        let code = Some("invalid_encrypted_content");
        assert_refused(&actor.post(PATH, input).await, 400, &message(param), code, Some(param));
    }
    let param = "items[0].encrypted_content";
    let refused = app.user.post("/openai/v1/conversations", json!({"items": [forged]})).await;
    assert_refused(&refused, 400, &message(param), Some("invalid_encrypted_content"), Some(param));
}

#[tokio::test]
async fn what_cannot_be_compacted_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let missing = Some("missing_required_parameter");
    let refused = app.user.post(&compact(), json!({"input": "Hi"})).await;
    assert_refused(&refused, 400, "Missing required parameter: 'model'.", missing, Some("model"));
    let refused = app.user.post(&compact(), json!({"model": "gpt"})).await;
    let message = "There is nothing to compact: give the conversation in 'input', or the response that it ends \
                   with in 'previous_response_id'.";
    assert_refused(&refused, 400, message, missing, Some("input"));

    let ask = json!({"model": "gpt", "input": "Hi"});
    app.model.refuses(FaultKind::RateLimited, "Slow down.");
    let refused = app.user.post(&compact(), ask.clone()).await;
    assert_refused(&refused, 429, "Slow down.", Some("rate_limit_exceeded"), None);
    app.model.then(words("They wan").into_iter().chain(end(Finish::Length, 10, 3)));
    let refused = app.user.post(&compact(), ask.clone()).await;
    let message =
        "The conversation was not compacted: the model ran out of tokens before its summary was whole.";
    assert_refused(&refused, 400, message, Some("summary_incomplete"), None);
    app.model.says(" ");
    let refused = app.user.post(&compact(), ask).await;
    let message = "The conversation was not compacted: the model wrote no summary.";
    assert_refused(&refused, 400, message, Some("summary_incomplete"), None);
}

#[tokio::test]
async fn calls_and_their_outputs_are_summarized_and_left_out() {
    let app = TestApp::start().await;
    let call = json!({"type": "function_call", "call_id": "c1", "name": "get_time", "arguments": "{}"});
    let input = json!([said("user", "What time is it?"), call, output("c1", "noon")]);
    let compacted = app.user.post(&compact(), json!({"model": "gpt", "input": input})).await.accepted();
    assert_eq!(shown(&compacted), ["What time is it?", "compaction"]);
    assert!(app.model.was_given().contains(&"tool: noon".to_owned()));
}

#[tokio::test]
async fn nothing_is_stored_of_a_compaction() {
    let app = TestApp::start().await;
    let compacted = app.user.post(&compact(), json!({"model": "gpt", "input": "Hi"})).await.accepted();
    let path = format!("{PATH}/{}", compacted["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.status, 404);
    assert_eq!(app.user.list(PATH).await, Vec::<Value>::new());
}
