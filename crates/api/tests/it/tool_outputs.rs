//! `submit_tool_outputs`: what is accepted, when, and how it is refused.

use cupola_models::Finish;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    model::{Gate, Piece, call, end},
};

fn outputs(list: &[(&str, &str)]) -> Value {
    let list: Vec<Value> =
        list.iter().map(|(id, output)| json!({"tool_call_id": id, "output": output})).collect();
    json!({"tool_outputs": list})
}

#[tokio::test]
async fn a_waiting_run_says_what_it_waits_for_and_until_when() {
    let app = TestApp::start().await;
    let (run, _) = app.waiting_run().await;
    assert_snapshot!(app.user.get(&run).await.shown());
}

#[tokio::test]
async fn the_run_has_left_requires_action_when_the_outputs_are_acknowledged() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let answer = app.user.post(&format!("{run}/submit_tool_outputs"), outputs(&[(&call, "rain")])).await;
    assert_snapshot!(answer.shown());
    let seen = app.user.get(&run).await.accepted();
    assert_ne!(seen["status"], "requires_action");
    assert_eq!(seen["required_action"], Value::Null);
}

#[tokio::test]
async fn parallel_calls_are_answered_in_any_order_and_given_to_the_model_in_theirs() {
    let app = TestApp::start().await;
    let agent = app.agent_with_functions().await;
    let calls = [
        call(0, "call_of_the_model_1", "get_weather", "{}"),
        call(1, "call_of_the_model_2", "get_time", "{}"),
    ];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    let run = app.run(&agent).await;
    app.user.until(&run, "requires_action").await;
    let both = outputs(&[("call_of_the_model_2", "noon"), ("call_of_the_model_1", "rain")]);
    app.user.post(&format!("{run}/submit_tool_outputs"), both).await.accepted();
    app.user.until(&run, "completed").await;
    let given = app.model.was_given();
    assert_eq!(given[1..], ["assistant: get_weather({}) + get_time({})", "tool: rain", "tool: noon"]);
}

#[tokio::test]
async fn ids_that_the_model_repeats_are_made_unique_so_that_each_call_can_be_answered() {
    let app = TestApp::start().await;
    let agent = app.agent_with_functions().await;
    let calls = [call(0, "call_0", "get_weather", "{}"), call(1, "call_0", "get_time", "{}")];
    app.model.then(calls.concat().into_iter().chain(end(Finish::ToolCalls, 20, 9)));
    let run = app.run(&agent).await;
    let seen = app.user.until(&run, "requires_action").await;
    let asked = seen["required_action"]["submit_tool_outputs"]["tool_calls"].as_array().unwrap();
    let ids: Vec<&str> = asked.iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert_ne!(ids[0], ids[1]);
    let both = outputs(&[(ids[0], "rain"), (ids[1], "noon")]);
    app.user.post(&format!("{run}/submit_tool_outputs"), both).await.accepted();
    app.user.until(&run, "completed").await;
}

#[tokio::test]
async fn outputs_for_other_calls_are_refused_and_the_run_goes_on_waiting() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    let path = format!("{run}/submit_tool_outputs");
    let cases = [
        (outputs(&[]), String::new()),
        (outputs(&[("call_other", "x")]), "'call_other'".to_owned()),
        (outputs(&[(&call, "x"), ("call_other", "x")]), format!("'{call}', 'call_other'")),
        (outputs(&[(&call, "x"), (&call, "y")]), format!("'{call}', '{call}'")),
    ];
    for (body, got) in cases {
        let sentence = format!("Expected tool outputs for call_ids ['{call}'], got [{got}]");
        assert_refused(&app.user.post(&path, body).await, 400, &sentence, None, None);
    }
    assert_eq!(app.user.get(&run).await.accepted()["status"], "requires_action");
    app.user.post(&path, outputs(&[(&call, "rain")])).await.accepted();
    app.user.until(&run, "completed").await;
}

#[tokio::test]
async fn outputs_are_accepted_once() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let path = format!("{run}/submit_tool_outputs");
    let attempts: Vec<_> = (0..10)
        .map(|n| {
            let (user, path, body) = (app.user.clone(), path.clone(), outputs(&[(&call, &n.to_string())]));
            tokio::spawn(async move { user.post(&path, body).await })
        })
        .collect();
    let mut accepted = 0;
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        if answer.status.is_success() {
            accepted += 1;
        } else {
            let (status, message, ..) = answer.refusal();
            assert_eq!(status, 400);
            assert!(message.ends_with("do not accept tool outputs."), "{message}");
        }
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn a_run_that_does_not_wait_accepts_no_outputs() {
    let app = TestApp::start().await;
    let agent = app.agent().await;
    app.model.then([Piece::Waits(Gate::closed())]);
    let working = app.run(&agent).await;
    app.user.until(&working, "in_progress").await;
    let over = app.run(&agent).await;
    app.user.until(&over, "completed").await;
    for (run, status) in [(working, "in_progress"), (over, "completed")] {
        let refused = app.user.post(&format!("{run}/submit_tool_outputs"), outputs(&[("call_x", "x")])).await;
        let sentence = format!("Runs in status \"{status}\" do not accept tool outputs.");
        assert_refused(&refused, 400, &sentence, None, None);
    }
}

#[tokio::test]
async fn outputs_that_are_missing_or_no_text_are_handled() {
    let app = TestApp::start().await;
    let (run, call) = app.waiting_run().await;
    let path = format!("{run}/submit_tool_outputs");
    let refused = app.user.post(&path, json!({})).await;
    let sentence = "Missing required parameter: 'tool_outputs'.";
    assert_refused(&refused, 400, sentence, Some("missing_required_parameter"), Some("tool_outputs"));
    let refused = app.user.post(&path, json!({"tool_outputs": [{"output": "x"}]})).await;
    assert_eq!(refused.refusal().3.as_deref(), Some("tool_outputs[0].tool_call_id"));
    let structured = json!({"tool_outputs": [{"tool_call_id": call, "output": {"degrees": 7}}]});
    app.user.post(&path, structured).await.accepted();
    app.user.until(&run, "completed").await;
    assert_eq!(app.model.was_given().last().unwrap(), r#"tool: {"degrees":7}"#);
}

#[tokio::test]
async fn a_forced_call_is_forced_once() {
    let app = TestApp::start().await;
    let agent = app.agent_with_functions().await;
    app.model.calls("get_weather", "{}");
    let thread = app.thread().await;
    let body = json!({"assistant_id": agent, "tool_choice": "required"});
    let run = app.user.create(&format!("/threads/{thread}/runs"), body).await;
    let run = format!("/threads/{thread}/runs/{run}");
    app.user.until(&run, "requires_action").await;
    let answer = outputs(&[("call_of_the_model_1", "rain")]);
    app.user.post(&format!("{run}/submit_tool_outputs"), answer).await.accepted();
    app.user.until(&run, "completed").await;
    let choices: Vec<_> = app.model.requests().into_iter().map(|request| request.tool_choice).collect();
    assert_eq!(choices, [cupola_models::ToolChoice::Required, cupola_models::ToolChoice::Auto]);
}
