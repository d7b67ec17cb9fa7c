//! Recording a provider and playing it back.

use std::{path::Path, sync::Arc};

use cupola_models::{
    ChatMessage, Fault, FaultKind, Finish, ModelRequest, Provider, RequestedCall,
    builtin::{Builtin, Script},
    cassette::Cassette,
    config::CassetteMode,
};

use crate::{ask, asking};

/// A provider whose first answer differs from the later ones, and that fails when it is told to.
fn changing() -> Arc<dyn Provider> {
    let script = "rules:
  - when: { user: fail }
    then: { fail: { kind: broken, message: no } }
  - when: { user: stumble }
    then: { say: half, fail: { kind: broken, message: no } }
  - when: { times: 1 }
    then: { say: first answer }
  - then: { say: later answer }";
    Arc::new(Builtin::new("changing", Some(Script::parse(script).unwrap())))
}

fn open(file: &Path, mode: CassetteMode, inner: Option<Arc<dyn Provider>>) -> Cassette {
    Cassette::open("tape", file, mode, inner).unwrap()
}

async fn said(cassette: &Cassette, request: &ModelRequest) -> Result<String, Fault> {
    ask(cassette, request).await.map(|answer| answer.text)
}

#[tokio::test]
async fn what_was_recorded_is_played_back_in_order_and_the_last_answer_repeats() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    let recorder = open(&file, CassetteMode::Record, Some(changing()));
    let mut recorded = Vec::new();
    for _ in 0..2 {
        recorded.push(ask(&recorder, &asking("hi")).await.unwrap());
    }
    assert_eq!(recorded[0].finish, Some(Finish::Stop));
    assert_ne!(recorded[0].text, recorded[1].text);

    let player = open(&file, CassetteMode::Replay, None);
    for expected in [&recorded[0], &recorded[1], &recorded[1]] {
        assert_eq!(ask(&player, &asking("hi")).await.unwrap(), *expected);
    }
    assert_eq!(player.models().await.unwrap(), ["some-model"]);
}

#[tokio::test]
async fn call_ids_of_another_run_are_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    let with_id = |id: &str| {
        let call = RequestedCall { id: id.into(), name: "f".into(), arguments: "{}".into() };
        let mut request = asking("hi");
        request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
        request.messages.push(ChatMessage::Tool { call_id: id.into(), output: "1".into() });
        request
    };
    ask(&open(&file, CassetteMode::Record, Some(changing())), &with_id("call_a")).await.unwrap();
    assert!(ask(&open(&file, CassetteMode::Replay, None), &with_id("call_b")).await.is_ok());
}

#[tokio::test]
async fn a_missing_exchange_says_what_differs_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    ask(&open(&file, CassetteMode::Record, Some(changing())), &asking("hi")).await.unwrap();
    let fault = said(&open(&file, CassetteMode::Replay, None), &asking("hello")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Rejected);
    for part in ["digest ", "message 1 is ", "hello", "instead of", r#"set the cassette's mode to "auto""#] {
        assert!(fault.message.contains(part), "{part}: {fault}");
    }
}

#[tokio::test]
async fn auto_plays_what_is_there_and_records_what_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    let cassette = open(&file, CassetteMode::Auto, Some(changing()));
    assert_eq!(said(&cassette, &asking("a")).await.unwrap(), "first answer");
    assert_eq!(said(&cassette, &asking("a")).await.unwrap(), "first answer");
    assert_eq!(said(&cassette, &asking("b")).await.unwrap(), "later answer");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn faults_and_abandoned_answers_are_not_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    let recorder = open(&file, CassetteMode::Record, Some(changing()));
    for text in ["fail", "stumble"] {
        assert!(ask(&recorder, &asking(text)).await.is_err());
    }
    drop(recorder.call(&asking("hi")).await.unwrap());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tape.jsonl");
    std::fs::write(&file, "\n{}\n").unwrap();
    let error = Cassette::open("tape", &file, CassetteMode::Replay, None).unwrap_err().to_string();
    assert!(error.contains("tape.jsonl, line 2: not a recorded exchange: missing field"), "{error}");
    let missing = Cassette::open("tape", &directory.path().join("none"), CassetteMode::Replay, None);
    assert!(missing.unwrap_err().to_string().contains("can't be opened"));
}
