#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::knowledge::stand_in::{Answer, StandIn, refusal};

const LIMITS: Limits = Limits { texts: 2, calls: 1, answer_within: Duration::from_secs(60) };

/// Scores that passages name themselves, by their first word.
fn named(body: &Value) -> Answer {
    let passages = body["documents"].as_array().unwrap().iter().enumerate();
    let results = passages.map(|(index, passage)| {
        let score: f64 = passage.as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
        json!({"index": index, "relevance_score": score})
    });
    (200, json!({"results": results.rev().collect::<Vec<_>>()}))
}

async fn reranker(server: &StandIn) -> DeploymentReranker {
    DeploymentReranker::new(server.deployment().await, LIMITS)
}

#[tokio::test]
async fn passages_are_judged_in_batches_and_keep_their_order() {
    let server = StandIn::start(named).await;
    let reranker = reranker(&server).await;
    assert_eq!(reranker.model(), "up/small");
    let scores = reranker.rerank("q", &["0.25", "1", "0"]).await.unwrap();
    assert_eq!(scores, [0.25, 1.0, 0.0]);
    assert_eq!(server.asked().len(), 2);
    assert_eq!(server.asked()[0]["query"], "q");
}

#[tokio::test]
async fn logits_become_scores_between_zero_and_one_from_the_first_on() {
    let server = StandIn::start(named).await;
    let reranker = reranker(&server).await;
    let scores = reranker.rerank("q", &["-3", "0", "7.5"]).await.unwrap();
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    assert!(scores.is_sorted() && scores[1] == 0.5, "{scores:?}");
    assert_eq!(reranker.rerank("q", &["0"]).await.unwrap(), [0.5]);
}

#[tokio::test]
async fn a_passage_that_is_too_long_for_the_server_is_judged_by_its_beginning() {
    let server = StandIn::start(|body| match body["documents"][0].as_str().unwrap().len() {
        0..1000 => named(body),
        _ => refusal(500, "input is too large to process. increase the physical batch size"),
    })
    .await;
    let passage = format!("0.75 {}", "x".repeat(3000));
    assert_eq!(reranker(&server).await.rerank("q", &[&passage]).await.unwrap(), [0.75]);
}

#[tokio::test]
async fn a_server_without_rerank_is_told() {
    let server = StandIn::start(|_| refusal(404, "no such path")).await;
    let error = reranker(&server).await.rerank("q", &["0"]).await.unwrap_err();
    assert!(error.message.contains("no such path") && !error.is_transient, "{error}");
}
