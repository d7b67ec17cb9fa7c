//! Events of responses as they come over the wire: the golden files of the service, and what others send.

use std::path::Path;

use bytes::Bytes;
use cupola_client::{
    Error, Result,
    types::{CreateResponse, ResponseEvent},
};
use futures_util::StreamExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

/// What other services send, and what services of tomorrow may send.
const FOREIGN: &str = include_str!("golden/foreign_events.sse");

/// The streams that the service writes, with a time where the files have a mark.
fn golden_files() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/tests/it/golden/responses");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap().replace("\"<now>\"", "1746168385");
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        })
        .collect()
}

async fn read(pieces: Vec<Bytes>) -> Vec<Result<ResponseEvent>> {
    let server = Server::start([Answer::Http { status: 200, headers: vec![], pieces }]).await;
    let request = CreateResponse::to_model("gpt-4o", "Hi");
    server.project().responses().stream(&request).await.unwrap().collect().await
}

async fn read_text(text: &str) -> Vec<Result<ResponseEvent>> {
    read(vec![Bytes::copy_from_slice(text.as_bytes())]).await
}

/// The data of each event in a text.
fn data_of(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn every_stream_of_the_service_is_read_without_a_loss() {
    let files = golden_files();
    assert!(files.len() > 10, "{files:?}");
    for (name, text) in files {
        let mut read = read_text(&text).await;
        if name.contains("cancelled") {
            // No event tells of this end, so the stream says that it broke off.
            let last = read.pop().unwrap().unwrap_err();
            assert!(matches!(last, Error::StreamEnded(_)), "{name}: {last}");
        }
        let events: Vec<ResponseEvent> = read.into_iter().collect::<Result<_>>().unwrap();
        for event in &events {
            assert!(!matches!(event, ResponseEvent::Other(_)), "{name}: {event:?}");
        }
        let written: Vec<Value> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        assert_eq!(written, data_of(&text), "{name}");
        let numbers: Vec<_> = events.iter().map(|event| event.sequence_number().unwrap()).collect();
        // Some begin in the middle.
        let first = numbers[0];
        assert_eq!(numbers, (first..first + events.len() as u64).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_kept_whole() {
    let events: Vec<ResponseEvent> = read_text(FOREIGN).await.into_iter().collect::<Result<_>>().unwrap();
    let kinds: Vec<_> = events.iter().map(ResponseEvent::kind).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.hologram.delta",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.output_text.delta",
            "response.completed",
        ]
    );
    let ResponseEvent::Other(hologram) = &events[1] else { panic!("{:?}", events[1]) };
    assert_eq!(hologram["rgb"], json!([1, 2, 3]));
    assert_eq!(events[1].sequence_number(), Some(1));
    let ResponseEvent::ItemAdded(added) = &events[2] else { panic!("{:?}", events[2]) };
    assert_eq!(added.item.kind(), "bing_grounding_call");
    assert_eq!(events[4].text(), Some("Grüß dich 🦀"));
    assert_eq!(events[4].sequence_number(), None);
}

#[tokio::test]
async fn an_error_is_an_event_whichever_envelope_it_comes_in() {
    for data in [
        json!({"type": "error", "sequence_number": 3, "code": "server_error", "message": "out of luck"}),
        json!({"error": {"code": "server_error", "message": "out of luck"}, "sequence_number": 3}),
    ] {
        let events = read_text(&format!("event: error\ndata: {data}\n\n")).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let Ok(ResponseEvent::Error(error)) = &events[0] else { panic!("{events:?}") };
        assert_eq!((error.code.as_deref(), error.message.as_str()), (Some("server_error"), "out of luck"));
        assert_eq!(error.sequence_number, Some(3));
    }
}

#[tokio::test]
async fn a_stream_that_stops_before_the_end_says_so() {
    let text = FOREIGN.split("event: response.completed").next().unwrap();
    for text in [text.to_owned(), format!("{text}data: [DONE]\n\n")] {
        let events = read_text(&text).await;
        assert_eq!(events.len(), 6);
        assert!(matches!(events[5], Err(Error::StreamEnded(_))), "{events:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_says_so() {
    let text = Bytes::from_static(FOREIGN.split_at(400).0.as_bytes());
    let server = Server::start([Answer::BreakOff(vec![text])]).await;
    let request = CreateResponse::to_model("gpt-4o", "Hi");
    let mut events = server.project().responses().stream(&request).await.unwrap();
    events.next().await.unwrap().unwrap();
    let last = events.by_ref().collect::<Vec<_>>().await.pop().unwrap();
    assert!(matches!(last, Err(Error::StreamEnded(_))), "{last:?}");
}

#[tokio::test]
async fn an_event_that_can_not_be_read_names_the_field_and_the_others_still_come() {
    let wrong = "event: response.output_text.delta\n\
        data: {\"type\":\"response.output_text.delta\",\"delta\":7}\n\n";
    let (head, tail) = FOREIGN.split_once("event: response.hologram.delta").unwrap();
    let events = read_text(&format!("{head}{wrong}event: response.hologram.delta{tail}")).await;
    assert_eq!(events.len(), 7);
    let Err(Error::Decode { path, .. }) = &events[1] else { panic!("{events:?}") };
    assert_eq!(path, "response.output_text.delta: delta");
    assert_eq!(events[6].as_ref().unwrap().kind(), "response.completed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_chunking_gives_the_same_events(sizes in prop::collection::vec(1_usize..120, 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let whole = Bytes::from_static(FOREIGN.as_bytes());
        let (mut pieces, mut rest) = (Vec::new(), whole.clone());
        for size in sizes {
            pieces.push(rest.split_to(size.min(rest.len())));
        }
        pieces.push(rest);
        let (split, at_once) = runtime.block_on(async { (read(pieces).await, read(vec![whole]).await) });
        let split: Vec<ResponseEvent> = split.into_iter().collect::<Result<_>>().unwrap();
        let at_once: Vec<ResponseEvent> = at_once.into_iter().collect::<Result<_>>().unwrap();
        prop_assert_eq!(split, at_once);
    }
}
