//! A thread as a conversation: its messages, with the tool calls of runs where they happened.

use cupola_client::types::{Item, Message, Run, RunStep, StepDetails, Thread};
use serde_json::Value;

use super::{
    calls,
    messages::{self, FileNames},
    report::{Losses, Mapped},
};

/// A run with its steps, oldest first.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run.
    pub run: Run,
    /// Its steps.
    pub steps: Vec<RunStep>,
}

/// Everything in a thread, oldest first.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The messages.
    pub messages: Vec<Message>,
    /// The runs.
    pub runs: Vec<RunRecord>,
}

impl Contents {
    /// A run that is still at work, or waits: the thread may change any time.
    pub fn unfinished(&self) -> Option<&Run> {
        self.runs.iter().map(|record| &record.run).find(|run| !run.status.is_terminal())
    }
}

/// The items of the conversation.
pub fn items(thread: &Thread, contents: &Contents, files: &FileNames) -> Mapped<Vec<Item>> {
    let mut losses = Losses::default();
    for (kind, _) in thread.tool_resources.iter().filter(|(_, part)| holds_something(part)) {
        losses.note(format!("tool_resources.{kind}"), "conversations have none; give it to the agent's tool");
    }
    for field in thread.extra.keys() {
        losses.note(field.as_str(), "this version of Cupola does not know the field");
    }
    let mut made = Vec::new();
    let mut runs: Vec<RunLeft<'_>> =
        contents.runs.iter().map(|record| RunLeft::of(record, &contents.messages)).collect();
    for (index, message) in contents.messages.iter().enumerate() {
        for run in runs.iter_mut().filter(|run| run.place == Place::Before(index)) {
            made.extend(run.take_all(&mut losses));
        }
        let mut own = runs.iter_mut().find(|run| message.run_id.as_ref() == Some(run.id));
        if let Some(run) = &mut own {
            made.extend(run.take_until(&message.id, &mut losses));
        }
        made.extend(messages::item(message, files, &mut losses));
        if let Some(run) = own.filter(|run| run.place == Place::LastMessage(index)) {
            made.extend(run.take_all(&mut losses));
        }
    }
    for run in &mut runs {
        made.extend(run.take_all(&mut losses));
    }
    Mapped { made, losses }
}

/// Where in the thread a run belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It wrote messages, the last one at this index.
    LastMessage(usize),
    /// It wrote none, and was started when the messages before this index were there.
    Before(usize),
}

/// The steps of a run that are not items yet.
struct RunLeft<'a> {
    id: &'a String,
    place: Place,
    steps: &'a [RunStep],
}

impl<'a> RunLeft<'a> {
    fn of(record: &'a RunRecord, messages: &[Message]) -> Self {
        let run = &record.run;
        let last = messages.iter().rposition(|message| message.run_id.as_ref() == Some(&run.id));
        let there = || messages.iter().take_while(|message| message.created_at <= run.created_at).count();
        let place = last.map_or_else(|| Place::Before(there()), Place::LastMessage);
        Self { id: &run.id, place, steps: &record.steps }
    }

    /// The items of the steps up to the one that wrote the message.
    fn take_until(&mut self, message_id: &str, losses: &mut Losses) -> Vec<Item> {
        let wrote = |step: &RunStep| match &step.step_details {
            StepDetails::MessageCreation(details) => details.message_creation.message_id == message_id,
            _ => false,
        };
        let Some(index) = self.steps.iter().position(wrote) else { return Vec::new() };
        let (taken, left) = self.steps.split_at(index + 1);
        self.steps = left;
        taken.iter().flat_map(|step| calls::items(step, losses)).collect()
    }

    fn take_all(&mut self, losses: &mut Losses) -> Vec<Item> {
        std::mem::take(&mut self.steps).iter().flat_map(|step| calls::items(step, losses)).collect()
    }
}

