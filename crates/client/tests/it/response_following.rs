//! Responses in the background, followed over broken connections.

use std::time::Duration;

use bytes::Bytes;
use cupola_client::{
    Error, ResponseOptions, Responses, Result,
    types::{CreateResponse, ResponseEvent, ResponseStatus},
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use crate::{
    objects::{response, said},
    server::{Answer, Server},
};

const ONE: &str = "/api/projects/demo/openai/v1/responses/resp_1";

/// All events of one response.
fn all() -> Vec<Value> {
    let mut events = vec![
        json!({"type": "response.created", "response": response("resp_1", "queued", &[])}),
        json!({"type": "response.in_progress", "response": response("resp_1", "in_progress", &[])}),
    ];
    let words = ["one ", "two ", "three"].map(|word| {
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": word})
    });
    events.extend(words);
    let ended = response("resp_1", "completed", &[said("one two three")]);
    events.push(json!({"type": "response.completed", "response": ended}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

fn written(events: &[Value]) -> String {
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(event).collect()
}

/// The events from `begin` up to `end`, after which the connection is closed.
fn closed(begin: usize, end: usize) -> Answer {
    let pieces = vec![written(&all()[begin..end]).into()];
    Answer::Http { status: 200, headers: vec![], pieces }
}

/// The events from `begin` up to `end`, and a part of the next one, in which the connection breaks off.
fn broken(begin: usize, end: usize) -> Answer {
    Answer::BreakOff(vec![written(&all()[begin..end]).into(), Bytes::from_static(b"event: resp")])
}

fn state(status: &str) -> Answer {
    Answer::json(response("resp_1", status, &[]))
}

fn in_background() -> CreateResponse {
    CreateResponse::to_agent("weather", "Count.").in_background()
}

fn responses(server: &Server) -> Responses {
    let options = ResponseOptions { poll_interval: Duration::from_millis(1), ..ResponseOptions::default() };
    server.project().responses().with_options(options)
}

fn numbers(events: &[ResponseEvent]) -> Vec<Option<u64>> {
    events.iter().map(ResponseEvent::sequence_number).collect()
}

#[tokio::test]
async fn a_stream_in_the_background_goes_on_where_connections_break_off() {
    let server = Server::start([broken(0, 2), closed(2, 4), state("in_progress"), closed(4, 6)]).await;
    let events = responses(&server).stream(&in_background()).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), (0..6).map(Some).collect::<Vec<_>>());
    assert_eq!(events.iter().filter_map(ResponseEvent::text).collect::<String>(), "one two three");
    assert_eq!(
        server.lines()[1..],
        [
            format!("GET {ONE}?stream=true&starting_after=1"),
            format!("GET {ONE}"),
            format!("GET {ONE}?stream=true&starting_after=3"),
        ]
    );
    assert_eq!(server.asked()[1].header("accept"), "text/event-stream");
}

#[tokio::test]
async fn an_event_that_comes_again_is_given_once() {
    let server = Server::start([broken(0, 4), closed(1, 6)]).await;
    let events = responses(&server).stream(&in_background()).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), (0..6).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_response_can_be_followed_from_any_place() {
    let server = Server::start([closed(3, 6)]).await;
    let events = responses(&server).follow("resp_1", Some(2)).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), [Some(3), Some(4), Some(5)]);
    assert_eq!(server.lines(), [format!("GET {ONE}?stream=true&starting_after=2")]);
}

#[tokio::test]
async fn a_cancelled_response_ends_with_an_event_although_the_service_sends_none() {
    let server = Server::start([closed(0, 3), state("cancelled")]).await;
    let events = responses(&server).follow("resp_1", None).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), [Some(0), Some(1), Some(2), None]);
    let ResponseEvent::Cancelled(last) = &events[3] else { panic!("{:?}", events[3]) };
    assert_eq!(last.response.status, ResponseStatus::Cancelled);
}

#[tokio::test]
async fn what_was_said_before_a_cancel_is_not_missed_where_the_connection_breaks_off() {
    let server = Server::start([broken(0, 2), closed(2, 4), state("cancelled")]).await;
    let events = responses(&server).follow("resp_1", None).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), [Some(0), Some(1), Some(2), Some(3), None]);
    assert!(matches!(events[4], ResponseEvent::Cancelled(_)), "{:?}", events[4]);
}

