//! Bad input: each gets a sentence, a code and the path of the field, and never a 5xx.

use serde_json::{Value, json};

use crate::app::{Setup, TestApp, assert_refused, function};

#[tokio::test]
async fn a_missing_field_is_named() {
    let app = TestApp::start().await;
    let missing = |param: &str| format!("Missing required parameter: '{param}'.");
    let code = Some("missing_required_parameter");
    let thread = app.thread().await;
    let cases = [
        ("/assistants".to_owned(), "model"),
        (format!("/threads/{thread}/messages"), "role"),
        (format!("/threads/{thread}/runs"), "assistant_id"),
        ("/threads/runs".to_owned(), "assistant_id"),
    ];
    for (path, param) in cases {
        for body in ["{}", "", "  \n"] {
            let refused = app.user.post_bytes(&path, body.to_owned()).await;
            assert_refused(&refused, 400, &missing(param), code, Some(param));
        }
    }
    let refused = app.user.post("/assistants", json!({"model": ""})).await;
    assert_refused(&refused, 400, &missing("model"), code, Some("model"));
}

#[tokio::test]
async fn a_wrong_type_is_named_by_its_path() {
    let app = TestApp::start().await;
    let thread = app.thread().await;
    let runs = format!("/threads/{thread}/runs");
    let messages = format!("/threads/{thread}/messages");
    let cases = [
        ("/assistants", json!({"model": 5}), "model"),
        ("/assistants", json!({"model": "m", "temperature": "hot"}), "temperature"),
        ("/assistants", json!({"model": "m", "tools": {"type": "function"}}), "tools"),
        (
            "/assistants",
            json!({"model": "m", "tools": [{"type": "function", "function": {"name": 5}}]}),
            "tools[0].function.name",
        ),
        ("/assistants", json!({"model": "m", "metadata": {"a": 5}}), "metadata.a"),
        ("/assistants", json!({"model": "m", "metadata": []}), "metadata"),
        ("/threads", json!({"messages": "Hi"}), "messages"),
        ("/threads", json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (messages.as_str(), json!({"role": "user", "content": "x", "attachments": 1}), "attachments"),
        (runs.as_str(), json!({"assistant_id": "asst_x", "max_prompt_tokens": -1}), "max_prompt_tokens"),
        (runs.as_str(), json!({"assistant_id": "asst_x", "max_prompt_tokens": 1.5}), "max_prompt_tokens"),
        (runs.as_str(), json!({"assistant_id": "asst_x", "stream": "yes"}), "stream"),
        (
            runs.as_str(),
            json!({"assistant_id": "asst_x", "additional_messages": [{"role": "user", "content": 1}]}),
            "additional_messages[0].content",
        ),
        (
            runs.as_str(),
            json!({"assistant_id": "a", "truncation_strategy": {"type": "last_messages", "last_messages": "x"}}),
            "truncation_strategy.last_messages",
        ),
        (
            "/threads/runs",
            json!({"assistant_id": "asst_x", "thread": {"messages": [{"role": "user", "content": 1}]}}),
            "thread.messages[0].content",
        ),
    ];
    for (path, body, param) in cases {
        let refused = app.user.post(path, body.clone()).await;
        let (status, message, code, seen) = refused.refusal();
        assert_eq!((status, seen.as_deref()), (400, Some(param)), "{path} {body}: {message}");
        assert!(code.is_some(), "{path} {body}: {message}");
    }
}

#[tokio::test]
async fn json_that_is_broken_is_refused_wherever_it_breaks() {
    let app = TestApp::start().await;
    let deep = format!("{{\"invented_later\": {}", "[".repeat(100_000));
    let bodies: [Vec<u8>; 8] = [
        b"{".to_vec(),
        b"{\"model\": \"m\"} trailing".to_vec(),
        b"not json".to_vec(),
        b"{\"model\": \"\xff\"}".to_vec(),
        b"\xef\xbb\xbf{\"model\": \"m\"}".to_vec(),
        b"{\"model\": 01}".to_vec(),
        b"{\"model\": }".to_vec(),
        deep.into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let (status, message, code, _) = app.user.post_bytes("/assistants", body).await.refusal();
        assert_eq!((status, code.as_deref()), (400, Some("invalid_json")), "{shown}: {message}");
    }
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused_in_good_english() {
    let app = TestApp::start().await;
    let refused = app.user.post_bytes("/assistants", r#"{"model": "a", "model": "b"}"#).await;
    let (status, message, code, _) = refused.refusal();
    assert_eq!((status, code.as_deref()), (400, Some("invalid_value")));
    assert!(
        message.contains("duplicate field `model`") && !message.contains("Invalid the body"),
        "{message}"
    );
}

#[tokio::test]
async fn a_body_that_is_json_but_no_object_is_refused() {
    let app = TestApp::start().await;
    for body in ["[]", "5", "\"text\"", "null", "true"] {
        for path in ["/assistants", "/threads", "/threads/runs"] {
            let (status, _, code, _) = app.user.post_bytes(path, body).await.refusal();
            assert_eq!((status, code.as_deref()), (400, Some("invalid_type")), "{path} {body}");
        }
    }
}

#[tokio::test]
async fn text_that_is_too_long_is_refused_with_both_lengths_and_the_longest_is_accepted() {
    let app = TestApp::start().await;
    let cases = [("name", 256), ("description", 512), ("instructions", 256_000)];
    for (field, max) in cases {
        // Characters count, not bytes.
        let longest = json!({"model": "m", field: "é".repeat(max)});
        app.user.post("/assistants", longest).await.accepted();
        let refused = app.user.post("/assistants", json!({"model": "m", field: "é".repeat(max + 1)})).await;
        let sentence = format!(
            "Invalid '{field}': string too long. Expected a string with maximum length {max}, \
             but got a string with length {} instead.",
            max + 1
        );
        assert_refused(&refused, 400, &sentence, Some("string_above_max_length"), Some(field));
    }
}

#[tokio::test]
async fn a_message_may_have_as_many_characters_as_documented_whatever_they_are() {
    let app = TestApp::start().await;
    let path = format!("/threads/{}/messages", app.thread().await);
    let max = 1_500_000;
    app.user.post(&path, json!({"role": "user", "content": "漢".repeat(max)})).await.accepted();
    let half = json!({"type": "text", "text": "x".repeat(max / 2)});
    let more = json!({"type": "text", "text": "x".repeat(max / 2 + 1)});
    let refused = app.user.post(&path, json!({"role": "user", "content": [half, more]})).await;
    let sentence = "Invalid 'content': string too long. Expected a string with maximum length 1500000, \
                    but got a string with length 1500001 instead.";
    assert_refused(&refused, 400, sentence, Some("string_above_max_length"), Some("content"));
}

#[tokio::test]
async fn there_may_be_128_tools() {
    let app = TestApp::start().await;
    let tools = |count: usize| (0..count).map(|n| function(&format!("f{n}"))).collect::<Vec<Value>>();
    app.user.post("/assistants", json!({"model": "m", "tools": tools(128)})).await.accepted();
    let refused = app.user.post("/assistants", json!({"model": "m", "tools": tools(129)})).await;
    let sentence = "Invalid 'tools': array too long. Expected an array with maximum length 128, \
                    but got an array with length 129 instead.";
    assert_refused(&refused, 400, sentence, Some("array_above_max_length"), Some("tools"));
}

#[tokio::test]
async fn a_function_needs_a_name_that_models_understand() {
    let app = TestApp::start().await;
    for name in ["", "has space", "dots.too", "ünicode", &"n".repeat(65)] {
        let refused = app.user.post("/assistants", json!({"model": "m", "tools": [function(name)]})).await;
        let (status, _, _, param) = refused.refusal();
        assert_eq!((status, param.as_deref()), (400, Some("tools[0].function.name")), "{name}");
    }
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": "{}"}});
    let refused = app.user.post("/assistants", json!({"model": "m", "tools": [tool]})).await;
    let sentence = "Invalid type for 'tools[0].function.parameters': expected an object.";
    assert_refused(&refused, 400, sentence, Some("invalid_type"), Some("tools[0].function.parameters"));
}

#[tokio::test]
async fn metadata_has_up_to_16_pairs_of_64_and_512_characters() {
    let app = TestApp::start().await;
    let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Value>();
    let agent = |metadata: Value| json!({"model": "m", "metadata": metadata});
    app.user.post("/assistants", agent(pairs(16))).await.accepted();
    app.user.post("/assistants", agent(json!({"é".repeat(64): "é".repeat(512)}))).await.accepted();
    let refused = app.user.post("/assistants", agent(pairs(17))).await;
    let sentence = "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, \
                    but got an object with 17 properties instead.";
    assert_refused(&refused, 400, sentence, Some("object_above_max_properties"), Some("metadata"));
    let refused = app.user.post("/assistants", agent(json!({"k": "v".repeat(513)}))).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("metadata.k"));
    let refused = app.user.post("/assistants", agent(json!({"k".repeat(65): "v"}))).await;
    assert_eq!(refused.refusal().2.as_deref(), Some("string_above_max_length"));

    let thread = app.thread().await;
    let paths = ["/threads".to_owned(), format!("/threads/{thread}")];
    for path in paths {
        let refused = app.user.post(&path, json!({"metadata": pairs(17)})).await;
        assert_eq!(refused.refusal().3.as_deref(), Some("metadata"), "{path}");
    }
}

#[tokio::test]
async fn sampling_out_of_range_is_refused() {
    let app = TestApp::start().await;
    let runs = format!("/threads/{}/runs", app.thread().await);
    let agent = app.agent().await;
    let cases = [
        (json!({"temperature": 2.1}), "decimal_above_max_value", "temperature"),
        (json!({"temperature": -0.1}), "decimal_below_min_value", "temperature"),
        (json!({"top_p": 1.1}), "decimal_above_max_value", "top_p"),
        (json!({"top_p": -1}), "decimal_below_min_value", "top_p"),
        (json!({"max_prompt_tokens": 0}), "integer_below_min_value", "max_prompt_tokens"),
        (json!({"max_completion_tokens": 0}), "integer_below_min_value", "max_completion_tokens"),
        (
            json!({"truncation_strategy": {"type": "last_messages", "last_messages": 0}}),
            "integer_below_min_value",
            "truncation_strategy.last_messages",
        ),
        (
            json!({"truncation_strategy": {"type": "last_messages"}}),
            "missing_required_parameter",
            "truncation_strategy.last_messages",
        ),
        (json!({"truncation_strategy": {"type": "first"}}), "invalid_value", "truncation_strategy.type"),
        (json!({"response_format": "xml"}), "invalid_value", "response_format"),
        (
            json!({"response_format": {"type": "json_schema"}}),
            "missing_required_parameter",
            "response_format.json_schema.name",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
            "missing_required_parameter",
            "response_format.json_schema.schema",
        ),
        (json!({"tool_choice": "always"}), "invalid_value", "tool_choice"),
        (
            json!({"tool_choice": {"type": "function"}}),
            "missing_required_parameter",
            "tool_choice.function.name",
        ),
    ];
    for (body, code, param) in cases {
        let mut run = body.clone();
        run["assistant_id"] = json!(agent);
        let (status, message, seen_code, seen_param) = app.user.post(&runs, run).await.refusal();
        assert_eq!(
            (status, seen_code.as_deref(), seen_param.as_deref()),
            (400, Some(code), Some(param)),
            "{body}: {message}"
        );
    }
    assert_eq!(app.user.list(&runs).await.len(), 0, "nothing was accepted");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let mut setup = Setup::default();
    setup.limits.max_body_bytes = 1_000;
    let app = TestApp::with(setup).await;
    let refused =
        app.user.post("/assistants", json!({"model": "m", "instructions": "x".repeat(1_000)})).await;
    let sentence =
        "The body is larger than the 1000 bytes that this service accepts (limits.max_body_bytes).";
    assert_refused(&refused, 413, sentence, Some("body_too_large"), None);
    app.user.post("/assistants", json!({"model": "m", "instructions": "x".repeat(900)})).await.accepted();
}

#[tokio::test]
async fn ids_that_no_client_should_send_are_not_found() {
    let app = TestApp::start().await;
    let ids = ["x", "%2e%2e%2f%2e%2e", "%00", "a'%20OR%201=1--", "%F0%9F%A6%80", &"y".repeat(5_000)];
    for id in ids {
        for path in ["/assistants/", "/threads/", "/files/"] {
            let (status, ..) = app.user.get(&format!("{path}{id}")).await.refusal();
            assert_eq!(status, 404, "{path}{id}");
        }
    }
    let (status, ..) = app.user.get("/assistants/%FF").await.refusal();
    assert!(status == 404 || status == 400, "{status}");
}

#[tokio::test]
async fn every_operation_on_an_object_that_is_not_there_says_which() {
    let app = TestApp::start().await;
    let thread = app.thread().await;
    let missing = |noun: &str, id: &str| format!("No {noun} found with id '{id}'.");
    let agent = app.agent().await;
    let cases = [
        ("/assistants/asst_none".to_owned(), missing("assistant", "asst_none")),
        ("/threads/thread_none".to_owned(), missing("thread", "thread_none")),
        ("/threads/thread_none/messages".to_owned(), missing("thread", "thread_none")),
        ("/threads/thread_none/runs".to_owned(), missing("thread", "thread_none")),
        ("/threads/thread_none/runs/run_none/steps".to_owned(), missing("thread", "thread_none")),
        (format!("/threads/{thread}/messages/msg_none"), missing("message", "msg_none")),
        (format!("/threads/{thread}/runs/run_none"), missing("run", "run_none")),
        (format!("/threads/{thread}/runs/run_none/steps"), missing("run", "run_none")),
        ("/files/assistant-none".to_owned(), missing("file", "assistant-none")),
        ("/files/assistant-none/content".to_owned(), missing("file", "assistant-none")),
    ];
    for (path, sentence) in cases {
        assert_refused(&app.user.get(&path).await, 404, &sentence, None, None);
    }
    let run = json!({"assistant_id": "asst_none"});
    let refused = app.user.post(&format!("/threads/{thread}/runs"), run.clone()).await;
    assert_refused(&refused, 404, &missing("assistant", "asst_none"), None, None);
    let refused = app.user.post("/threads/runs", run).await;
    assert_refused(&refused, 404, &missing("assistant", "asst_none"), None, None);
    let refused = app.user.post("/threads/thread_none/runs", json!({"assistant_id": agent})).await;
    assert_refused(&refused, 404, &missing("thread", "thread_none"), None, None);
    let outputs = json!({"tool_outputs": []});
    let refused =
        app.user.post(&format!("/threads/{thread}/runs/run_none/submit_tool_outputs"), outputs).await;
    assert_refused(&refused, 404, &missing("run", "run_none"), None, None);
    let refused = app.user.post_nothing(&format!("/threads/{thread}/runs/run_none/cancel")).await;
    assert_refused(&refused, 404, &missing("run", "run_none"), None, None);
}
