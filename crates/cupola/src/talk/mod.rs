//! One turn with an agent or a model at a terminal: a question, the answer as it is written, and what the
//! answer asks of the person in between.

mod answer;
mod lines;
mod questions;

use std::io::{self, IsTerminal as _};

use cupola_client::{
    Error, ResponseStream,
    types::{CreateResponse, Input, Item, Response, ResponseEvent, ResponseStatus},
};
use futures_util::StreamExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use self::lines::Lines;
use self::{answer::Answer, questions::Question};
use crate::{
    failure::Failure,
    progress,
    server::Server,
    terminal::{self, BOLD, DIM},
};

/// Whether a person sits at both ends.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// A talk with an agent or a model.
pub struct Talk<'a> {
    server: &'a Server,
    /// Who is asked and in which conversation; everything but the input.
    pub request: CreateResponse,
    /// What stands before each answer.
    label: Option<String>,
    /// Whether answers are not shown as they are written.
    quiet: bool,
    interrupts: Signal,
    /// Whether Ctrl-C came during the last exchange.
    pub was_interrupted: bool,
}

/// How a question was answered at the terminal.
pub enum Typed {
    /// With this line.
    Line(String),
    /// With Ctrl-C.
    Interrupted,
    /// With the end of the input.
    Ended,
}

impl<'a> Talk<'a> {
    /// A talk in which nothing was said yet. An answer in the background can be stopped in the middle; from
    /// any other, only the connection can be taken. From now on Ctrl-C does not end the program.
    pub fn new(server: &'a Server, request: CreateResponse, quiet: bool) -> Result<Self, Failure> {
        let interrupts = signal(SignalKind::interrupt())?;
        Ok(Self { server, request, label: None, quiet, interrupts, was_interrupted: false })
    }

    /// The same with a name before each answer.
    pub fn labelled(self, label: String) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Asks, and goes on for as long as the answer asks for something that the person can give. Where
    /// nobody is there to ask, the answer is given with its open questions.
    pub async fn exchange(&mut self, input: Input, lines: Option<&mut Lines>) -> Result<Response, Failure> {
        let mut lines = lines;
        self.was_interrupted = false;
        let mut request = CreateResponse { input: Some(input), ..self.request.clone() };
        loop {
            let response = self.respond(&request).await?;
            if self.was_interrupted {
                return Ok(response);
            }
            let questions = questions::open(&response);
            let Some(lines) = lines.as_deref_mut().filter(|_| !questions.is_empty()) else {
                return Ok(response);
            };
            let Some(answers) = self.ask(&questions, lines).await? else { return Ok(response) };
            request.input = Some(Input::Items(answers));
            if request.conversation.is_none() {
                request.previous_response_id = Some(response.id);
            }
        }
    }

    /// One response. Ctrl-C cancels it; a second Ctrl-C does not wait for that.
    async fn respond(&mut self, request: &CreateResponse) -> Result<Response, Failure> {
        let mut answer = Answer::new(self.label.as_deref(), self.quiet);
        let mut events = tokio::select! {
            opened = open(self.server, request) => opened?,
            _ = self.interrupts.recv() => return Err(Failure::plain("Interrupted.")),
        };
        loop {
            let next = tokio::select! {
                next = wait(&mut events, &answer) => next,
                _ = self.interrupts.recv() => {
                    answer.hush()?;
                    let is_kept_running = request.background == Some(true);
                    if std::mem::replace(&mut self.was_interrupted, true) || !is_kept_running {
                        return Err(Failure::plain("Interrupted."));
                    }
                    self.cancel(&answer).await?;
                    continue;
                }
            };
            match next {
                Some(event) => answer.take(event?)?,
                None => break,
            }
        }
        answer.end_line()?;
        answer.response.ok_or_else(|| Failure::plain("The server sent no response."))
    }

