//! What the tool makes of settings, arguments and of what it hears.
#![allow(clippy::unwrap_used)]

use super::*;

fn heard(result: Value) -> Heard {
    let mut heard = Heard::default();
    assert!(heard.take(&result));
    heard
}

fn task(state: &str, said: &str) -> Heard {
    let message = json!({"parts": [{"kind": "text", "text": said}]});
    heard(json!({"kind": "task", "id": "t", "status": {"state": state, "message": message}}))
}

#[test]
fn an_agent_is_called_as_the_tool_says_or_by_its_connection() {
    let named = |settings: Value| Settings::read(&settings).unwrap().function_name(None);
    let id = "/subscriptions/x/connections/front desk";
    assert_eq!(named(json!({"project_connection_id": id})), "front_desk");
    assert_eq!(named(json!({"project_connection_id": id, "name": "desk"})), "desk");
    assert_eq!(named(json!({"base_url": "https://a.example"})), "ask_agent");
}

#[test]
fn the_model_is_told_what_an_agent_says_and_why_it_did_not() {
    let message = heard(json!({"kind": "message", "parts": [{"kind": "text", "text": "Hi"}]}));
    assert_eq!(answer("a", &message).unwrap().text, "Hi");
    let asks = answer("a", &task("input-required", "Which town?")).unwrap().text;
    assert!(asks.contains("wants to know more before it goes on: Which town?"), "{asks}");
    for (state, expected) in [
        ("failed", "The agent 'a' failed: No."),
        ("rejected", "The agent 'a' does not want to do that: No."),
        ("canceled", "The agent 'a' was stopped: No."),
        ("auth-required", "The agent 'a' wants credentials that the tool's connection does not hold: No."),
    ] {
        assert_eq!(answer("a", &task(state, "No.")).unwrap_err().message, expected);
    }
    let empty = heard(json!({"kind": "task", "id": "t", "status": {"state": "completed"}}));
    assert_eq!(answer("a", &empty).unwrap().text, "The agent 'a' ended without an answer.");
}