#[tokio::test]
async fn an_end_that_no_event_tells_of_is_told_by_the_response() {
    let server = Server::start([
        closed(0, 3),
        state("completed"),
        closed(3, 5),
        state("completed"),
        closed(5, 5),
        state("completed"),
    ])
    .await;
    let events = responses(&server).follow("resp_1", None).await.unwrap();
    let events: Vec<ResponseEvent> = events.try_collect().await.unwrap();
    assert_eq!(numbers(&events), [Some(0), Some(1), Some(2), Some(3), Some(4), None]);
    assert!(matches!(events[5], ResponseEvent::Completed(_)), "{:?}", events[5]);
}

#[tokio::test]
async fn connections_that_bring_nothing_come_to_an_end() {
    let fruitless = (0..20).flat_map(|_| [state("in_progress"), closed(0, 0)]);
    let server = Server::start([closed(0, 2)].into_iter().chain(fruitless)).await;
    let events = responses(&server).follow("resp_1", None).await.unwrap();
    let events: Vec<Result<ResponseEvent>> = events.collect().await;
    assert_eq!(events.len(), 3);
    assert!(matches!(events[2], Err(Error::StreamEnded(_))), "{events:?}");
    let streams = server.lines().iter().filter(|line| line.contains("stream=true")).count();
    assert_eq!(streams, 6, "{:?}", server.lines());
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_it_has_named_its_response_can_not_go_on() {
    let server = Server::start([broken(0, 0)]).await;
    let events = responses(&server).stream(&in_background()).await.unwrap();
    let events: Vec<Result<ResponseEvent>> = events.collect().await;
    assert!(matches!(events[..], [Err(Error::StreamEnded(_))]), "{events:?}");
}

#[tokio::test]
async fn a_response_that_is_gone_is_an_error_for_who_follows_it() {
    let gone = json!({"error": {"code": "not_found", "message": "Response with id 'resp_1' not found."}});
    let server = Server::start([broken(0, 2), Answer::status(404, gone)]).await;
    let events = responses(&server).stream(&in_background()).await.unwrap();
    let events: Vec<Result<ResponseEvent>> = events.collect().await;
    assert!(events[2].as_ref().is_err_and(Error::is_not_found), "{events:?}");
    assert_eq!(events.len(), 3);
}

#[tokio::test]
async fn who_waits_follows_the_events_and_does_not_look_again_and_again() {
    let server = Server::start([broken(0, 3), closed(3, 6)]).await;
    let ended = responses(&server).wait_for("resp_1").await.unwrap();
    assert_eq!(cupola_client::output_text(&ended), "one two three");
    assert_eq!(
        server.lines(),
        [format!("GET {ONE}?stream=true"), format!("GET {ONE}?stream=true&starting_after=2"),]
    );
}

#[tokio::test]
async fn a_response_whose_events_are_not_shown_is_looked_at_until_it_has_ended() {
    let refused = json!({"error": {"code": "invalid_value", "message": "Not in the background."}});
    let server = Server::start([
        Answer::status(400, refused),
        state("in_progress"),
        state("in_progress"),
        state("failed"),
    ])
    .await;
    let ended = responses(&server).wait_for("resp_1").await.unwrap();
    assert_eq!(ended.status, ResponseStatus::Failed);
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn an_error_event_ends_the_waiting_with_its_words_unless_the_response_has_ended() {
    let error = json!({"type": "error", "sequence_number": 2, "message": "out of luck"});
    let failing = || Answer::bytes_of(format!("event: error\ndata: {error}\n\n"));
    let server = Server::start([failing(), state("in_progress"), failing(), state("failed")]).await;
    let text = responses(&server).wait_for("resp_1").await.unwrap_err().to_string();
    assert_eq!(text, "the stream of events broke off: out of luck");
    assert_eq!(responses(&server).wait_for("resp_1").await.unwrap().status, ResponseStatus::Failed);
}

#[tokio::test]
async fn a_response_that_does_not_end_is_a_deadline_error_with_its_id() {
    let refused = json!({"error": {"message": "Not in the background."}});
    let looks = (0..2000).map(|_| state("in_progress"));
    let server = Server::start([Answer::status(400, refused)].into_iter().chain(looks)).await;
    let options = ResponseOptions {
        poll_interval: Duration::from_millis(1),
        deadline: Duration::from_millis(60),
        ..ResponseOptions::default()
    };
    let error = server.project().responses().with_options(options).wait_for("resp_1").await.unwrap_err();
    assert!(matches!(error, Error::Deadline { ref id, .. } if id == "resp_1"), "{error:?}");
}