    /// Asks the server to stop. Where the response has ended meanwhile, its last events tell.
    async fn cancel(&self, answer: &Answer) -> Result<(), Failure> {
        let Some(response) = &answer.response else { return Err(Failure::plain("Interrupted.")) };
        match self.server.client.responses().cancel(&response.id).await {
            Ok(_) | Err(Error::Service { status: 400..=499, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the person; nothing where they give no answer.
    async fn ask(&mut self, questions: &[Question], lines: &mut Lines) -> Result<Option<Vec<Item>>, Failure> {
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let prompt = terminal::clean(&question.prompt());
            match self.prompt(&format!("{BOLD}{prompt}{BOLD:#} "), lines).await? {
                Typed::Line(line) => answers.push(question.answered(&line)),
                Typed::Interrupted | Typed::Ended => {
                    anstream::eprintln!("{DIM}(not answered){DIM:#}");
                    return Ok(None);
                }
            }
        }
        Ok(Some(answers))
    }

    /// Shows a prompt and reads a line.
    pub async fn prompt(&mut self, prompt: &str, lines: &mut Lines) -> Result<Typed, Failure> {
        terminal::print(prompt)?;
        let typed = self.read(lines).await?;
        if !matches!(typed, Typed::Line(_)) {
            // What was typed instead of a line has not ended the line.
            terminal::print("\n")?;
        }
        Ok(typed)
    }

    /// Reads a line.
    pub async fn read(&mut self, lines: &mut Lines) -> Result<Typed, Failure> {
        tokio::select! {
            line = lines.next() => Ok(line?.map_or(Typed::Ended, Typed::Line)),
            _ = self.interrupts.recv() => Ok(Typed::Interrupted),
        }
    }
}

async fn open(server: &Server, request: &CreateResponse) -> Result<ResponseStream, Failure> {
    let responses = server.client.responses();
    let events = progress::during("Asking", responses.stream(request)).await;
    events.map_err(|error| refused(server, request, error))
}

/// The next event. A progress line in the middle of a sentence would tear it apart.
async fn wait(events: &mut ResponseStream, answer: &Answer) -> Option<cupola_client::Result<ResponseEvent>> {
    match answer.is_at_margin() {
        true => progress::during("Waiting for the answer", events.next()).await,
        false => events.next().await,
    }
}

/// What to say of a request that the server refuses.
fn refused(server: &Server, request: &CreateResponse, error: Error) -> Failure {
    let agent = request.agent_reference.as_ref().map(|agent| agent.name.as_str());
    match (&error, agent) {
        (Error::Service { code: Some(code), .. }, Some(agent)) if code == "AgentDisabled" => {
            let enable = server.command(&format!("agents enable {agent}"));
            Failure::plain(format!("The agent {agent} is disabled. Let it answer: {enable}"))
        }
        _ => error.into(),
    }
}

/// Whether the response is an answer, and if not, why.
pub fn verdict(response: &Response) -> Result<(), Failure> {
    let unknown = || "no reason is given".to_owned();
    Err(Failure::plain(match &response.status {
        ResponseStatus::Completed => return Ok(()),
        ResponseStatus::Incomplete => {
            let details = response.incomplete_details.as_ref();
            let reason = details.and_then(|details| details.reason.clone());
            format!("The answer was cut short: {}", reason.unwrap_or_else(unknown))
        }
        ResponseStatus::Failed => {
            let reason = response.error.as_ref().map(|error| match &error.code {
                Some(code) => format!("{} ({code})", error.message),
                None => error.message.clone(),
            });
            format!("The response failed: {}", reason.unwrap_or_else(unknown))
        }
        ResponseStatus::Cancelled => "The response was cancelled.".to_owned(),
        other => format!("The response {} is still {other}.", response.id),
    }))
}

/// An answer that only asks for functions answers nothing.
pub fn refuse_open(response: &Response) -> Result<(), Failure> {
    let questions = questions::open(response);
    if questions.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = questions.iter().map(Question::name).collect();
    Err(Failure::plain(format!(
        "The agent waits for {}, which lives in a program of yours. Run the agent from that program, or at a \
         terminal, where you are asked for what it returns.",
        names.join(", ")
    )))
}
