//! Calls that are shown in pairs: in which order they are told, and that a crash at any event changes nothing.
#![allow(clippy::unwrap_used)]

use cupola_engine::{Frame, Runner};

use super::{super::recall::read_event, *};
use crate::partition::Partition;

fn stream() -> Stream {
    Stream::new(Partition::new(), Map::new())
}

fn asked(id: &str) -> RequestedCall {
    RequestedCall { id: id.into(), name: "shop_list".into(), arguments: r#"{"limit":2}"#.into() }
}

fn answer(ids: &[&str]) -> Answer {
    Answer { calls: ids.iter().map(|id| asked(id)).collect(), ..Answer::default() }
}

fn served(ids: &[&str]) -> Vec<ServedCall> {
    let call = |id: &&str| ServedCall {
        call_id: (*id).into(),
        tool: Some(0),
        kind: "openapi".into(),
        function: "shop_list".into(),
        ..ServedCall::default()
    };
    ids.iter().map(call).collect()
}

fn outcome(id: &str, output: &str) -> CallOutcome {
    CallOutcome { call_id: id.into(), output: output.into(), ..CallOutcome::default() }
}

fn began(stream: &mut Stream, index: usize, id: &str) -> Vec<Frame> {
    stream.call_began(
        index,
        id,
        "shop_list",
        Runner::Service { tool: 0, kind: "openapi", function: "shop_list", needs_approval: false },
    )
}

/// Type, place and status of the item of each event.
fn told(frames: &[Frame]) -> Vec<(String, u64, String, String)> {
    let events = frames.iter().filter_map(read_event);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = events.map(|event| {
        let place = event["output_index"].as_u64().unwrap_or_default();
        (text(&event["type"]), place, text(&event["item"]["type"]), text(&event["item"]["status"]))
    });
    told.collect()
}

/// All frames of two calls that are done in the other order.
fn two_calls(stream: &mut Stream) -> Vec<Frame> {
    let mut frames = began(stream, 0, "a");
    frames.extend(began(stream, 1, "b"));
    frames.extend(stream.answered(&answer(&["a", "b"]), "completed", &served(&["a", "b"])));
    frames.extend(stream.tool_completed("openapi", &asked("b"), &outcome("b", "two")));
    frames.extend(stream.tool_completed("openapi", &asked("a"), &outcome("a", "one")));
    frames
}

#[test]
fn an_output_is_an_item_behind_its_call() {
    let mut stream = stream();
    let frames = two_calls(&mut stream);
    let event = |kind: &str, place, item: &str, status: &str| {
        (format!("response.output_item.{kind}"), place, item.to_owned(), status.to_owned())
    };
    let expected = [
        event("added", 0, "openapi_call", "in_progress"),
        event("added", 1, "openapi_call", "in_progress"),
        event("done", 1, "openapi_call", "completed"),
        event("added", 2, "openapi_call_output", "in_progress"),
        event("done", 2, "openapi_call_output", "completed"),
        event("done", 0, "openapi_call", "completed"),
        event("added", 3, "openapi_call_output", "in_progress"),
        event("done", 3, "openapi_call_output", "completed"),
    ];
    assert_eq!(told(&frames), expected);
    let mut call = stream.output()[0].clone();
    assert!(call.as_object_mut().unwrap().remove("id").unwrap().as_str().unwrap().starts_with("oa_"));
    let expected = json!({
        "type": "openapi_call", "call_id": "a", "name": "shop_list", "arguments": r#"{"limit":2}"#,
        "status": "completed",
    });
    assert_eq!(call, expected);
    let output = &stream.output()[3];
    assert_eq!((&output["call_id"], &output["output"]), (&json!("a"), &json!(r#"{"response":"one"}"#)));
}

#[test]
fn a_stream_that_is_taken_up_at_any_event_has_the_same_items_and_tells_none_twice() {
    let whole = two_calls(&mut stream());
    let without_ids = |mut items: Vec<Value>| {
        items.iter_mut().for_each(|item| item["id"] = json!(null));
        items
    };
    let mut expected = stream();
    two_calls(&mut expected);
    for kept in 2..=whole.len() {
        let mut stream = Stream::resumed(Partition::new(), Map::new(), &whole[..kept]);
        stream.recall_answered(&answer(&["a", "b"]), "completed", &served(&["a", "b"]));
        let mut frames = whole[..kept].to_vec();
        frames.extend(stream.tool_completed("openapi", &asked("b"), &outcome("b", "two")));
        frames.extend(stream.tool_completed("openapi", &asked("a"), &outcome("a", "one")));
        assert_eq!(told(&frames), told(&whole), "after {kept} events");
        assert_eq!(without_ids(stream.output().to_vec()), without_ids(expected.output().to_vec()));
    }
}

#[test]
fn a_call_that_failed_says_so_in_both_items() {
    let mut stream = stream();
    began(&mut stream, 0, "a");
    stream.answered(&answer(&["a"]), "completed", &served(&["a"]));
    let fault = cupola_engine::turn::TurnFault { code: "timeout".into(), message: "Too slow.".into() };
    let failed = CallOutcome { fault: Some(fault), ..outcome("a", "The call failed. Too slow.") };
    stream.tool_completed("openapi", &asked("a"), &failed);
    let [call, output] = stream.output() else { panic!("{:?}", stream.output()) };
    assert_eq!((&call["status"], &output["status"]), (&json!("failed"), &json!("failed")));
    assert_eq!(output["output"], "The call failed. Too slow.");
}

#[test]
fn a_call_that_is_cut_short_has_no_output() {
    let mut stream = stream();
    began(&mut stream, 0, "a");
    stream.cut_short();
    let [call] = stream.output() else { panic!("{:?}", stream.output()) };
    assert_eq!((&call["type"], &call["status"]), (&json!("openapi_call"), &json!("incomplete")));
}
