//! One client's conversation: messages, runs and function outputs, and what it was promised about them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::caller::{Answer, Caller, PAUSE};

/// How a turn goes.
#[derive(Clone, Copy, Debug)]
pub enum Story {
    /// A text.
    Plain,
    /// One function call.
    Ask,
    /// Two function calls at once.
    Both,
}

impl Story {
    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ask => "ask",
            Self::Both => "both",
        }
    }
}

/// A turn that is over, as its client saw it.
#[derive(Debug)]
pub struct TurnSeen {
    pub story: Story,
    pub text: String,
    pub run: String,
    /// The calls with the outputs that were acknowledged.
    pub outputs: Vec<(String, String)>,
}

/// A thread and the turns on it.
pub struct Conversation {
    pub caller: Caller,
    pub agent: Arc<str>,
    pub thread: String,
    pub turns: Vec<TurnSeen>,
}

impl Conversation {
    /// A conversation on a new thread.
    pub async fn begin(caller: Caller, agent: Arc<str>) -> Self {
        // A thread that is created twice does no harm: nobody looks at the first one.
        let thread = caller.post_until_done("/threads", &json!({})).await;
        let thread = thread["id"].as_str().unwrap().to_owned();
        Self { caller, agent, thread, turns: Vec::new() }
    }

    fn path(&self, rest: &str) -> String {
        format!("/threads/{}{rest}", self.thread)
    }

    /// Says something, runs the agent, answers its calls, and waits for the end.
    pub async fn turn(&mut self, story: Story, name: &str, streamed: bool, finished: &watch::Sender<usize>) {
        let text = format!("{} {name}", story.word());
        self.say(&text).await;
        let run = self.run(streamed).await;
        let outputs = self.see_through(&run, name, streamed).await;
        self.turns.push(TurnSeen { story, text, run, outputs });
        finished.send_modify(|finished| *finished += 1);
    }

    /// Adds a message exactly once: after a broken request it looks whether the message is there.
    async fn say(&self, text: &str) {
        let body = json!({"role": "user", "content": text});
        loop {
            if let Some(message) = self.caller.post(&self.path("/messages"), &body).await {
                assert_eq!(message["content"][0]["text"]["value"], text);
                return;
            }
            let newest = self.caller.get(&self.path("/messages?limit=1")).await;
            if newest["data"][0]["content"][0]["text"]["value"] == text {
                return;
            }
        }
    }

    /// Creates a run exactly once.
    async fn run(&self, streamed: bool) -> String {
        let known = self.turns.last().map(|turn| turn.run.as_str());
        let body = json!({"assistant_id": &*self.agent, "stream": streamed});
        loop {
            let acknowledged = match streamed {
                true => self.caller.stream(&self.path("/runs"), &body).await.and_then(|text| run_in(&text)),
                false => {
                    let run = self.caller.post(&self.path("/runs"), &body).await;
                    run.map(|run| run["id"].as_str().unwrap().to_owned())
                }
            };
            if let Some(run) = acknowledged {
                return run;
            }
            let newest = self.caller.get(&self.path("/runs?limit=1")).await;
            match newest["data"][0]["id"].as_str() {
                Some(run) if Some(run) != known => return run.to_owned(),
                _ => {}
            }
        }
    }

