//! What scripts do, each told as a short scene.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::{ChatMessage, FaultKind, FunctionDeclaration, Part, RequestedCall};

fn user(text: &str) -> ChatMessage {
    ChatMessage::User { parts: vec![Part::Text { text: text.into() }] }
}

fn asked(text: &str) -> ModelRequest {
    ModelRequest { model: "gpt".into(), messages: vec![user(text)], ..Default::default() }
}

fn after_output(text: &str, name: &str, output: &str) -> ModelRequest {
    let call = RequestedCall { id: "c".into(), name: name.into(), arguments: "{}".into() };
    let mut request = asked(text);
    request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
    request.messages.push(ChatMessage::Tool { call_id: "c".into(), output: output.into() });
    request
}

fn said(script: &Script, request: &ModelRequest) -> Option<String> {
    script.reply(request).map(|reply| reply.text)
}

#[test]
fn a_rule_may_think_and_refuse() {
    let script = Script::parse(
        "rules:
  - when: { user: { regex: 'pick (\\w+)' } }
    then: { reason: 'They want {{1}}.', refuse: 'I do not pick {{1}}.' }",
    )
    .unwrap();
    let reply = script.reply(&asked("pick locks")).unwrap();
    assert_eq!(
        (reply.reasoning.as_str(), reply.refusal.as_str()),
        ("They want locks.", "I do not pick locks.")
    );
    assert_eq!(reply.text, "");
}

#[test]
fn the_first_rule_that_applies_answers() {
    let script = Script::parse(
        "rules:
  - when: { user: refund }
    then: { say: I can help with refunds. }
  - when: { user: { regex: '(?i)order (\\d+)' } }
    then: { say: 'Order {{1}} is on its way.' }",
    )
    .unwrap();
    assert_eq!(said(&script, &asked("A REFUND for order 7?")).as_deref(), Some("I can help with refunds."));
    assert_eq!(said(&script, &asked("Where is order 7?")).as_deref(), Some("Order 7 is on its way."));
    assert_eq!(said(&script, &asked("Hello")), None);
}

#[test]
fn otherwise_answers_where_no_rule_applies() {
    let script = Script::parse("rules: []\notherwise: { say: 'You said {{user}}' }").unwrap();
    assert_eq!(said(&script, &asked("hi")).as_deref(), Some("You said hi"));
}

#[test]
fn a_rule_calls_and_another_one_answers_the_output() {
    let script = Script::parse(
        "rules:
  - when: { user: weather, tools: [get_weather] }
    then:
      call:
        - { name: get_weather, arguments: { city: Rome } }
        - { name: get_time }
  - when: { tool_output: { name: get_weather, regex: 'sun(ny)?' } }
    then: { say: 'Sun: {{tool_output}}' }",
    )
    .unwrap();
    let mut request = asked("weather?");
    assert_eq!(said(&script, &request), None);
    let parameters = json!({});
    request.tools =
        vec![FunctionDeclaration { name: "get_weather".into(), description: None, parameters, strict: None }];
    let calls = script.reply(&request).unwrap().calls;
    let expected = [("get_weather", r#"{"city":"Rome"}"#), ("get_time", "{}")];
    assert_eq!(
        calls,
        expected.map(|(name, arguments)| Call { name: name.into(), arguments: arguments.into() })
    );

    let mut request = after_output("weather?", "get_weather", "sunny, 21 degrees");
    request.tools = vec![];
    assert_eq!(said(&script, &request).as_deref(), Some("Sun: sunny, 21 degrees"));
    assert_eq!(said(&script, &after_output("weather?", "get_weather", "rain")), None);
    assert_eq!(said(&script, &after_output("weather?", "other", "sunny")), None);
}

#[test]
fn model_instructions_and_turn_are_conditions() {
    let script = Script::parse(
        "rules:
  - when: { turn: 2, model: gpt, instructions: { contains: pirate } }
    then: { say: Arr again! }",
    )
    .unwrap();
    let mut request = asked("one");
    request.messages.insert(0, ChatMessage::System { text: "Talk like a Pirate.".into() });
    assert_eq!(said(&script, &request), None);
    request.messages.push(user("two"));
    assert_eq!(said(&script, &request).as_deref(), Some("Arr again!"));
    request.model = "other".into();
    assert_eq!(said(&script, &request), None);
}

#[test]
fn a_rule_can_fail_a_number_of_times() {
    let script = Script::parse(
        "rules:
  - when: { times: 2 }
    then: { fail: { kind: rate_limited, message: 'slow down, {{model}}' } }
  - then: { json: { ok: true } }",
    )
    .unwrap();
    for _ in 0..2 {
        let fault = script.reply(&asked("x")).unwrap().fault.unwrap();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::RateLimited, "slow down, gpt"));
    }
    assert_eq!(said(&script, &asked("x")).as_deref(), Some(r#"{"ok":true}"#));
}

#[test]
fn delays_and_the_finish_are_taken_over() {
    let yaml =
        "rules: [{ then: { say: a, delay: { first: 200ms, between: 10ms }, finish: content_filter } }]";
    let reply = Script::parse(yaml).unwrap().reply(&asked("x")).unwrap();
    assert_eq!((reply.before.as_millis(), reply.between.as_millis()), (200, 10));
    assert_eq!(reply.finish, Some(crate::Finish::ContentFilter));
}

#[test]
fn mistakes_are_reported_with_their_line() {
    for (yaml, expected) in [
        ("rules:\n  - when: { usr: x }\n    then: { say: a }", "unknown field `usr`"),
        ("rules:\n  - when: { user: { regex: '(' } }\n    then: { say: a }", "the regex can't be read"),
        ("rules:\n  - then: { say: '{{' }", "without `}}`"),
        ("rules:\n  - then: { delay: { first: 5 } }", "is not a duration"),
        ("rules:\n  - then: { finish: stop }", "`then` needs at least one of"),
        ("rules:\n  - then: { call: { name: f, args: {} } }", "unknown field `args`"),
        ("rules:\n  - then: { fail: { kind: tired, message: a } }", "unknown variant `tired`"),
        ("rules:\n  - then: { say: [] }", "expected a string"),
    ] {
        let message = Script::parse(yaml).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("line "), "{message}");
    }
}
