//! How an upstream can fail, and what is made of it.

use std::time::Duration;

use cupola_models::{
    FaultKind, Finish, ModelUsage, Provider, Secret,
    openai::{Dialect, LengthField, OpenAi, Patience, RetryPolicy, Upstream},
};

use crate::{
    ask, asking, prepare,
    stand_in::{StandIn, Step, answer, end_events, event, nobody, stream_head, text_event},
};

fn settings(base_url: &str) -> Upstream {
    prepare();
    Upstream {
        name: "up".into(),
        base_url: base_url.parse().unwrap(),
        dialect: Dialect::OpenAi,
        key: Some(Secret::new("sk-secret")),
        patience: Patience {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_millis(250),
            idle: Duration::from_millis(250),
        },
        retry: RetryPolicy { count: 2, total_wait: Duration::from_secs(5) },
        length_field: LengthField::MaxCompletionTokens,
    }
}

fn provider(server: &StandIn) -> OpenAi {
    OpenAi::new(settings(&server.base_url())).unwrap()
}

/// A provider that waits long: for tests that are not about waiting.
fn patient(server: &StandIn) -> OpenAi {
    OpenAi::new(Upstream { patience: Patience::default(), ..settings(&server.base_url()) }).unwrap()
}

fn send(bytes: impl Into<String>) -> Step {
    Step::Send(bytes.into())
}

fn good_answer() -> Vec<Step> {
    vec![send(stream_head() + &text_event("fine") + &end_events("stop"))]
}

/// The fault that comes of an answer with these bytes.
async fn fault_of(bytes: String) -> (FaultKind, String) {
    let server = StandIn::start([vec![Step::Send(bytes)]]).await;
    let upstream = settings(&server.base_url());
    let provider = OpenAi::new(Upstream {
        retry: RetryPolicy { count: 0, ..upstream.retry },
        patience: Patience::default(),
        ..upstream
    });
    let fault = ask(&provider.unwrap(), &asking("hi")).await.unwrap_err();
    let message = fault.message.replace(&server.base_url(), "URL");
    (fault.kind, message)
}

#[tokio::test]
async fn pieces_that_are_split_anywhere_make_one_answer() {
    let whole = stream_head() + &text_event("Grüße") + &text_event(" 🌍") + &end_events("stop");
    let middle = whole.find('ü').unwrap() - 20;
    let (first, second) = whole.split_at(middle);
    let server = StandIn::start([vec![send(first), Step::Pause, send(second)]]).await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.finish), ("Grüße 🌍", Some(Finish::Stop)));
}

#[tokio::test]
async fn the_first_piece_is_there_before_the_answer_is_complete() {
    use futures_util::StreamExt;
    let server = StandIn::start([vec![send(stream_head() + &text_event("early")), Step::Hang]]).await;
    let mut stream = patient(&server).call(&asking("hi")).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first, cupola_models::ModelDelta::Text("early".into()));
}

#[tokio::test]
async fn usage_after_the_finish_is_read() {
    let usage = r#"{"choices":[],"usage":{
        "prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#
        .replace('\n', "");
    let body = text_event("a")
        + &end_events("stop").replace("data: [DONE]", &format!("data: {usage}\n\ndata: [DONE]"));
    let server = StandIn::answering(stream_head() + &body).await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    let expected =
        ModelUsage { prompt_tokens: 9, completion_tokens: 2, cached_tokens: 4, reasoning_tokens: 0 };
    assert_eq!(answer.usage, Some(expected));
}

#[tokio::test]
async fn an_answer_without_usage_is_an_answer() {
    let server = StandIn::start([good_answer()]).await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), ("fine", None));
}

#[tokio::test]
async fn parallel_calls_are_read() {
    let calls = r#"{"choices":[{"delta":{"tool_calls":[
        {"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},
        {"index":1,"id":"b","function":{"name":"g","arguments":"{\"x\":1}"}}]}}]}"#
        .replace('\n', "");
    let server = StandIn::answering(stream_head() + &event(&calls) + &end_events("tool_calls")).await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    let calls: Vec<_> =
        answer.calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("f", "{}"), ("g", r#"{"x":1}"#)]);
    assert_eq!(answer.finish, Some(Finish::ToolCalls));
}

#[tokio::test]
async fn one_json_text_instead_of_a_stream_is_accepted() {
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"whole"},
        "finish_reason":"stop"}],
        "usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let server = StandIn::answering(answer("200 OK", &["Content-Type: application/json"], body)).await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    assert_eq!(answer.text, "whole");
    assert!(answer.usage.is_some());
}

