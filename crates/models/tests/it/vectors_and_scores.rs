//! Vectors of texts and scores of passages from an upstream, and what is said when it gives none.

use std::sync::Arc;

use cupola_models::{
    NoAnswer, Provider,
    builtin::Builtin,
    catalog::Resolved,
    openai::{Dialect, OpenAi, Patience, RetryPolicy, Upstream},
};
use serde_json::{Map, json};

use crate::{
    prepare,
    stand_in::{StandIn, Step, answer, nobody},
};

const NO_RETRY: RetryPolicy = RetryPolicy { count: 0, total_wait: std::time::Duration::ZERO };

fn served_by(provider: Arc<dyn Provider>) -> Resolved {
    Resolved {
        provider,
        model: "embed-small".into(),
        deployment: "embedding".into(),
        context_tokens: 8000,
        max_output_tokens: None,
        extra: Map::new(),
    }
}

fn deployment(base_url: &str, retry: RetryPolicy) -> Resolved {
    prepare();
    served_by(Arc::new(
        OpenAi::new(Upstream {
            name: "up".into(),
            base_url: base_url.parse().unwrap(),
            dialect: Dialect::OpenAi,
            key: None,
            patience: Patience::default(),
            retry,
            length_field: Default::default(),
        })
        .unwrap(),
    ))
}

fn ok(body: &str) -> Vec<Step> {
    vec![Step::Send(answer("200 OK", &["Content-Type: application/json"], body))]
}

/// What is said about a body that is answered to a call for two vectors.
async fn told(status: &str, body: &str) -> NoAnswer {
    let server = StandIn::answering(answer(status, &["Content-Type: application/json"], body)).await;
    deployment(&server.base_url(), NO_RETRY).embed(&["a", "b"], None).await.unwrap_err()
}

#[tokio::test]
async fn vectors_come_in_the_order_of_their_texts() {
    let body = r#"{"data": [{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [1.5, 0.0]}]}"#;
    let server = StandIn::start([ok(body)]).await;
    let mut resolved = deployment(&server.base_url(), NO_RETRY);
    resolved.extra.insert("user".into(), json!("search"));
    let vectors = resolved.embed(&["one", "two"], Some(2)).await.unwrap();
    assert_eq!(vectors, [[1.5, 0.0], [0.0, 2.0]]);

    let received = &server.received()[0];
    assert!(received.head.starts_with("post /v1/embeddings http/1.1\r\n"), "{}", received.head);
    let body = json!({"input": ["one", "two"], "dimensions": 2, "model": "embed-small", "user": "search"});
    assert_eq!(received.body, body);
}

