//! The demonstration: an agent, a question, a function that is really called, an answer.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anstyle::Style;
use cupola_client::{
    AgentEvent, AgentsClient,
    types::{
        Agent, CreateAgent, CreateRun, CreateThread, Run, RunStatus, RunStep, StepDetails, Thread, ToolCall,
    },
    user_message,
};
use futures_util::StreamExt as _;

use super::machine;
use crate::{
    classic::{messages::add_message, steps},
    failure::Failure,
    fields::Fields,
    progress,
    server::Server,
    table::{Table, number, shrinking, whole},
    terminal::{self, BOLD, DIM, GREEN},
    when,
};

const QUESTION: &str = "How much disk space does this machine have left?";
const INSTRUCTIONS: &str =
    "You answer questions about the machine that you run on. Look facts up, then answer in one sentence.";

/// What a demonstration leaves behind.
pub struct Shown {
    /// The thread with the conversation.
    pub thread_id: String,
    /// The deployment that answered.
    pub deployment: String,
}

/// Shows an agent at work. The agent is gone afterwards, whether that went well or not.
pub async fn run(server: &Server) -> Result<Shown, Failure> {
    let client = server.client.classic();
    let agent = progress::during("Creating an agent", create(server)).await?;
    terminal::print(&format!("\n{BOLD}A conversation{BOLD:#} {DIM}with the agent {}{DIM:#}\n\n", agent.id))?;
    let outcome = converse(&client, &agent).await;
    let deleted = client.agents().delete(&agent.id).await;
    let (thread, demo) = outcome?;
    deleted?;
    demo.print_steps()?;
    terminal::print(&format!("\n{DIM}The agent is deleted again; the thread is kept.{DIM:#}\n"))?;
    demo.verdict()?;
    Ok(Shown { thread_id: thread.id, deployment: agent.model })
}

async fn create(server: &Server) -> Result<Agent, Failure> {
    let model = server.deployment.clone().ok_or_else(|| {
        Failure::plain(
            "The agent needs a model, and the provider did not say which ones it has. \
             Name one: cupola quickstart --model DEPLOYMENT",
        )
    })?;
    let agent = CreateAgent {
        model,
        name: Some("quickstart".to_owned()),
        instructions: Some(INSTRUCTIONS.to_owned()),
        tools: Some(machine::functions().definitions()),
        ..CreateAgent::default()
    };
    Ok(server.client.classic().agents().create(&agent).await?)
}

async fn converse(client: &AgentsClient, agent: &Agent) -> Result<(Thread, Demo), Failure> {
    let thread = client.threads().create(&CreateThread::default()).await?;
    let question = client.messages(&thread.id).create(&user_message(QUESTION)).await?;
    show(|fields| add_message(fields, &question))?;

    let mut demo = Demo::new();
    let run = CreateRun { assistant_id: agent.id.clone(), ..CreateRun::default() };
    let runs = client.runs(&thread.id);
    let mut events = runs.process_stream(&run, &machine::functions()).await?;
    while let Some(event) = progress::during("The agent works", events.next()).await {
        demo.take(event?)?;
    }
    Ok((thread, demo))
}

/// What was seen of the run.
struct Demo {
    began: Instant,
    took: Duration,
    run: Option<Run>,
    open_steps: HashMap<String, Instant>,
    steps: Vec<(RunStep, Duration)>,
}

impl Demo {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            took: Duration::ZERO,
            run: None,
            open_steps: HashMap::new(),
            steps: Vec::new(),
        }
    }

    fn take(&mut self, event: AgentEvent) -> Result<(), Failure> {
        if let Some(run) = event.run() {
            self.took = self.began.elapsed();
            self.run = Some(run.clone());
        }
        match event {
            AgentEvent::StepCreated(step) => {
                self.open_steps.insert(step.id, Instant::now());
            }
            AgentEvent::StepCompleted(step)
            | AgentEvent::StepFailed(step)
            | AgentEvent::StepCancelled(step)
            | AgentEvent::StepExpired(step) => {
                let began = self.open_steps.remove(&step.id).unwrap_or(self.began);
                show(|fields| add_calls(fields, &step))?;
                self.steps.push((*step, began.elapsed()));
            }
            AgentEvent::MessageCompleted(message) => show(|fields| add_message(fields, &message))?,
            AgentEvent::Error(error) => {
                return Err(Failure::plain(format!("The server broke the run off: {}", error.message)));
            }
            _ => {}
        }
        Ok(())
    }

    fn print_steps(&self) -> Result<(), Failure> {
        let Some(run) = &self.run else { return Ok(()) };
        let mut table = Table::new([whole("STEP"), whole("STATUS"), number("TIME"), shrinking("WHAT")]);
        for (step, took) in &self.steps {
            table.push([
                step.kind.as_str().into(),
                steps::status(step),
                when::span(*took).into(),
                steps::outcome(step).into(),
            ]);
        }
        let tokens = run.usage.as_ref().map(|usage| format!(", {} tokens", usage.total_tokens));
        let steps = if self.steps.is_empty() { String::new() } else { table.render(terminal::width()) };
        terminal::print(&format!(
            "\n{BOLD}The run{BOLD:#} {DIM}{} is {} after {}{}{DIM:#}\n\n{steps}",
            run.id,
            run.status.as_str(),
            when::span(self.took),
            tokens.unwrap_or_default(),
        ))
    }

    fn verdict(&self) -> Result<(), Failure> {
        let Some(run) = &self.run else {
            return Err(Failure::plain("The server sent no run."));
        };
        if run.status == RunStatus::Completed {
            return Ok(());
        }
        let reason = match &run.last_error {
            Some(error) => format!("{} ({})", error.message, error.code),
            None => "no reason is given".to_owned(),
        };
        let advice = "To try another model: cupola quickstart --model DEPLOYMENT";
        Err(Failure::plain(format!("The run is {}: {reason}. {advice}", run.status.as_str())))
    }
}

fn show(add: impl FnOnce(&mut Fields)) -> Result<(), Failure> {
    let mut fields = Fields::new(terminal::width());
    add(&mut fields);
    terminal::print(&fields.finish())
}

/// The functions that were called in this step, and what they returned.
fn add_calls(fields: &mut Fields, step: &RunStep) {
    let StepDetails::ToolCalls(details) = &step.step_details else { return };
    for call in &details.tool_calls {
        if let ToolCall::Function(call) = call {
            let function = &call.function;
            let asked = format!("calls {}({})", function.name, function.arguments);
            fields.add_styled(GREEN, "agent", &asked, DIM);
            fields.add_styled(BOLD, "function", function.output.as_deref().unwrap_or("-"), Style::new());
        }
    }
}
