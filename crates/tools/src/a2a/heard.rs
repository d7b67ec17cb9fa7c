//! What was heard of an agent: messages, tasks and what happens to them, in the words of both versions.

use serde_json::Value;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The agent is at work.
    Working,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Canceled,
    /// It does not want to do that.
    Rejected,
    /// It wants to know more first.
    InputRequired,
    /// It wants other credentials first.
    AuthRequired,
}

impl State {
    fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase().replace('-', "_");
        match name.strip_prefix("task_state_").unwrap_or(&name) {
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "canceled" | "cancelled" => Self::Canceled,
            "rejected" => Self::Rejected,
            "input_required" => Self::InputRequired,
            "auth_required" => Self::AuthRequired,
            _ => Self::Working,
        }
    }
}

/// All that was heard so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The task, if there is one.
    pub task: Option<String>,
    /// Where it stands, or that there was a message, which is the end, too.
    pub state: Option<State>,
    /// A message that is the answer.
    message: Option<String>,
    /// What the task has made, by the ids of its artifacts.
    artifacts: Vec<(String, String)>,
    /// What was said of its state.
    remark: Option<String>,
    /// What the agent said last in the task's history.
    last_said: Option<String>,
}

impl Heard {
    /// Takes in a result, or an event of a stream. Says whether it was one.
    pub fn take(&mut self, result: &Value) -> bool {
        // In 1.0 the name of the field says what it is, in 0.3 a field of its own does.
        for (name, kind) in [
            ("task", "task"),
            ("message", "message"),
            ("statusUpdate", "status-update"),
            ("artifactUpdate", "artifact-update"),
        ] {
            if result["kind"] == kind {
                return self.take_as(kind, result);
            }
            if let Some(inner) = result.get(name).filter(|inner| inner.is_object()) {
                return self.take_as(kind, inner);
            }
        }
        // Answers of 1.0 to a question for a task are the task.
        result["status"].is_object() && self.take_as("task", result)
    }

    fn take_as(&mut self, kind: &str, what: &Value) -> bool {
        match kind {
            "message" => {
                self.message = Some(text_of(&what["parts"]));
                self.state = Some(State::Completed);
            }
            "task" => self.take_task(what),
            "status-update" => {
                self.take_id(&what["taskId"]);
                self.take_status(&what["status"]);
            }
            _ => {
                self.take_id(&what["taskId"]);
                self.take_artifact(&what["artifact"], what["append"] == true);
            }
        }
        true
    }

    fn take_task(&mut self, task: &Value) {
        self.take_id(&task["id"]);
        if let Some(artifacts) = task["artifacts"].as_array() {
            self.artifacts.clear();
            artifacts.iter().for_each(|artifact| self.take_artifact(artifact, false));
        }
        let mut history = task["history"].as_array().into_iter().flatten();
        let said = history.rfind(|message| is_agent(&message["role"]));
        self.last_said = said.map(|message| text_of(&message["parts"])).or(self.last_said.take());
        self.take_status(&task["status"]);
    }

    fn take_id(&mut self, id: &Value) {
        if let Some(id) = id.as_str() {
            self.task = Some(id.to_owned());
        }
    }

    fn take_status(&mut self, status: &Value) {
        if let Some(state) = status["state"].as_str() {
            self.state = Some(State::named(state));
        }
        if status["message"].is_object() {
            self.remark = Some(text_of(&status["message"]["parts"]));
        }
    }

    fn take_artifact(&mut self, artifact: &Value, appends: bool) {
        let id = artifact["artifactId"].as_str().unwrap_or_default();
        // An artifact that was made bit by bit has a part for each bit.
        let text = joined(&artifact["parts"], "");
        match self.artifacts.iter_mut().find(|(other, _)| other == id) {
            Some((_, so_far)) if appends => so_far.push_str(&text),
            Some((_, so_far)) => *so_far = text,
            None => self.artifacts.push((id.to_owned(), text)),
        }
    }

    /// Whether nothing more will come by itself.
    pub fn is_over(&self) -> bool {
        self.state.is_some_and(|state| state != State::Working)
    }

    /// What the agent has to say.
    pub fn text(&self) -> String {
        if let Some(message) = &self.message {
            return message.clone();
        }
        let made = self.artifacts.iter().map(|(_, text)| text.trim()).filter(|text| !text.is_empty());
        let made = made.collect::<Vec<_>>().join("\n\n");
        let others = [&self.remark, &self.last_said].into_iter().flatten();
        let mut said = std::iter::once(&made).chain(others).filter(|text| !text.trim().is_empty());
        said.next().cloned().unwrap_or_default()
    }

    /// What was said of its state, for example why it failed.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref().filter(|remark| !remark.trim().is_empty())
    }
}

fn is_agent(role: &Value) -> bool {
    role.as_str().is_some_and(|role| role.eq_ignore_ascii_case("agent") || role == "ROLE_AGENT")
}

/// The parts of a message as text.
fn text_of(parts: &Value) -> String {
    joined(parts, "\n")
}

/// Parts as text: data is JSON, and of a file its name and address are told. Between two parts of text there is
/// `between`, between others a new line.
fn joined(parts: &Value, between: &str) -> String {
    let mut text = String::new();
    let mut was_text = None;
    for part in parts.as_array().into_iter().flatten() {
        let Some(told) = self::part(part) else { continue };
        let is_text = part["text"].is_string();
        text.push_str(match was_text {
            None => "",
            Some(true) if is_text => between,
            Some(_) => "\n",
        });
        text.push_str(&told);
        was_text = Some(is_text);
    }
    text
}

