//! Events of runs as they come over the wire.

use bytes::Bytes;
use cupola_client::{
    AgentEvent, Error,
    types::{CreateRun, CreateThreadAndRun},
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    objects::{delta, message, run, step, thread},
    server::{Answer, Server},
};

fn create_run() -> CreateRun {
    CreateRun { assistant_id: "asst_1".to_owned(), ..CreateRun::default() }
}

/// The events of a plain answer, as text on the wire.
fn plain_answer() -> String {
    let events = [
        ("thread.run.created", run("queued")),
        ("thread.run.in_progress", run("in_progress")),
        ("thread.run.step.created", step("step_1")),
        ("thread.message.created", message("msg_1", "")),
        ("thread.message.delta", delta("Grüß ")),
        ("thread.message.delta", delta("dich 🦀")),
        ("thread.message.completed", message("msg_1", "Grüß dich 🦀")),
        ("thread.run.completed", run("completed")),
    ];
    let mut text: String =
        events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect();
    text.push_str(": ping\nevent: done\ndata: [DONE]\n\n");
    text
}

async fn read(pieces: Vec<Bytes>) -> Vec<AgentEvent> {
    let server = Server::start([Answer::Http { status: 200, headers: vec![], pieces }]).await;
    let events = server.client().runs("thread_1").stream(&create_run()).await.unwrap();
    events.try_collect().await.unwrap()
}

#[tokio::test]
async fn a_run_streams_from_created_to_done() {
    let events = read(vec![plain_answer().into()]).await;
    assert_eq!(events.len(), 9);
    assert!(matches!(&events[0], AgentEvent::RunCreated(run) if run.id == "run_1"));
    assert!(matches!(&events[2], AgentEvent::StepCreated(step) if step.id == "step_1"));
    let text: String = events.iter().filter_map(AgentEvent::text).collect();
    assert_eq!(text, "Grüß dich 🦀");
    assert_eq!(events[8], AgentEvent::Done);
}

#[tokio::test]
async fn a_stream_is_asked_for_with_stream_true() {
    let server = Server::start([
        Answer::events(&[("thread.run.completed", run("completed"))]),
        Answer::events(&[("thread.created", thread("thread_1"))]),
        Answer::events(&[("thread.run.completed", run("completed"))]),
    ])
    .await;
    let client = server.client();
    let runs = client.runs("thread_1");
    drop(runs.stream(&create_run()).await.unwrap());
    let body = CreateThreadAndRun { thread: None, run: create_run() };
    let mut events = client.create_thread_and_run_stream(&body).await.unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(AgentEvent::ThreadCreated(_))));
    drop(runs.submit_stream("run_1", vec![]).await.unwrap());
    assert_eq!(server.asked().len(), 3);
    for asked in server.asked() {
        assert_eq!(asked.json()["stream"], json!(true));
    }
}

#[tokio::test]
async fn an_error_event_and_an_unknown_event_are_delivered() {
    let server = Server::start([Answer::events(&[
        ("error", json!({"error": {"message": "overloaded", "code": "server_error"}})),
        ("thread.run.dreaming", json!({"sheep": 3})),
    ])])
    .await;
    let events = server.client().runs("thread_1").stream(&create_run()).await.unwrap();
    let events: Vec<AgentEvent> = events.try_collect().await.unwrap();
    assert!(matches!(&events[0], AgentEvent::Error(detail) if detail.message == "overloaded"));
    let sheep =
        AgentEvent::Other { event: "thread.run.dreaming".to_owned(), data: r#"{"sheep":3}"#.to_owned() };
    assert_eq!(events[1], sheep);
}

#[tokio::test]
async fn a_refused_stream_is_the_service_s_error() {
    let server = Server::start([Answer::status(404, json!({"error": {"message": "No thread found"}}))]).await;
    let error = server.client().runs("thread_1").stream(&create_run()).await.err().unwrap();
    assert_eq!(error.to_string(), "the service answered 404: No thread found");
}

#[tokio::test]
async fn a_stream_that_stops_half_way_is_an_error_and_not_an_end() {
    let half = Bytes::from(format!("event: thread.run.in_progress\ndata: {}\n\n", run("in_progress")));
    let server = Server::start([
        Answer::Http { status: 200, headers: vec![], pieces: vec![half.clone()] },
        Answer::BreakOff(vec![half]),
    ])
    .await;
    for _ in 0..2 {
        let mut events = server.client().runs("thread_1").stream(&create_run()).await.unwrap();
        assert!(matches!(events.next().await, Some(Ok(AgentEvent::RunInProgress(_)))));
        assert!(matches!(events.next().await, Some(Err(Error::StreamEnded(_)))));
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_stream_may_end_after_the_run_without_done() {
    let last = Bytes::from(format!("event: thread.run.completed\ndata: {}", run("completed")));
    assert_eq!(read(vec![last]).await.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_chunking_on_the_wire_gives_the_same_events(sizes in prop::collection::vec(1_usize..400, 1..40)) {
        let text = Bytes::from(plain_answer());
        let mut rest = text.clone();
        let mut pieces = Vec::new();
        for size in sizes {
            pieces.push(rest.split_to(size.min(rest.len())));
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (chunked, whole) = runtime.block_on(async { (read(pieces).await, read(vec![text]).await) });
        prop_assert_eq!(chunked, whole);
    }
}