#[tokio::test]
async fn a_model_decides_on_its_dimensions_where_none_are_asked_for() {
    let server = StandIn::start([ok(r#"{"data": [{"embedding": [3.0, 4.0, 0.0]}]}"#)]).await;
    let vectors = deployment(&server.base_url(), NO_RETRY).embed(&["one"], None).await.unwrap();
    assert_eq!(vectors, [[3.0, 4.0, 0.0]]);
    assert!(server.received()[0].body.get("dimensions").is_none());
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let busy = vec![Step::Send(answer("503 Service Unavailable", &[], "loading"))];
    let server = StandIn::start([busy, ok(r#"{"data": [{"embedding": [1.0]}]}"#)]).await;
    let resolved = deployment(&server.base_url(), RetryPolicy::default());
    assert_eq!(resolved.embed(&["one"], None).await.unwrap(), [[1.0]]);
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_number_that_is_no_component_of_a_vector_is_told() {
    let error = told("200 OK", r#"{"data": [{"embedding": [1e39]}, {"embedding": [1.0]}]}"#).await;
    // Whether such a number is infinite or unreadable is up to how the reader of JSON was built.
    let error = error.to_string();
    assert!(error.contains("without a direction") || error.contains("out of range"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_told_and_not_worth_another_attempt() {
    for (body, words) in [
        ("<html>It works!</html>", "can't be understood"),
        (r#"{"object": "list"}"#, "can't be understood"),
        (r#"{"data": [{"index": 0, "embedding": [1.0]}]}"#, "1 vectors for 2 texts"),
        (
            r#"{"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}"#,
            "second or unknown",
        ),
        (r#"{"data": [{"index": 0, "embedding": [1.0]}, {"index": 7, "embedding": [1.0]}]}"#, "number 7"),
        (r#"{"data": [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]}"#, "2 dimensions instead of 1"),
        (r#"{"data": [{"embedding": [0.0]}, {"embedding": [1.0]}]}"#, "without a direction"),
        (r#"{"data": [{"embedding": []}, {"embedding": []}]}"#, "without a direction"),
    ] {
        let error = told("200 OK", body).await;
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().starts_with("The model server \"up\" answered "), "{error}");
        assert!(!error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn dimensions_that_are_not_those_that_were_asked_for_are_told() {
    let server = StandIn::start([ok(r#"{"data": [{"embedding": [1.0, 0.0, 0.0]}]}"#)]).await;
    let error = deployment(&server.base_url(), NO_RETRY).embed(&["a"], Some(2)).await.unwrap_err();
    assert!(error.to_string().contains("a vector of 3 dimensions instead of 2"), "{error}");
}

#[tokio::test]
async fn faults_say_whether_they_pass() {
    for (status, body, passes) in [
        ("500 Internal Server Error", "oops", true),
        ("429 Too Many Requests", r#"{"error": {"message": "slow down"}}"#, true),
        ("401 Unauthorized", r#"{"error": {"message": "who are you?"}}"#, false),
        ("404 Not Found", r#"{"error": {"message": "model not found"}}"#, false),
        ("400 Bad Request", r#"{"error": {"message": "too long"}}"#, false),
        ("200 OK", r#"{"error": {"message": "upstream is full", "code": 502}}"#, true),
        ("200 OK", r#"{"error": {"message": "who are you?", "code": 401}}"#, false),
    ] {
        let error = told(status, body).await;
        assert_eq!(error.is_transient(), passes, "{error}");
        assert!(matches!(error, NoAnswer::Fault(_)), "{error:?}");
    }
    let nobody = deployment(&format!("http://{}/v1", nobody()), NO_RETRY);
    assert!(nobody.embed(&["a"], None).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_provider_without_embeddings_is_called_that() {
    let resolved = served_by(Arc::new(Builtin::new("builtin", None)));
    let error = resolved.embed(&["a"], None).await.unwrap_err();
    assert!(error.to_string().contains("has no embeddings"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn scores_come_in_the_order_of_their_passages() {
    let body = r#"{"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}"#;
    let server = StandIn::start([ok(body)]).await;
    let resolved = deployment(&server.base_url(), NO_RETRY);
    assert_eq!(resolved.rerank("q", &["one", "two"]).await.unwrap(), [0.1, 0.9]);
    let received = &server.received()[0];
    assert!(received.head.starts_with("post /v1/rerank http/1.1\r\n"), "{}", received.head);
    assert_eq!(received.body["query"], "q");
    assert_eq!(received.body["documents"], json!(["one", "two"]));
}

#[tokio::test]
async fn a_server_that_calls_passages_texts_gets_texts() {
    let refusal = answer("422 Unprocessable Entity", &[], "Failed to deserialize: missing field `texts`");
    let scores = r#"[{"index": 0, "score": 0.25}]"#;
    let server = StandIn::start([vec![Step::Send(refusal)], ok(scores)]).await;
    let resolved = deployment(&server.base_url(), NO_RETRY);
    assert_eq!(resolved.rerank("q", &["one"]).await.unwrap(), [0.25]);
    assert_eq!(server.received()[1].body["texts"], json!(["one"]));
}

#[tokio::test]
async fn scores_that_are_missing_or_doubled_are_told() {
    for body in [r#"{"results": []}"#, r#"{"results": [{"index": 3, "relevance_score": 1.0}]}"#] {
        let server = StandIn::start([ok(body)]).await;
        let error = deployment(&server.base_url(), NO_RETRY).rerank("q", &["one"]).await.unwrap_err();
        assert!(matches!(error, NoAnswer::Nonsense(_)), "{error:?}");
    }
}
