//! The driver over a real store: recovery, draining, fencing, and what can't be read.

use std::time::Duration;

use bytes::Bytes;
use cupola_engine::{Begin, BeginError, Begun, CommandError, Durable, Listen, turn::Event};
use cupola_store::{Change, Key, TurnPhase};

use crate::{
    model::GatedModel,
    plain::{RUN, begin, called, ended, engine, journal, key, store},
};

#[tokio::test]
async fn who_stops_waiting_for_the_end_does_not_stop_the_turn() {
    let (store, _home) = store();
    let model = GatedModel::closed();
    let engine = engine(&store, &model);
    let waited_for = Begin { listen: Listen::End, durable: Durable::Ended, ..begin(&store, "t", false) };
    let end = engine.begin(waited_for).await.unwrap().end.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(20), end.document()).await;
    assert!(given_up.is_err(), "the model has not answered");
    model.let_go();
    let resource = Key::new(&key("t").project, RUN, "t");
    while store.get(&resource).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_turn_is_accepted_answered_and_over() {
    let (store, _home) = store();
    let engine = engine(&store, &GatedModel::open());
    let Begun { document, frames, .. } = engine.begin(begin(&store, "t", true)).await.unwrap();
    assert_eq!(document, "document");
    let mut frames = frames.unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = frames.recv().await {
        seen.push(String::from_utf8(frame.to_vec()).unwrap());
    }
    assert_eq!(seen, ["event", "Text(\"Done.\")", "ended"]);
    assert_eq!(journal(&store, "t").await, ["accepted", "answered"]);
}

#[tokio::test]
async fn a_turn_that_was_left_is_taken_up_again_and_one_that_is_over_is_not() {
    let (store, _home) = store();
    let first = engine(&store, &GatedModel::open());
    first.begin(begin(&store, "over", false)).await.unwrap();
    ended(&store, "over").await;
    let closed = GatedModel::closed();
    let second = engine(&store, &closed);
    second.begin(begin(&store, "left", false)).await.unwrap();
    called(&closed).await;
    second.drain(Duration::ZERO).await;
    assert_eq!(journal(&store, "left").await, ["accepted"]);

    let model = GatedModel::open();
    let third = engine(&store, &model);
    assert_eq!(third.recover().await.unwrap(), 1);
    ended(&store, "left").await;
    assert_eq!(model.calls(), 1);
    assert_eq!(journal(&store, "left").await, ["accepted", "answered"]);
}

#[tokio::test]
async fn a_stop_that_was_asked_for_before_the_end_of_the_process_is_carried_out_by_the_next() {
    let (store, _home) = store();
    let closed = GatedModel::closed();
    let first = engine(&store, &closed);
    first.begin(begin(&store, "t", false)).await.unwrap();
    called(&closed).await;
    first.drain(Duration::ZERO).await;
    let entry = Bytes::from(serde_json::to_vec(&Event::CancelRequested).unwrap());
    let append = Change::Append { turn: key("t"), position: 1, at: 0, entry, phase: TurnPhase::Running };
    store.submit(vec![append]).await.unwrap();

    let model = GatedModel::open();
    engine(&store, &model).recover().await.unwrap();
    ended(&store, "t").await;
    assert_eq!(journal(&store, "t").await, ["accepted", "cancel_requested", "stopped"]);
    assert_eq!(model.calls(), 0);
}

#[tokio::test]
async fn draining_lets_a_turn_finish_within_its_grace_and_takes_on_nothing_new() {
    let (store, _home) = store();
    let model = GatedModel::closed();
    let engine = engine(&store, &model);
    engine.begin(begin(&store, "t", false)).await.unwrap();
    called(&model).await;
    let draining = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain(Duration::from_secs(60)).await }
    });
    // The drain has begun once a new turn is refused.
    let mut number = 0;
    loop {
        number += 1;
        match engine.begin(begin(&store, &format!("new{number}"), false)).await {
            Err(BeginError::Draining) => break,
            other => assert!(other.is_ok()),
        }
        tokio::task::yield_now().await;
    }
    let refused = engine.submit(key("t"), Vec::new(), false).await;
    assert!(matches!(refused, Err(CommandError::Draining)));
    model.let_go();
    draining.await.unwrap();
    assert_eq!(journal(&store, "t").await, ["accepted", "answered"]);
}

#[tokio::test]
async fn of_two_engines_that_drive_one_turn_one_writes_its_end() {
    let (store, _home) = store();
    let slow = GatedModel::closed();
    let first = engine(&store, &slow);
    let Begun { frames, .. } = first.begin(begin(&store, "t", true)).await.unwrap();
    called(&slow).await;
    let second = engine(&store, &GatedModel::open());
    second.recover().await.unwrap();
    ended(&store, "t").await;
    slow.let_go();
    let mut frames = frames.unwrap();
    while let Some(frame) = frames.recv().await {
        assert_ne!(frame, "ended", "the one that came too late does not claim an end");
    }
    assert_eq!(journal(&store, "t").await, ["accepted", "answered"]);
}

#[tokio::test]
async fn a_turn_whose_resource_was_deleted_is_given_up() {
    let (store, _home) = store();
    let model = GatedModel::closed();
    let engine = engine(&store, &model);
    let Begun { frames, .. } = engine.begin(begin(&store, "t", true)).await.unwrap();
    called(&model).await;
    let resource = Key::new(&key("t").project, RUN, "t");
    store.submit(vec![Change::Delete { key: resource }]).await.unwrap();
    model.let_go();
    let mut frames = frames.unwrap();
    while frames.recv().await.is_some() {}
    assert_eq!(store.turn(&key("t")).await.unwrap(), None);
    assert!(matches!(engine.cancel(key("t")).await, Err(CommandError::Unknown)));
}

#[tokio::test]
async fn commands_for_a_turn_that_does_not_exist_or_can_not_be_read_are_refused() {
    let (store, _home) = store();
    let engine = engine(&store, &GatedModel::open());
    assert!(matches!(engine.cancel(key("none")).await, Err(CommandError::Unknown)));

    let insert = |id: &str| Change::Insert {
        key: Key::new(&key(id).project, RUN, id),
        parent: String::new(),
        facet: String::new(),
        created_at: 0,
        doc: Bytes::new(),
        aside: None,
    };
    let damaged = |id: &str, dialect| {
        let entry = Bytes::from_static(b"{\"event\":\"from the future\"}");
        let append = Change::Append { turn: key(id), position: 0, at: 0, entry, phase: TurnPhase::Running };
        vec![insert(id), Change::OpenTurn { turn: key(id), dialect }, append]
    };
    store.submit(damaged("damaged", "plain")).await.unwrap();
    store.submit(damaged("foreign", "of another binary")).await.unwrap();
    for id in ["damaged", "foreign"] {
        let refused = engine.cancel(key(id)).await;
        assert!(matches!(refused, Err(CommandError::Store(_))), "{id}");
    }
    // One turn that can't be read keeps none of the others from being taken up.
    engine.begin(begin(&store, "fine", false)).await.unwrap();
    engine.recover().await.unwrap();
    ended(&store, "fine").await;
}
