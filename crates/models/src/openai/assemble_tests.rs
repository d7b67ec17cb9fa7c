//! Each test is an answer as some server sends it, and the deltas that must come of it.
#![allow(clippy::unwrap_used)]

use ModelDelta::{CallArguments, CallBegan, Text as Said};

use super::*;

fn deltas_of(choices: &[&str]) -> Vec<ModelDelta> {
    let mut assembler = Assembler::default();
    let mut deltas = VecDeque::new();
    for choice in choices {
        let json = format!(r#"{{"choices":[{choice}]}}"#);
        assembler.accept(serde_json::from_str(&json).unwrap(), &mut deltas).unwrap();
    }
    assembler.end(&mut deltas).unwrap();
    deltas.into()
}

/// The deltas of these `tool_calls` lists, one chunk each.
fn calls(chunks: &[&str]) -> Vec<ModelDelta> {
    let choices: Vec<String> =
        chunks.iter().map(|calls| format!(r#"{{"delta":{{"tool_calls":{calls}}}}}"#)).collect();
    deltas_of(&choices.iter().map(String::as_str).collect::<Vec<_>>())
}

fn began(index: usize, id: &str, name: &str) -> ModelDelta {
    CallBegan { index, id: id.into(), name: name.into() }
}

fn arguments(index: usize, text: &str) -> ModelDelta {
    CallArguments { index, text: text.into() }
}

const DONE: ModelDelta = ModelDelta::Finish(Finish::ToolCalls);

#[test]
fn text_comes_piece_by_piece() {
    let deltas = deltas_of(&[
        r#"{"delta":{"role":"assistant","content":""}}"#,
        r#"{"delta":{"content":"Hel"}}"#,
        r#"{"delta":{"content":"lo"}}"#,
        r#"{"delta":{},"finish_reason":"length"}"#,
    ]);
    assert_eq!(deltas, [Said("Hel".into()), Said("lo".into()), ModelDelta::Finish(Finish::Length)]);
}

#[test]
fn a_refusal_is_told_from_the_text() {
    let deltas = deltas_of(&[r#"{"delta":{"refusal":"I can't."},"finish_reason":"stop"}"#]);
    assert_eq!(deltas, [ModelDelta::Refusal("I can't.".into()), ModelDelta::Finish(Finish::Stop)]);
}

#[test]
fn what_is_thought_comes_before_what_is_said() {
    let deltas = deltas_of(&[
        r#"{"delta":{"role":"assistant","content":"","reasoning_content":"H"}}"#,
        r#"{"delta":{"content":"Hi","reasoning_content":"m"},"finish_reason":"stop"}"#,
    ]);
    let thought = ["H", "m"].map(|text| ModelDelta::Reasoning(text.into()));
    assert_eq!(deltas[..2], thought);
    assert_eq!(deltas[2..], [Said("Hi".into()), ModelDelta::Finish(Finish::Stop)]);
}

#[test]
fn a_summary_of_thoughts_is_told_from_the_thoughts() {
    let deltas = deltas_of(&[
        r#"{"delta":{"reasoning":"Hm","reasoning_details":[{"type":"reasoning.summary","summary":"Hm"}]},"finish_reason":"stop"}"#,
    ]);
    assert_eq!(deltas, [ModelDelta::ReasoningSummary("Hm".into()), ModelDelta::Finish(Finish::Stop)]);
}

#[test]
fn interleaved_fragments_are_told_apart_by_their_number() {
    let deltas = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#,
        r#"[{"index":1,"id":"b","function":{"name":"g","arguments":""}}]"#,
        r#"[{"index":0,"function":{"arguments":"{\"x\":"}},{"index":1,"function":{"arguments":"{}"}}]"#,
        r#"[{"index":0,"function":{"arguments":"1}"}}]"#,
    ]);
    let expected = [
        began(0, "a", "f"),
        began(1, "b", "g"),
        arguments(0, r#"{"x":"#),
        arguments(1, "{}"),
        arguments(0, "1}"),
        DONE,
    ];
    assert_eq!(deltas, expected);
}

#[test]
fn whole_calls_without_numbers_are_separate() {
    let deltas = calls(&[r#"[{"id":"a","function":{"name":"f","arguments":"{}"}},
                             {"id":"b","function":{"name":"f","arguments":"{\"x\":1}"}}]"#]);
    let expected =
        [began(0, "a", "f"), arguments(0, "{}"), began(1, "b", "f"), arguments(1, r#"{"x":1}"#), DONE];
    assert_eq!(deltas, expected);
}

#[test]
fn whole_calls_that_all_have_number_0_are_separate() {
    let deltas = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
        r#"[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]"#,
    ]);
    assert_eq!(
        deltas,
        [began(0, "a", "f"), arguments(0, "{}"), began(1, "b", "g"), arguments(1, "{}"), DONE]
    );
}

#[test]
fn whole_calls_with_neither_number_nor_id_or_a_repeated_id_are_separate() {
    for id in ["", r#""id":"same","#] {
        let call = format!(r#"{{{id}"function":{{"name":"f","arguments":"{{}}"}}}}"#);
        let deltas = calls(&[&format!("[{call},{call}]")]);
        assert_eq!(deltas.iter().filter(|delta| matches!(delta, CallBegan { .. })).count(), 2, "{id}");
    }
}

#[test]
fn fragments_that_repeat_id_and_name_are_one_call() {
    for number in ["", r#""index":3,"#] {
        let first = format!(r#"[{{{number}"id":"a","function":{{"name":"f","arguments":"{{\"x\""}}}}]"#);
        let second = format!(r#"[{{{number}"id":"a","function":{{"name":"f","arguments":":1}}"}}}}]"#);
        let expected = [began(0, "a", "f"), arguments(0, r#"{"x""#), arguments(0, ":1}"), DONE];
        assert_eq!(calls(&[&first, &second]), expected, "{number}");
    }
}

#[test]
fn fragments_without_number_or_id_continue_the_last_call() {
    let deltas = calls(&[r#"[{"id":"a","function":{"name":"f"}}]"#, r#"[{"function":{"arguments":"{}"}}]"#]);
    assert_eq!(deltas, [began(0, "a", "f"), arguments(0, "{}"), DONE]);
}

#[test]
fn a_call_is_announced_when_its_name_is_known() {
    let deltas = calls(&[
        r#"[{"index":0,"id":"a","function":{"arguments":"{\"x\""}}]"#,
        r#"[{"index":0,"function":{"name":"f"}}]"#,
        r#"[{"index":0,"function":{"arguments":":1}"}}]"#,
    ]);
    assert_eq!(deltas, [began(0, "a", "f"), arguments(0, r#"{"x""#), arguments(0, ":1}"), DONE]);
}

#[test]
fn numbers_that_start_elsewhere_become_places_without_gaps() {
    let deltas = calls(&[r#"[{"index":1,"function":{"name":"f"}},{"index":4,"function":{"name":"g"}}]"#]);
    assert_eq!(deltas, [began(0, "", "f"), began(1, "", "g"), DONE]);
}

#[test]
fn stop_after_calls_means_that_calls_are_wanted() {
    let deltas =
        deltas_of(&[r#"{"delta":{"tool_calls":[{"function":{"name":"f"}}]},"finish_reason":"stop"}"#]);
    assert_eq!(deltas.last(), Some(&DONE));
}

#[test]
fn nothing_follows_a_finish_but_usage() {
    let mut assembler = Assembler::default();
    let mut deltas = VecDeque::new();
    for json in [
        r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"delta":{"content":"late"}}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1,
            "prompt_tokens_details":{"cached_tokens":4}}}"#,
    ] {
        assembler.accept(serde_json::from_str(json).unwrap(), &mut deltas).unwrap();
    }
    let usage = ModelUsage { prompt_tokens: 5, completion_tokens: 1, cached_tokens: 4, reasoning_tokens: 0 };
    assert_eq!(deltas, [Said("a".into()), ModelDelta::Finish(Finish::Stop), ModelDelta::Usage(usage)]);
}

#[test]
fn a_call_that_never_names_its_function_is_trouble() {
    let mut assembler = Assembler::default();
    let json = r#"{"choices":[{"delta":{"tool_calls":[{"id":"a"}]},"finish_reason":"tool_calls"}]}"#;
    let outcome = assembler.accept(serde_json::from_str(json).unwrap(), &mut VecDeque::new());
    assert!(matches!(outcome, Err(Trouble::NamelessCall)));
}