    /// Polls a run to its end and answers its calls on the way.
    async fn see_through(&self, run: &str, name: &str, streamed: bool) -> Vec<(String, String)> {
        let mut outputs = Vec::new();
        loop {
            let seen = self.caller.get(&self.path(&format!("/runs/{run}"))).await;
            match seen["status"].as_str().unwrap() {
                "requires_action" => outputs = self.answer(run, &seen, name, &outputs, streamed).await,
                "queued" | "in_progress" => {}
                "completed" => return outputs,
                other => panic!("run {run} ended as {other}: {seen}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Submits outputs. Each attempt brings other ones, so that the ones that were taken can be told.
    async fn answer(
        &self,
        run: &str,
        seen: &Value,
        name: &str,
        before: &[(String, String)],
        streamed: bool,
    ) -> Vec<(String, String)> {
        let attempt = before.first().map_or(1, |(_, output)| {
            output.rsplit('#').next().and_then(|number| number.parse::<u32>().ok()).unwrap() + 1
        });
        let calls = seen["required_action"]["submit_tool_outputs"]["tool_calls"].as_array().unwrap();
        let outputs: Vec<(String, String)> = calls
            .iter()
            .map(|call| {
                let function = call["function"]["name"].as_str().unwrap();
                (call["id"].as_str().unwrap().to_owned(), format!("{function} of {name} #{attempt}"))
            })
            .collect();
        let listed: Vec<Value> =
            outputs.iter().map(|(call, output)| json!({"tool_call_id": call, "output": output})).collect();
        let body = json!({"tool_outputs": listed, "stream": streamed});
        let path = self.path(&format!("/runs/{run}/submit_tool_outputs"));
        if streamed {
            self.caller.stream(&path, &body).await;
        } else {
            self.caller.post(&path, &body).await;
        }
        outputs
    }

    /// Compares what is there with what was acknowledged.
    pub async fn check(&self) {
        let messages = self.caller.all(&self.path("/messages")).await;
        let text = |message: &Value| message["content"][0]["text"]["value"].as_str().unwrap().to_owned();
        let said: Vec<String> = messages.iter().filter(|m| m["role"] == "user").map(text).collect();
        let meant: Vec<String> = self.turns.iter().map(|turn| turn.text.clone()).collect();
        assert_eq!(said, meant, "every message of the user is there once and in order");

        let runs = self.caller.all(&self.path("/runs")).await;
        let ids: Vec<&str> = runs.iter().map(|run| run["id"].as_str().unwrap()).collect();
        let known: Vec<&str> = self.turns.iter().map(|turn| turn.run.as_str()).collect();
        assert_eq!(ids, known, "there are no other runs than the ones that were asked for");

        let answers: Vec<&Value> = messages.iter().filter(|m| m["role"] == "assistant").collect();
        assert_eq!(answers.len(), self.turns.len(), "one final answer for each run: {answers:#?}");
        for ((turn, run), answer) in self.turns.iter().zip(&runs).zip(answers) {
            assert_eq!(run["status"], "completed", "{run:#}");
            assert_eq!(answer["run_id"], turn.run.as_str());
            self.check_turn(turn, run, &text(answer)).await;
        }
    }

    async fn check_turn(&self, turn: &TurnSeen, run: &Value, answer: &str) {
        let name = turn.text.split(' ').nth(1).unwrap();
        match turn.story {
            Story::Plain => assert_eq!(answer, format!("A plain answer to {name}.")),
            Story::Ask | Story::Both => assert_eq!(answer, format!("Looked up: {}", turn.outputs[0].1)),
        }
        let steps = self.caller.all(&self.path(&format!("/runs/{}/steps", turn.run))).await;
        let kinds: Vec<&str> = steps.iter().map(|step| step["type"].as_str().unwrap()).collect();
        match turn.story {
            Story::Plain => assert_eq!(kinds, ["message_creation"]),
            Story::Ask | Story::Both => assert_eq!(kinds, ["tool_calls", "message_creation"]),
        }
        let held: Vec<(String, String)> = steps
            .iter()
            .filter_map(|step| step["step_details"]["tool_calls"].as_array())
            .flatten()
            .map(|call| (call["id"].clone(), call["function"]["output"].clone()))
            .map(|(id, output)| (id.as_str().unwrap().to_owned(), output.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(held, turn.outputs, "the step holds the outputs that were taken");
        for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            let sum: u64 = steps.iter().map(|step| step["usage"][field].as_u64().unwrap()).sum();
            assert_eq!(run["usage"][field], sum, "{field} of run {} is the sum of its steps", turn.run);
        }
        assert!(steps.iter().all(|step| step["status"] == "completed"), "{steps:#?}");
    }

    /// Nothing holds the thread any more: the next run is accepted at once.
    pub async fn check_free(&self) {
        let body = json!({"assistant_id": &*self.agent});
        match self.caller.ask(Method::POST, &self.path("/runs"), Some(&body)).await {
            Answer::Answered(status, run) => assert!(status.is_success(), "{run}"),
            Answer::Broken => panic!("the server is gone"),
        }
    }
}

/// The run that a stream is about.
fn run_in(stream: &str) -> Option<String> {
    let (_, rest) = stream.split_once("event: thread.run.created\ndata: ")?;
    let run: Value = serde_json::from_str(rest.split('\n').next()?).ok()?;
    run["id"].as_str().map(str::to_owned)
}
