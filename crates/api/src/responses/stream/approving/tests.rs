//! Servers, approvals and calls of servers: in which order they are told, and that a crash changes nothing.
#![allow(clippy::unwrap_used)]

use cupola_engine::{
    Runner, ToolSpec,
    turn::{CallOutcome, Listing, TurnFault},
};
use serde_json::{Map, json};

use super::{super::recall::read_event, *};
use crate::{partition::Partition, tools::mcp};

fn with_server(stream: Stream) -> Stream {
    let settings = json!({"type": "mcp", "server_label": "bank"});
    stream.with_tools(vec![ToolSpec::Served { kind: "mcp".into(), settings }])
}

fn fresh() -> Stream {
    with_server(Stream::new(Partition::new(), Map::new()))
}

fn requested(id: &str, name: &str) -> RequestedCall {
    RequestedCall { id: id.into(), name: name.into(), arguments: r#"{"n":1}"#.into() }
}

fn served(id: &str, function: &str) -> ServedCall {
    ServedCall {
        call_id: id.into(),
        tool: Some(0),
        kind: "mcp".into(),
        function: function.into(),
        ..ServedCall::default()
    }
}

/// A call of `pay` that was approved.
fn approved() -> ApprovedCall {
    let grant = json!({mcp::APPROVAL: "mcpr_1"});
    ApprovedCall { asked: requested("a", "pay"), call: ServedCall { grant, ..served("a", "pay") } }
}

fn listing() -> Listing {
    let functions = json!({"tools": [{"name": "look", "input_schema": {"type": "object"}}]});
    Listing { tool: 0, kind: "mcp".into(), functions, fault: None }
}

/// An answer that asks for a call that is made at once, and for one that needs an approval.
fn answer() -> (Answer, Vec<ServedCall>) {
    let calls = vec![requested("b", "files_read"), requested("c", "pay")];
    let gated = ServedCall { needs_approval: true, ..served("c", "pay") };
    (Answer { calls, ..Answer::default() }, vec![served("b", "files.read"), gated])
}

fn outcome(id: &str) -> CallOutcome {
    CallOutcome { call_id: id.into(), output: format!("{id} done"), ..CallOutcome::default() }
}

/// The steps of a response. What each tells is kept as a whole.
const STEPS: [fn(&mut Stream) -> Vec<Frame>; 8] = [
    |stream| vec![stream.about("response.created", &json!({}))],
    |stream| stream.approved(&[approved()]),
    |stream| stream.tool_completed("mcp", &approved().asked, &outcome("a")),
    |stream| stream.listing_began(0, "mcp"),
    |stream| stream.listed(&listing()),
    |stream| {
        let (answer, served) = answer();
        let runners = answer.calls.iter().zip(&served).enumerate();
        runners
            .flat_map(|(at, (call, own))| stream.call_began(at, &call.id, &call.name, own.runner()))
            .collect()
    },
    |stream| {
        let (answer, served) = answer();
        stream.answered(&answer, "completed", &served)
    },
    |stream| stream.tool_completed("mcp", &requested("b", "files_read"), &outcome("b")),
];

fn all_steps() -> (Vec<Vec<Frame>>, Vec<Value>) {
    let mut stream = fresh();
    let frames = STEPS.iter().map(|step| step(&mut stream)).collect();
    (frames, without_ids(stream.output()))
}

fn without_ids(items: &[Value]) -> Vec<Value> {
    let mut items = items.to_vec();
    items.iter_mut().for_each(|item| item["id"] = json!(null));
    items
}

fn told(frames: &[Frame]) -> Vec<(String, Value, Value)> {
    let events = frames.iter().filter_map(read_event);
    let kind = |event: &Value| event["type"].as_str().unwrap().replacen("response.", "", 1);
    events.map(|event| (kind(&event), event["output_index"].clone(), event["item"]["type"].clone())).collect()
}

#[test]
fn each_step_tells_its_events_in_order() {
    let (steps, _) = all_steps();
    let kinds = |step: usize| -> Vec<_> { told(&steps[step]).into_iter().map(|(kind, ..)| kind).collect() };
    let arguments = ["mcp_call_arguments.delta", "mcp_call_arguments.done"];
    assert_eq!(kinds(1), ["output_item.added", "mcp_call.in_progress", arguments[0], arguments[1]]);
    assert_eq!(kinds(2), ["mcp_call.completed", "output_item.done"]);
    assert_eq!(kinds(3), ["output_item.added", "mcp_list_tools.in_progress"]);
    assert_eq!(kinds(4), ["mcp_list_tools.completed", "output_item.done"]);
    assert_eq!(kinds(5), ["output_item.added", "mcp_call.in_progress"]);
    assert_eq!(kinds(6), ["output_item.added", "output_item.done", arguments[0], arguments[1]]);
    assert_eq!(kinds(7), ["mcp_call.completed", "output_item.done"]);
}

#[test]
fn items_name_the_server_the_tool_and_the_approval() {
    let (_, items) = all_steps();
    let [made, listed, read, request] = items.as_slice() else { panic!("{items:?}") };
    let expected = json!({
        "type": "mcp_call", "id": null, "status": "completed", "approval_request_id": "mcpr_1",
        "arguments": r#"{"n":1}"#, "name": "pay", "server_label": "bank", "error": null, "output": "a done",
    });
    assert_eq!(*made, expected);
    assert_eq!((&listed["type"], &listed["tools"][0]["name"]), (&json!("mcp_list_tools"), &json!("look")));
    // The tool's own name, not the one that the model knows it by.
    assert_eq!((&read["name"], &read["approval_request_id"]), (&json!("files.read"), &json!(null)));
    let expected = json!({
        "type": "mcp_approval_request", "id": null, "arguments": r#"{"n":1}"#, "name": "pay",
        "server_label": "bank",
    });
    assert_eq!(*request, expected);
}

/// A stream that is taken up when this many steps were kept, as the journal says it.
fn taken_up(steps: &[Vec<Frame>], kept: usize) -> (Stream, Vec<ApprovedCall>) {
    let kept_frames = steps[..kept].concat();
    let mut stream = with_server(Stream::resumed(Partition::new(), Map::new(), &kept_frames));
    let untold = stream.recall_approved(&[approved()]);
    if kept > 2 {
        stream.recall_outcome("mcp", &approved().asked, &outcome("a"));
    }
    if kept > 4 {
        stream.recall_listing(&listing());
    }
    if kept > 6 {
        let (answer, served) = answer();
        stream.recall_answered(&answer, "completed", &served);
    }
    (stream, untold)
}

#[test]
fn a_stream_that_is_taken_up_behind_any_step_has_the_same_items_and_tells_none_twice() {
    let (steps, items) = all_steps();
    for kept in 1..STEPS.len() {
        let (mut stream, untold) = taken_up(&steps, kept);
        let mut frames = steps[..kept].concat();
        frames.extend(stream.approved(&untold));
        // What was told and is not in the journal happens again.
        let again = match kept {
            4 => 3,
            6 => 5,
            kept => kept.max(2),
        };
        STEPS[again..].iter().for_each(|step| frames.extend(step(&mut stream)));
        assert_eq!(told(&frames), told(&steps.concat()), "behind {kept} steps");
        assert_eq!(without_ids(stream.output()), items, "behind {kept} steps");
    }
}

#[test]
fn a_server_that_is_not_waited_for_any_more_says_so() {
    let mut stream = fresh();
    stream.listing_began(0, "mcp");
    let frames = stream.cut_listings();
    assert_eq!(told(&frames)[0].0, "mcp_list_tools.failed");
    let item = &stream.output()[0];
    assert_eq!((&item["server_label"], &item["tools"]), (&json!("bank"), &json!([])));
    assert!(item["error"].as_str().unwrap().contains("not waited for"));
}

#[test]
fn an_error_of_a_call_takes_the_form_that_clients_know() {
    let error_of = |code: &str| {
        let mut stream = fresh();
        stream.approved(&[approved()]);
        let fault = TurnFault { code: code.into(), message: "No.".into() };
        let failed = CallOutcome { fault: Some(fault), ..outcome("a") };
        let frames = stream.tool_completed("mcp", &approved().asked, &failed);
        assert_eq!(told(&frames)[0].0, "mcp_call.failed");
        assert_eq!(
            (&stream.output()[0]["status"], &stream.output()[0]["output"]),
            (&json!("failed"), &json!(null))
        );
        stream.output()[0]["error"].clone()
    };
    let content = json!([{"type": "text", "text": "No."}]);
    assert_eq!(error_of("tool_error"), json!({"type": "mcp_tool_execution_error", "content": content}));
    assert_eq!(error_of("http_503"), json!({"type": "http_error", "code": 503, "message": "No."}));
    let protocol = |code: i64| json!({"type": "mcp_protocol_error", "code": code, "message": "No."});
    assert_eq!(error_of("rpc_-32602"), protocol(-32602));
    assert_eq!((error_of("timeout"), error_of("unreachable")), (protocol(-32001), protocol(-32000)));
}

#[test]
fn what_the_client_runs_beside_is_handed_over_with_the_request() {
    let mut stream = fresh();
    stream.call_began(0, "c", "pay", served_gated().runner());
    stream.call_began(1, "d", "ask_user", Runner::Client);
    stream.call_arguments(1, "{}");
    let calls =
        vec![requested("c", "pay"), RequestedCall { arguments: "{}".into(), ..requested("d", "ask_user") }];
    stream.answered(&Answer { calls, ..Answer::default() }, "completed", &[served_gated()]);
    let types: Vec<_> = stream.output().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["function_call", "mcp_approval_request"]);
}

fn served_gated() -> ServedCall {
    ServedCall { needs_approval: true, ..served("c", "pay") }
}
