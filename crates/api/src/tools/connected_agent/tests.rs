//! What the tool makes of arguments and of answers.
#![allow(clippy::unwrap_used)]

use cupola_models::ModelUsage;

use super::*;

fn report(ended: Ended) -> Report {
    let id = |id: &str| id.to_owned();
    let usage = ModelUsage { prompt_tokens: 7, ..ModelUsage::default() };
    Report { agent: id("asst_1"), thread: id("thread_1"), run: id("run_1"), ended, usage }
}

#[test]
fn a_query_is_a_text_with_something_in_it() {
    let asked = |arguments: Value| query(arguments.as_object().unwrap());
    assert_eq!(asked(json!({"query": " How? "})), Some("How?".to_owned()));
    for nothing in [json!({}), json!({"query": ""}), json!({"query": " \n"}), json!({"query": 7})] {
        assert_eq!(asked(nothing), None);
    }
}

#[test]
fn the_model_is_told_how_far_the_agent_came() {
    let cut = |said: &str| Ended::CutShort { said: said.to_owned(), why: "It was stopped.".to_owned() };
    for (ended, expected) in [
        (Ended::Answered("Blue.".to_owned()), "Blue."),
        (Ended::Answered(String::new()), "The agent 'a' ended without an answer."),
        (cut(""), "The agent 'a' did not answer. It was stopped."),
        (cut("Bl"), "Bl\n[The answer of the agent 'a' ends here. It was stopped.]"),
    ] {
        let output = output("a", report(ended));
        assert_eq!(output.text, expected);
        assert_eq!(output.detail["run_id"], "run_1");
        assert_eq!(output.usage.prompt_tokens, 7);
    }
}
