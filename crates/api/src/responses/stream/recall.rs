//! A stream as it stood when its process died, from the events that were kept.

use bytes::Bytes;
use serde_json::Value;

use super::{
    Stream,
    open::{Call, Open, Spoken},
    seen::Strand,
    voice::Voice,
};
use crate::{citations::Source, tools};

/// The data of an event that was kept.
pub fn read_event(frame: &Bytes) -> Option<Value> {
    let (_, data) = crate::frames::event(frame)?;
    serde_json::from_slice(&data).ok()
}

/// The kind of tool that an item is a call of, where that is one of the service's own.
fn served_kind(item: &Value) -> Option<&'static str> {
    tools::kind_of_item(item_type(item))
}

fn item_type(item: &Value) -> &str {
    item["type"].as_str().unwrap_or_default()
}

impl Stream {
    /// Takes over an event that was kept.
    pub(super) fn recall(&mut self, event: &Value) {
        self.sequence += 1;
        let kind = event["type"].as_str().unwrap_or_default();
        match kind {
            "response.in_progress" => self.is_under_way = true,
            "response.output_item.added" if self.recall_asked(&event["item"]) => {}
            "response.output_item.added" if tools::is_request(item_type(&event["item"])) => {}
            "response.output_item.added" => match served_kind(&event["item"]) {
                Some(kind) => {
                    // One call is not the continuation of another.
                    self.seen.end();
                    self.seen.add(Strand::Served(item_type(&event["item"]).to_owned()), "");
                    self.recall_announced(kind, &event["item"]);
                }
                None if self.recall_output(&event["item"]) => {}
                None => self.open = self.recall_added(&event["item"]),
            },
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                let part = event["part"]["type"].as_str().unwrap_or_default();
                if let (Some(Open::Spoken(spoken)), Some(voice)) = (&mut self.open, Voice::of_part(part)) {
                    spoken.begin_part(voice);
                }
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                if let Some(Open::Spoken(spoken)) = &mut self.open {
                    spoken.end_part();
                }
            }
            "response.output_text.annotation.added" => {
                let annotation = &event["annotation"];
                self.seen.end();
                self.seen.add(Strand::Citation(Source::key_of(annotation).to_owned()), "");
                if let Some(Open::Spoken(spoken)) = &mut self.open {
                    spoken.annotate(annotation.clone());
                }
            }
            "response.output_item.done" if self.recall_listed(&event["item"]) => {}
            "response.output_item.done" if self.recall_ended(&event["item"]) => {}
            "response.output_item.done" => {
                self.open = None;
                self.recall_done(&event["item"]);
            }
            _ => self.recall_delta(kind, event["delta"].as_str().unwrap_or_default()),
        }
    }

    fn recall_added(&mut self, item: &Value) -> Option<Open> {
        let field = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let kind = item["type"].as_str().unwrap_or_default();
        if matches!(kind, "message" | "reasoning") {
            return Some(Open::Spoken(Spoken::new(field("id"), kind == "message")));
        }
        self.seen.add(Strand::Call(field("name")), "");
        Some(Open::Call(Call {
            id: field("id"),
            call_id: field("call_id"),
            name: field("name"),
            arguments: String::new(),
            is_custom: kind == "custom_tool_call",
        }))
    }

    fn recall_delta(&mut self, kind: &str, delta: &str) {
        match &mut self.open {
            Some(Open::Spoken(spoken)) => {
                if let Some(voice) = Voice::of_delta(kind) {
                    spoken.say(delta);
                    self.seen.add(Strand::Words(voice), delta);
                }
            }
            Some(Open::Call(call)) if kind == "response.function_call_arguments.delta" => {
                call.arguments.push_str(delta);
                self.seen.add(Strand::Call(call.name.clone()), delta);
            }
            Some(Open::Call(_)) | None => {}
        }
    }

    fn recall_done(&mut self, item: &Value) {
        self.output.push(item.clone());
        // Its input was told only when it was whole.
        if let (Some(name), Some(_)) = (item["name"].as_str(), item["input"].as_str()) {
            let wrapped = serde_json::json!({"input": item["input"]}).to_string();
            self.seen.add(Strand::Call(name.to_owned()), &wrapped);
        }
        match item["status"] == "incomplete" {
            // It was left when an answer differed from the one before it.
            true => self.seen.clear(),
            false => self.seen.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cupola_engine::{Frame, Runner, turn::Answer};
    use cupola_models::RequestedCall;
    use serde_json::{Map, json};

    use super::*;
    use crate::partition::Partition;

    fn stream() -> Stream {
        Stream::new(Partition::new(), Map::new()).with_custom_tools(vec!["shout".to_owned()])
    }

    /// The stream as another process finds it.
    fn taken_up(kept: &[Frame]) -> Stream {
        Stream::resumed(Partition::new(), Map::new(), kept).with_custom_tools(vec!["shout".to_owned()])
    }

    fn events(frames: &[Frame]) -> Vec<Value> {
        frames.iter().map(|frame| read_event(frame).expect("is an event")).collect()
    }

    fn types(frames: &[Frame]) -> Vec<String> {
        let events = events(frames);
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// An interrupted answer that thought, and had begun to speak.
    fn half() -> Vec<Frame> {
        let mut before = stream();
        let mut kept = vec![before.about("response.created", &json!({}))];
        kept.extend(before.under_way(&json!({})));
        kept.extend(before.say(Voice::Thought, "Hm."));
        kept.extend(before.say(Voice::Text, "It is"));
        kept
    }

    #[test]
    fn that_the_model_is_at_work_is_told_once() {
        let mut after = taken_up(&half());
        assert_eq!(after.under_way(&json!({})), None);
        let mut queued = stream();
        let kept = [queued.about("response.created", &json!({}))];
        assert_eq!(types(&Vec::from_iter(taken_up(&kept).under_way(&json!({})))), ["response.in_progress"]);
    }

    #[test]
    fn the_same_answer_goes_on_where_the_interrupted_one_stopped() {
        let kept = half();
        let mut after = taken_up(&kept);
        let mut rest = after.say(Voice::Thought, "Hm.");
        rest.extend(after.say(Voice::Text, "It is 42"));
        let answer = Answer { text: "It is 42".into(), reasoning: "Hm.".into(), ..Answer::default() };
        rest.extend(after.answered(&answer, "completed", &[]));
        let expected = [
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
        ];
        assert_eq!(types(&rest), expected);
        let first = &events(&rest)[0];
        assert_eq!((&first["delta"], &first["sequence_number"]), (&json!(" 42"), &json!(kept.len())));
        assert_eq!(after.output()[0]["content"], json!([Voice::Thought.part("Hm.")]));
        assert_eq!(after.output()[1]["content"], json!([Voice::Text.part("It is 42")]));
        assert_eq!(after.output().len(), 2);
    }

    #[test]
    fn another_answer_ends_what_was_begun_and_is_told_whole() {
        let mut after = taken_up(&half());
        after.say(Voice::Thought, "Hm.");
        after.say(Voice::Text, "It ");
        after.say(Voice::Text, "was 41");
        after.answered(&Answer { text: "It was 41".into(), ..Answer::default() }, "completed", &[]);
        let told: Vec<_> = after.output().iter().map(|item| (&item["status"], &item["content"][0])).collect();
        let part = |voice: Voice, text| voice.part(text);
        assert_eq!(
            told,
            [
                (&json!("completed"), &part(Voice::Thought, "Hm.")),
                (&json!("incomplete"), &part(Voice::Text, "It is")),
                (&json!("completed"), &part(Voice::Text, "It was 41")),
            ]
        );
    }

    fn call(name: &str, arguments: &str) -> RequestedCall {
        RequestedCall { id: "call_2".into(), name: name.into(), arguments: arguments.into() }
    }

    /// What is put out after an answer that was interrupted in the arguments of its second call.
    fn after_calls(second: &RequestedCall) -> Vec<Value> {
        let mut before = stream();
        let mut kept = before.call_began(0, "call_1", "f", Runner::Client);
        kept.extend(before.call_arguments(0, "{}"));
        kept.extend(before.call_began(1, "call_2", "g", Runner::Client));
        kept.extend(before.call_arguments(1, r#"{"a":"#));
        let mut after = taken_up(&kept);
        let answer = Answer { calls: vec![call("f", "{}"), second.clone()], ..Answer::default() };
        after.answered(&answer, "completed", &[]);
        after.output().to_vec()
    }

    #[test]
    fn calls_that_come_again_are_told_once() {
        let output = after_calls(&call("g", r#"{"a":1}"#));
        let told: Vec<_> = output.iter().map(|item| (&item["name"], &item["arguments"])).collect();
        assert_eq!(told, [(&json!("f"), &json!("{}")), (&json!("g"), &json!(r#"{"a":1}"#))]);
        assert!(output.iter().all(|item| item["status"] == "completed"));
    }

    #[test]
    fn a_call_with_other_arguments_is_another_call() {
        let output = after_calls(&call("g", r#"{"b":1}"#));
        let told: Vec<_> = output.iter().map(|item| (&item["status"], &item["arguments"])).collect();
        assert_eq!(
            told,
            [
                (&json!("completed"), &json!("{}")),
                (&json!("incomplete"), &json!(r#"{"a":"#)),
                (&json!("completed"), &json!(r#"{"b":1}"#)),
            ]
        );
    }

    #[test]
    fn a_call_of_a_custom_tool_is_recognised_by_its_input() {
        let mut before = stream();
        let mut kept = before.call_began(0, "call_1", "shout", Runner::Client);
        kept.extend(before.call_arguments(0, r#"{"input":"Hello"}"#));
        kept.extend(before.close("completed"));
        let mut after = taken_up(&kept);
        let answer = Answer { calls: vec![call("shout", r#"{"input":"Hello"}"#)], ..Answer::default() };
        assert_eq!(after.answered(&answer, "completed", &[]), Vec::<Frame>::new());
        assert_eq!(after.output().len(), 1);
    }
}
