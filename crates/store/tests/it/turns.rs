//! Turns and their journals.

use bytes::Bytes;
use cupola_store::{Conflict, JournalEntry, Store, StoreError, TurnPhase, TurnRecord};

use crate::making::*;

fn conflict(id: &str) -> Result<(), StoreError> {
    Err(StoreError::Conflict(Conflict::Journal(turn(id))))
}

pub async fn a_turn_is_read_with_its_journal(store: &dyn Store) {
    commit(store, vec![open_turn("t"), append("t", 0, TurnPhase::Running)]).await;
    commit(store, vec![append("t", 1, TurnPhase::Waiting { until: 99 })]).await;
    let entry = |n: i64| JournalEntry { at: 100 + n, entry: Bytes::from(format!("entry {n}")) };
    let expected = TurnRecord {
        turn: turn("t"),
        dialect: "classic".to_owned(),
        phase: TurnPhase::Waiting { until: 99 },
        journal: vec![entry(0), entry(1)],
    };
    assert_eq!(store.turn(&turn("t")).await.unwrap(), Some(expected));
}

pub async fn a_journal_has_no_gaps_and_no_second_writer(store: &dyn Store) {
    commit(store, vec![open_turn("t"), append("t", 0, TurnPhase::Running)]).await;
    for wrong in [0, 2, -1] {
        assert_eq!(store.submit(vec![append("t", wrong, TurnPhase::Running)]).await, conflict("t"));
    }
    let one = store.submit(vec![append("t", 1, TurnPhase::Running), insert(&note("one"), "", "", "")]);
    let other = store.submit(vec![append("t", 1, TurnPhase::Ended), insert(&note("other"), "", "", "")]);
    assert_eq!(one.await, Ok(()));
    assert_eq!(other.await, conflict("t"));
    assert!(doc(store, &note("one")).await.is_some());
    assert_eq!(doc(store, &note("other")).await, None, "what came with the second writer is not kept");
}

pub async fn nothing_follows_an_end(store: &dyn Store) {
    commit(store, vec![open_turn("t"), append("t", 0, TurnPhase::Ended)]).await;
    assert_eq!(store.submit(vec![append("t", 1, TurnPhase::Running)]).await, conflict("t"));
    assert_eq!(store.turn(&turn("t")).await.unwrap().unwrap().phase, TurnPhase::Ended);
}

pub async fn a_turn_is_opened_once(store: &dyn Store) {
    commit(store, vec![open_turn("t")]).await;
    assert_eq!(store.submit(vec![open_turn("t")]).await, conflict("t"));
}

pub async fn running_turns_are_found_and_others_are_not(store: &dyn Store) {
    let phases = [
        ("a", TurnPhase::Running),
        ("b", TurnPhase::Waiting { until: 5 }),
        ("c", TurnPhase::Ended),
        ("d", TurnPhase::Running),
    ];
    for (id, phase) in phases {
        commit(store, vec![open_turn(id), append(id, 0, phase)]).await;
    }
    let mut running: Vec<String> =
        store.running_turns().await.unwrap().into_iter().map(|turn| turn.id).collect();
    running.sort();
    assert_eq!(running, ["a", "d"]);
    commit(store, vec![append("b", 1, TurnPhase::Running), append("a", 1, TurnPhase::Ended)]).await;
    let mut running: Vec<String> =
        store.running_turns().await.unwrap().into_iter().map(|turn| turn.id).collect();
    running.sort();
    assert_eq!(running, ["b", "d"]);
}

pub async fn waiting_turns_are_found_when_their_time_is_over(store: &dyn Store) {
    assert_eq!(store.next_deadline().await.unwrap(), None);
    for (id, until) in [("late", 300), ("early", 100), ("middle", 200)] {
        commit(store, vec![open_turn(id), append(id, 0, TurnPhase::Waiting { until })]).await;
    }
    commit(store, vec![open_turn("running")]).await;
    assert_eq!(store.next_deadline().await.unwrap(), Some(100));
    assert_eq!(store.overdue_turns(99).await.unwrap(), []);
    assert_eq!(store.overdue_turns(200).await.unwrap(), [turn("early"), turn("middle")]);
    commit(store, vec![append("early", 1, TurnPhase::Ended)]).await;
    assert_eq!(store.next_deadline().await.unwrap(), Some(200));
    assert_eq!(store.overdue_turns(i64::MAX).await.unwrap(), [turn("middle"), turn("late")]);
}

pub async fn a_turn_that_does_not_exist_is_none(store: &dyn Store) {
    commit(store, vec![open_turn("t")]).await;
    assert_eq!(store.turn(&turn("other")).await.unwrap(), None);
}

pub async fn nothing_is_appended_to_a_turn_that_was_never_opened(store: &dyn Store) {
    assert_eq!(store.submit(vec![append("t", 0, TurnPhase::Running)]).await, conflict("t"));
}
