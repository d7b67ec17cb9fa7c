#![allow(clippy::unwrap_used)]

use std::{sync::atomic::AtomicBool, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::knowledge::stand_in::{Answer, StandIn, refusal};

const LIMITS: Limits = Limits { texts: 3, calls: 2, answer_within: Duration::from_secs(60) };

fn inputs(body: &Value) -> Vec<&str> {
    body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// A vector that tells how long a text is: its first part is that many times its second.
fn lengths(body: &Value) -> Answer {
    let texts = inputs(body);
    let data = texts.iter().enumerate();
    let data = data.map(|(index, text)| json!({"index": index, "embedding": [text.len() as f64, 1.0]}));
    (200, json!({"data": data.collect::<Vec<_>>()}))
}

async fn embedder(server: &StandIn, dimensions: Option<u32>) -> DeploymentEmbedder {
    DeploymentEmbedder::new(server.deployment().await, dimensions, LIMITS)
}

#[track_caller]
fn assert_lengths(vectors: &[Vec<f32>], texts: &[&str]) {
    assert_eq!(vectors.len(), texts.len());
    for (vector, text) in vectors.iter().zip(texts) {
        assert!((vector[0] / vector[1] - text.len() as f32).abs() < 1e-3, "{vector:?} for {text:?}");
        assert!((vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5, "{vector:?}");
    }
}

#[tokio::test]
async fn many_texts_are_sent_in_batches_and_come_back_in_order_with_unit_length() {
    let server = StandIn::start(lengths).await;
    let texts: Vec<String> = (1..=20).map(|length| "x".repeat(length)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embedder = embedder(&server, None).await;
    assert_eq!(embedder.model(), "up/small");
    assert_lengths(&embedder.embed(&texts, Purpose::Passage).await.unwrap(), &texts);
    let mut sizes: Vec<usize> = server.asked().iter().map(|body| inputs(body).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 3, 3, 3, 3, 3, 3]);
    assert!(embedder.embed(&[], Purpose::Passage).await.unwrap().is_empty());
}

#[tokio::test]
async fn dimensions_that_are_asked_for_are_a_part_of_the_models_name() {
    let server = StandIn::start(lengths).await;
    let embedder = embedder(&server, Some(2)).await;
    assert_eq!(embedder.model(), "up/small@2");
    embedder.embed(&["a"], Purpose::Query).await.unwrap();
    assert_eq!(server.asked()[0]["dimensions"], 2);
}

#[tokio::test]
async fn a_server_that_changes_its_dimensions_is_told_and_not_asked_again() {
    let changed = AtomicBool::new(false);
    let server = StandIn::start(move |_| match changed.swap(true, Ordering::SeqCst) {
        false => (200, json!({"data": [{"embedding": [1.0, 0.0]}]})),
        true => (200, json!({"data": [{"embedding": [1.0, 0.0, 0.0]}]})),
    })
    .await;
    let embedder = embedder(&server, None).await;
    embedder.embed(&["a"], Purpose::Query).await.unwrap();
    let error = embedder.embed(&["a"], Purpose::Query).await.unwrap_err();
    assert_eq!(error.message, "up/small answers with 3 dimensions now, where it had 2 before.");
    assert!(!error.is_transient);
}

#[tokio::test]
async fn faults_keep_their_words_and_whether_they_pass() {
    for (status, is_transient) in [(503, true), (401, false)] {
        let server = StandIn::start(move |_| refusal(status, "not now")).await;
        let error = embedder(&server, None).await.embed(&["a"], Purpose::Query).await.unwrap_err();
        assert!(error.message.contains("not now"), "{error}");
        assert_eq!(error.is_transient, is_transient, "{error}");
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_limit() {
    // Nobody ever answers at the socket of a listener that accepts nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = StandIn::start(lengths).await;
    let mut deployment = server.deployment().await;
    let config = format!(
        "[providers.up]\nkind = 'openai'\nbase_url = 'http://{}/v1'\nretries = 0",
        silent.local_addr().unwrap()
    );
    let catalog = cupola_models::Catalog::build(&toml::from_str(&config).unwrap(), &|_| None).await.unwrap();
    deployment.provider = catalog.resolve("small").unwrap().provider;
    let limits = Limits { answer_within: Duration::from_millis(20), ..LIMITS };
    let embedder = DeploymentEmbedder::new(deployment, None, limits);
    let error = embedder.embed(&["a"], Purpose::Query).await.unwrap_err();
    assert_eq!(error.message, "The deployment up/small did not answer within 20ms.");
    assert!(error.is_transient);
}

#[tokio::test]
async fn a_batch_that_is_too_large_for_the_server_is_halved() {
    let server = StandIn::start(|body| match inputs(body).len() {
        0..=1 => lengths(body),
        _ => refusal(422, "batch size 3 > maximum allowed batch size 1"),
    })
    .await;
    let texts = ["a", "bb", "ccc", "dddd"];
    assert_lengths(&embedder(&server, None).await.embed(&texts, Purpose::Passage).await.unwrap(), &texts);
}

#[tokio::test]
async fn a_text_that_is_too_long_for_the_server_is_embedded_in_pieces() {
    const TAKES: usize = 1000;
    let server = StandIn::start(|body| match inputs(body).iter().all(|text| text.len() <= TAKES) {
        true => lengths(body),
        false => refusal(400, "This model's maximum context length is 512 tokens."),
    })
    .await;
    let embedder = embedder(&server, None).await;
    let (long, short) = ("x".repeat(3000), "y".repeat(10));
    let vectors = embedder.embed(&[&long, &short], Purpose::Passage).await.unwrap();
    // All pieces have the same length, and so has their mean.
    assert_lengths(&vectors[..1], &["x".repeat(750).as_str()]);
    assert_lengths(&vectors[1..], &[&short]);

    // It is known from then on.
    let before = server.asked().len();
    embedder.embed(&[&long], Purpose::Passage).await.unwrap();
    assert_eq!(server.asked().len(), before + 1);
}

#[tokio::test]
async fn a_server_that_finds_everything_too_long_is_given_up() {
    let server = StandIn::start(|_| refusal(400, "input is too large to process")).await;
    let text = "x".repeat(5000);
    let error = embedder(&server, None).await.embed(&[&text], Purpose::Passage).await.unwrap_err();
    assert!(error.message.contains("too large"), "{error}");
    assert!(server.asked().len() < 10, "{}", server.asked().len());
}

#[test]
fn pieces_are_of_about_the_same_size_and_never_cut_a_character() {
    let text = "äöü€".repeat(30);
    for longest in [1, 7, 100, 269, 270, 1000] {
        let pieces = pieces(&text, longest);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| piece.len() < longest + 4), "{longest}: {pieces:?}");
        assert_eq!(pieces.len() == 1, longest >= text.len(), "{longest}");
    }
    assert_eq!(pieces("", 10), [""]);
}