fn part(part: &Value) -> Option<String> {
    if let Some(text) = part["text"].as_str() {
        return Some(text.to_owned());
    }
    if let Some(data) = part.get("data").filter(|data| !data.is_null()) {
        return Some(data.to_string());
    }
    let file = part.get("file").filter(|file| file.is_object()).unwrap_or(part);
    let said = |names: [&str; 2]| names.into_iter().find_map(|name| file[name].as_str());
    let address = said(["uri", "url"]);
    if address.is_none() && said(["bytes", "raw"]).is_none() {
        return None;
    }
    let name = said(["name", "filename"]).unwrap_or("without a name");
    let media = said(["mimeType", "mediaType"]).map(|media| format!(", {media}")).unwrap_or_default();
    let address = address.map(|address| format!(", at {address}")).unwrap_or_default();
    Some(format!("[a file: {name}{media}{address}]"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(results: &[Value]) -> Heard {
        let mut heard = Heard::default();
        for result in results {
            assert!(heard.take(result), "{result}");
        }
        heard
    }

    #[test]
    fn a_message_is_an_answer_in_both_versions() {
        for message in [
            json!({"kind": "message", "role": "agent", "parts": [{"kind": "text", "text": "Hi"}]}),
            json!({"message": {"role": "ROLE_AGENT", "parts": [{"text": "Hi"}]}}),
        ] {
            let heard = heard(&[message]);
            assert_eq!((heard.text().as_str(), heard.is_over(), heard.task), ("Hi", true, None));
        }
    }

    #[test]
    fn a_task_is_told_bit_by_bit_in_both_versions() {
        let old = [
            json!({"kind": "task", "id": "t", "status": {"state": "submitted"}}),
            json!({"kind": "artifact-update", "taskId": "t", "artifact": {"artifactId": "a",
                "parts": [{"kind": "text", "text": "One"}]}}),
            json!({"kind": "artifact-update", "taskId": "t", "append": true, "artifact": {"artifactId": "a",
                "parts": [{"kind": "text", "text": " two"}]}}),
            json!({"kind": "status-update", "taskId": "t", "status": {"state": "completed"}, "final": true}),
        ];
        let new = [
            json!({"task": {"id": "t", "status": {"state": "TASK_STATE_SUBMITTED"}}}),
            json!({"artifactUpdate": {"taskId": "t", "artifact": {"artifactId": "a",
                "parts": [{"text": "One"}]}}}),
            json!({"artifactUpdate": {"taskId": "t", "append": true, "artifact": {"artifactId": "a",
                "parts": [{"text": " two"}]}}}),
            json!({"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_COMPLETED"}}}),
        ];
        for events in [old, new] {
            assert!(!heard(&events[..3]).is_over());
            let heard = heard(&events);
            assert_eq!((heard.text().as_str(), heard.task.as_deref()), ("One two", Some("t")));
            assert_eq!(heard.state, Some(State::Completed));
        }
    }

    #[test]
    fn an_artifact_that_was_made_bit_by_bit_is_one_text() {
        let artifact =
            json!({"artifactId": "a", "parts": [{"text": "Light "}, {"text": "rain."}, {"data": 7}]});
        let task = json!({"id": "t", "status": {"state": "completed"}, "artifacts": [artifact]});
        assert_eq!(heard(&[task]).text(), "Light rain.\n7");
        let message = json!({"kind": "message", "parts": [{"text": "Hi."}, {"text": "Ho."}]});
        assert_eq!(heard(&[message]).text(), "Hi.\nHo.");
    }

    #[test]
    fn an_agent_may_say_its_answer_in_the_state_or_in_the_history() {
        let status = json!({"state": "completed", "message": {"parts": [{"text": "Here."}]}});
        assert_eq!(heard(&[json!({"id": "t", "status": status})]).text(), "Here.");
        let history = json!([
            {"role": "user", "parts": [{"text": "Where?"}]}, {"role": "agent", "parts": [{"text": "There."}]},
        ]);
        let task = json!({"id": "t", "status": {"state": "completed"}, "history": history});
        assert_eq!(heard(&[task]).text(), "There.");
    }

    #[test]
    fn what_is_no_text_is_told_as_far_as_a_text_can() {
        let parts = json!([
            {"kind": "data", "data": {"a": 1}},
            {"kind": "file", "file": {"uri": "https://a.example/x.png", "mimeType": "image/png"}},
            {"raw": "AAAA", "filename": "x.bin"},
            {"metadata": {}},
        ]);
        let expected = "{\"a\":1}\n[a file: without a name, image/png, at https://a.example/x.png]\n\
                        [a file: x.bin]";
        assert_eq!(text_of(&parts), expected);
    }

    #[test]
    fn every_state_has_one_meaning_in_both_versions() {
        for (old, new, state) in [
            ("working", "TASK_STATE_WORKING", State::Working),
            ("unknown", "TASK_STATE_UNSPECIFIED", State::Working),
            ("completed", "TASK_STATE_COMPLETED", State::Completed),
            ("failed", "TASK_STATE_FAILED", State::Failed),
            ("canceled", "TASK_STATE_CANCELLED", State::Canceled),
            ("rejected", "TASK_STATE_REJECTED", State::Rejected),
            ("input-required", "TASK_STATE_INPUT_REQUIRED", State::InputRequired),
            ("auth-required", "TASK_STATE_AUTH_REQUIRED", State::AuthRequired),
        ] {
            assert_eq!((State::named(old), State::named(new)), (state, state));
        }
    }

    #[test]
    fn what_is_nothing_of_the_protocol_is_not_taken() {
        for nothing in [json!(null), json!({"a": 1}), json!("text"), json!({"kind": "other"})] {
            assert!(!Heard::default().take(&nothing), "{nothing}");
        }
    }
}