fn holds_something(part: &Value) -> bool {
    match part {
        Value::Null => false,
        Value::Array(values) => values.iter().any(holds_something),
        Value::Object(fields) => fields.values().any(holds_something),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::{
        super::calls::tests::{function_call, step},
        *,
    };

    fn thread(tool_resources: Value) -> Thread {
        serde_json::from_value(json!({"id": "thread_1", "object": "thread", "created_at": 1,
            "tool_resources": tool_resources}))
        .unwrap()
    }

    fn message(id: &str, created_at: i64, run: Option<&str>) -> Message {
        let role = if run.is_some() { "assistant" } else { "user" };
        serde_json::from_value(json!({
            "id": id, "object": "thread.message", "created_at": created_at, "assistant_id": null,
            "thread_id": "thread_1", "run_id": run, "role": role,
            "content": [{"type": "text", "text": {"value": id, "annotations": []}}],
        }))
        .unwrap()
    }

    fn run(id: &str, created_at: i64, status: &str, steps: Vec<RunStep>) -> RunRecord {
        let run = serde_json::from_value(json!({
            "id": id, "object": "thread.run", "created_at": created_at, "assistant_id": "asst_1",
            "thread_id": "thread_1", "status": status, "model": "gpt-4o",
        }))
        .unwrap();
        RunRecord { run, steps }
    }

    fn calls(run: &str, call: &str) -> RunStep {
        step(run, json!({"type": "tool_calls", "tool_calls": [function_call(call, Some("12:00"))]}))
    }

    fn writes(run: &str, message: &str) -> RunStep {
        step(run, json!({"type": "message_creation", "message_creation": {"message_id": message}}))
    }

    /// What the items are, in few words.
    fn shape(contents: &Contents) -> Vec<String> {
        let Mapped { made, losses } = items(&thread(json!({})), contents, &FileNames::new());
        assert!(losses.is_empty(), "{losses:?}");
        let word = |item: Value| match item["type"].as_str().unwrap() {
            "message" => item["content"][0]["text"].as_str().unwrap().to_owned(),
            "function_call" => format!("{}?", item["call_id"].as_str().unwrap()),
            _ => format!("{}!", item["call_id"].as_str().unwrap()),
        };
        made.iter().map(|item| word(serde_json::to_value(item).unwrap())).collect()
    }

    #[test]
    fn calls_stand_between_the_question_and_the_answer() {
        let contents = Contents {
            messages: vec![
                message("time?", 1, None),
                message("noon", 1, Some("run_1")),
                message("and now?", 2, None),
                message("still noon", 2, Some("run_2")),
            ],
            runs: vec![
                run("run_1", 1, "completed", vec![calls("run_1", "a"), writes("run_1", "noon")]),
                run("run_2", 2, "completed", vec![calls("run_2", "b"), writes("run_2", "still noon")]),
            ],
        };
        assert_eq!(shape(&contents), ["time?", "a?", "a!", "noon", "and now?", "b?", "b!", "still noon"]);
    }

    #[test]
    fn calls_between_two_messages_of_one_run_and_after_its_last_one_stay_there() {
        let steps =
            vec![writes("run_1", "wait"), calls("run_1", "a"), writes("run_1", "noon"), calls("run_1", "b")];
        let contents = Contents {
            messages: vec![
                message("time?", 1, None),
                message("wait", 1, Some("run_1")),
                message("noon", 1, Some("run_1")),
                message("thanks", 1, None),
            ],
            runs: vec![run("run_1", 1, "failed", steps)],
        };
        assert_eq!(shape(&contents), ["time?", "wait", "a?", "a!", "noon", "b?", "b!", "thanks"]);
    }

    #[test]
    fn calls_of_a_run_that_wrote_nothing_stand_where_it_was_started() {
        let contents = Contents {
            messages: vec![message("first", 1, None), message("second", 9, None)],
            runs: vec![
                run("run_1", 5, "failed", vec![calls("run_1", "a")]),
                run("run_2", 9, "cancelled", vec![calls("run_2", "b")]),
            ],
        };
        assert_eq!(shape(&contents), ["first", "a?", "a!", "second", "b?", "b!"]);
    }

    #[test]
    fn what_a_thread_gives_to_tools_is_a_loss_unless_it_is_empty() {
        let contents = Contents { messages: Vec::new(), runs: Vec::new() };
        let resources =
            json!({"file_search": {"vector_store_ids": ["vs_1"]}, "code_interpreter": {"file_ids": []}});
        let losses = items(&thread(resources), &contents, &FileNames::new()).losses;
        let lost: Vec<_> = losses.iter().map(|loss| loss.what.as_str()).collect();
        assert_eq!(lost, ["tool_resources.file_search"]);
    }

    #[test]
    fn a_run_that_is_not_at_its_end_is_found() {
        let contents = |status| Contents {
            messages: Vec::new(),
            runs: vec![run("run_1", 1, "completed", Vec::new()), run("run_2", 1, status, Vec::new())],
        };
        assert_eq!(contents("requires_action").unfinished().map(|run| run.id.as_str()), Some("run_2"));
        assert_eq!(contents("expired").unfinished(), None);
    }
}
