//! `cupola classic runs start`: one turn of a conversation, with the answer as it is written.

use std::time::Instant;

use cupola_client::{
    AgentEvent, EventStream,
    types::{CreateRun, CreateThread, CreateThreadAndRun, Run, RunStatus},
    user_message,
};
use futures_util::StreamExt as _;

use super::waiting_calls;
use crate::{
    failure::Failure,
    flow::Flow,
    progress,
    server::Server,
    terminal::{self, BOLD, DIM, YELLOW},
    when,
};

/// What to run, and on what.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// The agent's id
    #[arg(long, value_name = "AGENT")]
    agent: String,
    /// The thread to go on with; without it a new one is started
    #[arg(long, value_name = "THREAD")]
    thread: Option<String>,
    /// What you say
    text: String,
}

/// Runs the agent. A run that does not complete is a failure.
pub async fn run(server: &Server, args: &StartArgs, json: bool) -> Result<(), Failure> {
    let began = Instant::now();
    let events = progress::during("Starting the run", open(server, args)).await?;
    let mut answer = Answer { run: None, flow: Flow::new(terminal::width()), quiet: json };
    tokio::select! {
        outcome = answer.read(events) => outcome?,
        _ = tokio::signal::ctrl_c() => answer.interrupted(server).await?,
    }
    let run = answer.run.take().ok_or_else(|| Failure::plain("The server sent no run."))?;
    let run = settle(server, run).await?;
    if json {
        terminal::print_json(&run)?;
    } else {
        anstream::eprintln!(
            "{DIM}{} {} after {}{DIM:#}",
            run.id,
            run.status.as_str(),
            when::span(began.elapsed())
        );
    }
    verdict(&run)?;
    if !json && args.thread.is_none() {
        let command = server.command(&format!(
            "classic runs start --agent {} --thread {} \"…\"",
            run.assistant_id, run.thread_id
        ));
        anstream::eprintln!("{DIM}Go on:{DIM:#} {command}");
    }
    Ok(())
}

async fn open(server: &Server, args: &StartArgs) -> Result<EventStream, Failure> {
    let client = server.client.classic();
    let message = user_message(&args.text);
    let run = CreateRun { assistant_id: args.agent.clone(), ..CreateRun::default() };
    let Some(thread) = &args.thread else {
        let thread = Some(CreateThread { messages: Some(vec![message]), ..CreateThread::default() });
        let events = client.create_thread_and_run_stream(&CreateThreadAndRun { thread, run }).await;
        return events.map_err(|error| server.unknown(error, "classic agents list"));
    };
    // An agent that is not there would leave the message on the thread without an answer.
    let agent = client.agents().get(&args.agent).await;
    agent.map_err(|error| server.unknown(error, "classic agents list"))?;
    let message = client.messages(thread).create(&message).await;
    message.map_err(|error| server.unknown(error, "classic threads list"))?;
    Ok(client.runs(thread).stream(&run).await?)
}

/// The answer so far.
struct Answer {
    run: Option<Run>,
    flow: Flow,
    quiet: bool,
}

impl Answer {
    async fn read(&mut self, mut events: EventStream) -> Result<(), Failure> {
        loop {
            // A progress line in the middle of a sentence would tear it apart.
            let next = match self.flow.is_at_margin() {
                true => progress::during("Waiting for the answer", events.next()).await,
                false => events.next().await,
            };
            let Some(event) = next else { break };
            self.take(event?)?;
        }
        self.end_line()
    }

    fn take(&mut self, event: AgentEvent) -> Result<(), Failure> {
        if let Some(run) = event.run() {
            self.run = Some(run.clone());
        }
        if let AgentEvent::Error(error) = &event {
            return Err(Failure::plain(format!("The server broke the answer off: {}", error.message)));
        }
        match event.text().filter(|_| !self.quiet) {
            Some(text) => terminal::print(&self.flow.take(&text)),
            None if matches!(event, AgentEvent::MessageCompleted(_)) => self.end_line(),
            None => Ok(()),
        }
    }

    fn end_line(&mut self) -> Result<(), Failure> {
        terminal::print(&self.flow.finish())
    }

    /// Nobody waits for the answer any more, so the run need not go on either.
    async fn interrupted(&mut self, server: &Server) -> Result<(), Failure> {
        self.end_line()?;
        if let Some(run) = &self.run
            && !run.status.is_terminal()
        {
            self.run = Some(server.client.classic().runs(&run.thread_id).cancel(&run.id).await?);
        }
        Ok(())
    }
}

/// Cancels a run that waits for a program that is not here.
async fn settle(server: &Server, run: Run) -> Result<Run, Failure> {
    if run.status != RunStatus::RequiresAction {
        return Ok(run);
    }
    for call in waiting_calls(&run) {
        anstream::eprintln!("{YELLOW}The agent calls{YELLOW:#} {BOLD}{}{BOLD:#}", terminal::clean(&call));
    }
    server.client.classic().runs(&run.thread_id).cancel(&run.id).await?;
    Err(Failure::plain(
        "These functions live in a program of yours, which this command can't call, so the run was \
         cancelled. \
         Run the agent from that program, where create_and_process calls them.",
    ))
}

fn verdict(run: &Run) -> Result<(), Failure> {
    let reason = || run.last_error.as_ref().map(|error| format!("{} ({})", error.message, error.code));
    let message = match run.status {
        RunStatus::Completed => return Ok(()),
        RunStatus::Incomplete => {
            let reason = run.incomplete_details.as_ref().map(|details| details.reason.clone());
            format!("The answer was cut short: {}", reason.unwrap_or_else(|| "no reason is given".to_owned()))
        }
        RunStatus::Failed => {
            format!("The run failed: {}", reason().unwrap_or_else(|| "no reason is given".to_owned()))
        }
        RunStatus::Cancelled | RunStatus::Cancelling => "The run was cancelled.".to_owned(),
        RunStatus::Expired => "The run ran out of time.".to_owned(),
        other => format!(
            "The run is still {}. See how it goes: cupola classic runs show {} {}",
            other.as_str(),
            run.thread_id,
            run.id
        ),
    };
    Err(Failure::plain(message))
}
