//! The classic flow, as programs of the SDKs do it: a thread, a message, a run, asking until the run is
//! done, and reading the messages.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde::Deserialize;

use super::client::Client;

/// Where the project of every service lies.
pub const BASE: &str = "/api/projects/demo";
/// The pause between two questions whether a run is done. The first comes without one.
const PAUSE: Duration = Duration::from_micros(500);
/// A run that takes longer than this is a defect, and no measurement.
const LIMIT: Duration = Duration::from_secs(30);

const QUERY: &str = "?api-version=v1";
const MESSAGE: &str = r#"{"role":"user","content":"What is the capital of France?"}"#;

/// When each part of one flow was done.
pub struct Flow {
    /// Creating the thread.
    pub thread: Duration,
    /// Creating the message.
    pub message: Duration,
    /// Creating the run.
    pub run: Duration,
    /// From there until the run is seen to be done.
    pub wait: Duration,
    /// Reading the messages.
    pub list: Duration,
    /// The whole.
    pub total: Duration,
    /// Questions whether the run is done.
    pub polls: u32,
    /// When the creation of the run was sent.
    pub run_sent: Instant,
    /// When it was answered.
    pub run_answered: Instant,
}

impl Flow {
    /// Requests of this flow.
    pub fn calls(&self) -> u32 {
        4 + self.polls
    }
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Run<'a> {
    id: &'a str,
    status: &'a str,
}

#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow)]
    data: Vec<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    role: &'a str,
}

/// Creates an agent on the deployment and says its id.
pub fn create_agent(client: &mut Client, deployment: &str) -> Result<String> {
    let body = format!(
        r#"{{"model":"{deployment}","name":"bench","instructions":"You answer questions about geography."}}"#
    );
    id_in(&client.post(&format!("{BASE}/assistants{QUERY}"), body)?)
}

/// Creates a thread with the message in it, and says where its runs are created.
pub fn prepare_thread(client: &mut Client) -> Result<String> {
    let thread = id_in(&client.post(&format!("{BASE}/threads{QUERY}"), "{}")?)?;
    client.post(&format!("{BASE}/threads/{thread}/messages{QUERY}"), MESSAGE)?;
    Ok(format!("{BASE}/threads/{thread}/runs{QUERY}"))
}

/// The body that creates a streamed run.
pub fn streamed_run(agent: &str) -> String {
    format!(r#"{{"assistant_id":"{agent}","stream":true}}"#)
}

/// Runs the flow once, and checks that the model's answer arrived.
pub fn once(client: &mut Client, agent: &str) -> Result<Flow> {
    let began = Instant::now();
    let thread = id_in(&client.post(&format!("{BASE}/threads{QUERY}"), "{}")?)?;
    let thread_done = Instant::now();
    let messages = format!("{BASE}/threads/{thread}/messages{QUERY}");
    client.post(&messages, MESSAGE)?;
    let run_sent = Instant::now();
    let run = format!(r#"{{"assistant_id":"{agent}"}}"#);
    let run = client.post(&format!("{BASE}/threads/{thread}/runs{QUERY}"), run)?;
    let run_answered = Instant::now();
    let polls = until_done(client, &thread, &run)?;
    let run_done = Instant::now();
    let list = client.get(&messages)?;
    let list_done = Instant::now();

    expect_answered(&list)?;
    Ok(Flow {
        thread: thread_done - began,
        message: run_sent - thread_done,
        run: run_answered - run_sent,
        wait: run_done - run_answered,
        list: list_done - run_done,
        total: list_done - began,
        polls,
        run_sent,
        run_answered,
    })
}

/// Asks until the run is done, and says how often that was.
fn until_done(client: &mut Client, thread: &str, created: &Bytes) -> Result<u32> {
    let run: Run<'_> = serde_json::from_slice(created).context("no run")?;
    let path = format!("{BASE}/threads/{thread}/runs/{}{QUERY}", run.id);
    let began = Instant::now();
    let mut polls = 0;
    loop {
        polls += 1;
        let answer = client.get(&path)?;
        let run: Run<'_> = serde_json::from_slice(&answer).context("no run")?;
        match run.status {
            "completed" => return Ok(polls),
            "queued" | "in_progress" => {}
            other => bail!("a run is {other}: {}", String::from_utf8_lossy(&answer)),
        }
        ensure!(began.elapsed() < LIMIT, "a run is not done after {} s", LIMIT.as_secs());
        thread::sleep(PAUSE);
    }
}

/// Checks that a list of messages holds the question and its answer, the newest first.
pub fn expect_answered(list: &[u8]) -> Result<()> {
    let list: Messages<'_> = serde_json::from_slice(list).context("no list of messages")?;
    let roles: Vec<&str> = list.data.iter().map(|message| message.role).collect();
    ensure!(roles == ["assistant", "user"], "the list holds messages of {roles:?}");
    Ok(())
}

/// The id of what an answer shows.
pub fn id_in(answer: &Bytes) -> Result<String> {
    let created: Created = serde_json::from_slice(answer).context("the answer has no id")?;
    Ok(created.id)
}