#[tokio::test]
async fn thoughts_and_refusals_are_read_from_a_stream_and_from_one_json_text() {
    let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":5}}"#;
    let whole = format!(
        r#"{{"choices":[{{"message":{{"content":null,"refusal":"No.","reasoning":"Hm, no."}},"finish_reason":"stop"}}],{usage}}}"#
    );
    let whole = answer("200 OK", &["Content-Type: application/json"], &whole);
    let pieces = [
        r#"{"choices":[{"delta":{"content":"","reasoning_content":"Hm, "}}]}"#.to_owned(),
        r#"{"choices":[{"delta":{"content":null,"reasoning_content":"no."}}]}"#.to_owned(),
        format!(r#"{{"choices":[{{"delta":{{"refusal":"No."}}}}],{usage}}}"#),
    ];
    let streamed = stream_head() + &pieces.map(|piece| event(&piece)).concat() + &end_events("stop");
    for sent in [streamed, whole] {
        let server = StandIn::answering(sent).await;
        let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
        assert_eq!((answer.reasoning.as_str(), answer.refusal.as_str()), ("Hm, no.", "No."));
        assert_eq!((answer.text.as_str(), answer.usage.unwrap().reasoning_tokens), ("", 5));
    }
}

#[tokio::test]
async fn too_many_requests_are_tried_again_after_the_time_the_upstream_asks_for() {
    let busy = answer("429 Too Many Requests", &["Retry-After: 0"], r#"{"error":{"message":"slow down"}}"#);
    let server = StandIn::start([vec![send(busy)], good_answer()]).await;
    assert_eq!(ask(&patient(&server), &asking("hi")).await.unwrap().text, "fine");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_failing_upstream_is_tried_again() {
    let failure = || vec![send(answer("500 Internal Server Error", &["retry-after-ms: 1"], "oops"))];
    let server = StandIn::start([failure(), failure(), good_answer()]).await;
    assert_eq!(ask(&patient(&server), &asking("hi")).await.unwrap().text, "fine");
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_is_tried_again() {
    let server = StandIn::start([vec![], good_answer()]).await;
    assert_eq!(ask(&patient(&server), &asking("hi")).await.unwrap().text, "fine");
}

#[tokio::test]
async fn retries_end_with_the_upstreams_last_words() {
    let busy = || {
        let body = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
        vec![send(answer("429 Too Many Requests", &["retry-after-ms: 1"], body))]
    };
    let server = StandIn::start([busy(), busy(), busy(), good_answer()]).await;
    let fault = ask(&patient(&server), &asking("hi")).await.unwrap_err();
    assert_eq!((fault.kind, server.received().len()), (FaultKind::RateLimited, 3));
    assert!(fault.message.ends_with("answered 429 Too Many Requests: slow down"), "{fault}");
    assert_eq!(fault.retry_after, Some(Duration::from_millis(1)));
}

#[tokio::test]
async fn a_wait_beyond_the_limit_is_not_begun() {
    let busy = answer("429 Too Many Requests", &["Retry-After: 3600"], "");
    let server = StandIn::start([vec![send(busy)], good_answer()]).await;
    let fault = ask(&patient(&server), &asking("hi")).await.unwrap_err();
    assert_eq!(fault.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_used_up_quota_is_not_tried_again() {
    let body = r#"{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}"#;
    let server =
        StandIn::start([vec![send(answer("429 Too Many Requests", &[], body))], good_answer()]).await;
    let fault = ask(&patient(&server), &asking("hi")).await.unwrap_err();
    assert_eq!((fault.kind, server.received().len()), (FaultKind::RateLimited, 1));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let upstream = settings(&format!("http://{}/v1", nobody()));
    let retry = RetryPolicy { count: 0, ..upstream.retry };
    let fault = ask(&OpenAi::new(Upstream { retry, ..upstream }).unwrap(), &asking("hi")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.contains("can't be reached: Connection refused"), "{fault}");
}

#[tokio::test]
async fn an_upstream_that_never_answers_times_out() {
    for steps in [vec![Step::Hang], vec![send(stream_head()), Step::Hang]] {
        let server = StandIn::start([steps]).await;
        let fault = ask(&provider(&server), &asking("hi")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    }
}

#[tokio::test]
async fn an_upstream_that_stops_in_the_middle_times_out_and_is_not_tried_again() {
    let server =
        StandIn::start([vec![send(stream_head() + &text_event("so")), Step::Hang], good_answer()]).await;
    let fault = ask(&provider(&server), &asking("hi")).await.unwrap_err();
    assert_eq!((fault.kind, server.received().len()), (FaultKind::Timeout, 1));
    assert!(fault.message.contains("sent nothing more for 250ms in the middle of its answer"), "{fault}");
}

#[tokio::test]
async fn an_answer_that_is_complete_needs_no_end_of_the_stream() {
    let finish = end_events("stop").replace("data: [DONE]\n\n", "");
    let server = StandIn::start([vec![send(stream_head() + &text_event("all") + &finish), Step::Hang]]).await;
    assert_eq!(ask(&provider(&server), &asking("hi")).await.unwrap().text, "all");
}

#[tokio::test]
async fn an_answer_without_a_reason_for_its_end_is_complete_with_done() {
    let server = StandIn::answering(stream_head() + &text_event("all") + "data: [DONE]\n\n").await;
    let answer = ask(&patient(&server), &asking("hi")).await.unwrap();
    assert_eq!(answer.finish, Some(Finish::Stop));
}

#[tokio::test]
async fn a_connection_that_breaks_off_in_the_middle_is_a_fault() {
    for cut in ["", r#"data: {"choices":[{"del"#] {
        let (kind, message) = fault_of(stream_head() + &text_event("so far") + cut).await;
        assert_eq!(kind, FaultKind::Broken, "{message}");
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let part = text_event("so far");
    let (kind, message) = fault_of(format!("{chunked}{:x}\r\n{part}\r\n", part.len())).await;
    assert_eq!(kind, FaultKind::Broken);
    assert!(message.contains("broke off in the middle of its answer"), "{message}");
}

#[tokio::test]
async fn what_came_before_a_fault_is_delivered_first() {
    use futures_util::StreamExt;
    let server =
        StandIn::answering(stream_head() + &text_event("so far") + &event(r#"{"error":"oops"}"#)).await;
    let deltas: Vec<_> = patient(&server).call(&asking("hi")).await.unwrap().collect().await;
    assert_eq!(deltas.len(), 2);
    assert!(
        deltas[0].is_ok() && deltas[1].as_ref().unwrap_err().message.ends_with("reported an error: oops")
    );
}

#[tokio::test]
async fn an_error_in_the_stream_tells_its_kind() {
    let error = r#"{"error":{"message":"prompt too long","code":"context_length_exceeded"}}"#;
    let (kind, message) = fault_of(stream_head() + &event(error)).await;
    assert_eq!(kind, FaultKind::Rejected);
    assert_eq!(message, r#"The model server "up" (URL) reported an error: prompt too long"#);
}

#[tokio::test]
async fn nonsense_is_quoted() {
    for (body, words) in [
        ("hello there", "sent no answer, but this: hello there"),
        ("data: not json\n\n", "sent something that is not a chat completion: not json"),
        ("<html><body><h1>Login</h1></body></html>", "sent something that is not a chat completion: Login"),
        (r#"{"status":"ok"}"#, r#"reported an error: {"status":"ok"}"#),
        (r#"data: {"choices":"many"}"#, r#"not a chat completion: {"choices":"many"}"#),
        ("", "sent an empty answer."),
        ("data: [DONE]\n\n", "sent an empty answer."),
    ] {
        let (kind, message) = fault_of(stream_head() + body).await;
        assert_eq!(kind, FaultKind::Broken, "{message}");
        assert!(message.ends_with(words), "{message}");
    }
}

#[tokio::test]
async fn an_html_error_page_is_quoted_without_tags() {
    let page = "<html><head><title>502</title></head><body>\n<h1>Bad Gateway</h1>nginx</body></html>";
    let (kind, message) = fault_of(answer("502 Bad Gateway", &["Content-Type: text/html"], page)).await;
    assert_eq!(kind, FaultKind::Broken);
    assert_eq!(message, r#"The model server "up" (URL) answered 502 Bad Gateway: 502 Bad Gateway nginx"#);
}

#[tokio::test]
async fn long_words_are_clipped() {
    let (_, message) = fault_of(answer("400 Bad Request", &[], &"x".repeat(5000))).await;
    assert!(message.len() < 700, "{}", message.len());
}

#[tokio::test]
async fn refused_credentials_are_reported_without_the_key() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-secret"}}"#;
    let (kind, message) = fault_of(answer("401 Unauthorized", &[], body)).await;
    assert_eq!(kind, FaultKind::Unauthorized);
    assert!(message.ends_with("Incorrect API key provided: ***"), "{message}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_because_it_would_carry_the_key_away() {
    let (kind, message) =
        fault_of(answer("307 Temporary Redirect", &["Location: http://127.0.0.1:1/"], "")).await;
    assert_eq!(kind, FaultKind::Broken);
    assert!(message.contains("set base_url to the address"), "{message}");
}

#[tokio::test]
async fn an_unknown_model_is_answered_with_the_models_that_exist() {
    let unknown = answer("404 Not Found", &[], r#"{"error":{"message":"model \"some-model\" not found"}}"#);
    let list = answer("200 OK", &[], r#"{"object":"list","data":[{"id":"llama3"},{"id":"qwen"}]}"#);
    let server = StandIn::start([vec![send(unknown)], vec![send(list)]]).await;
    let fault = ask(&patient(&server), &asking("hi")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnknownModel);
    assert!(
        fault.message.ends_with(r#""some-model" not found. Models that it has: llama3, qwen."#),
        "{fault}"
    );
}

#[tokio::test]
async fn an_upstream_that_knows_only_max_tokens_gets_max_tokens() {
    let refusal = r#"{"error":{"message":"Unrecognized request argument: max_completion_tokens"}}"#;
    let refused = vec![send(answer("400 Bad Request", &[], refusal))];
    let server = StandIn::start([refused, good_answer(), good_answer()]).await;
    let provider = patient(&server);
    let request = cupola_models::ModelRequest { max_completion_tokens: Some(5), ..asking("hi") };
    for _ in 0..2 {
        assert_eq!(ask(&provider, &request).await.unwrap().text, "fine");
    }
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert!(received[1..].iter().all(|request| request.body["max_tokens"] == 5));
}
