//! `cupola chat`: a conversation with an agent or a model at a terminal.

use cupola_client::types::{
    AgentReference, CreateConversation, CreateResponse, Item, ListQuery, ResponseStatus,
};

use crate::{
    agents::{self, reference::AgentName},
    conversations,
    failure::Failure,
    progress,
    server::{Server, ServerArgs},
    talk::{self, Lines, Talk, Typed},
    terminal::{self, BOLD, DIM, GREEN},
};

/// How many items of an earlier conversation are shown.
const RECALLED: u32 = 6;

const HELP: &str = "/new    begin a new conversation
/quit   leave; so does Ctrl-D
Ctrl-C  stop the answer that is being written";

/// Talk with an agent, or with a model, in a conversation
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("partner").args(["agent", "model"]).required(true))]
#[command(after_help = "\
    Ctrl-C stops an answer, /quit or Ctrl-D ends the talk. When the agent calls a function of your program, \
    you are asked for what it returns. Without a terminal, each line of standard input is a message.\n\n\
    Example:\n  \
    cupola chat helper\n  \
    cupola chat helper:2 --conversation conv_abc123\n  \
    cupola chat --model gpt-4o\n  \
    cupola chat echo --session mine\n  \
    echo \"What can you do?\" | cupola chat helper")]
pub struct ChatArgs {
    /// The agent's name, or NAME:VERSION
    #[arg(value_name = "AGENT")]
    agent: Option<AgentName>,
    /// Talk with this model deployment, without an agent
    #[arg(long, value_name = "DEPLOYMENT")]
    model: Option<String>,
    /// The conversation to go on with; without it a new one is begun
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// The session of a hosted agent [default: that of the conversation]
    #[arg(long, value_name = "SESSION", requires = "agent")]
    session: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Talks until the person has had enough.
pub async fn run(args: &ChatArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let found = match &args.agent {
        Some(agent) => Some((agents::require(&server, agent).await?, agent)),
        None => None,
    };
    if let Some(id) = &args.conversation {
        conversations::find(&server, id).await?;
    }
    let request = CreateResponse {
        agent_reference: args.agent.as_ref().map(AgentName::reference),
        model: args.model.clone(),
        conversation: args.conversation.clone(),
        ..CreateResponse::default()
    };
    let request = match found {
        Some((found, agent)) => found.prepare(request, agent, args.session.as_deref())?,
        None => request.in_background(),
    };
    let chat = Chat {
        server: &server,
        args,
        talk: Talk::new(&server, request, args.server.json)?,
        lines: Lines::default(),
        session: None,
    };
    match talk::is_interactive() && !args.server.json {
        true => chat.with_person().await,
        false => chat.with_program().await,
    }
}

struct Chat<'a> {
    server: &'a Server,
    args: &'a ChatArgs,
    talk: Talk<'a>,
    lines: Lines,
    /// The session in which a hosted agent answered last.
    session: Option<String>,
}

impl Chat<'_> {
    /// What fails is said, and the talk goes on.
    async fn with_person(mut self) -> Result<(), Failure> {
        let partner = self.partner().to_owned();
        self.talk = self.talk.labelled(partner);
        self.greet().await?;
        let mut was_interrupted = false;
        loop {
            let typed = self.talk.prompt(&format!("{BOLD}you ›{BOLD:#} "), &mut self.lines).await?;
            let line = match typed {
                Typed::Line(line) => line,
                Typed::Ended => break,
                Typed::Interrupted if was_interrupted => break,
                Typed::Interrupted => {
                    was_interrupted = true;
                    anstream::eprintln!("{DIM}To leave: /quit, or Ctrl-C once more{DIM:#}");
                    continue;
                }
            };
            was_interrupted = false;
            match line.trim() {
                "" => {}
                "/quit" | "/exit" => break,
                "/help" => terminal::print(&format!("{DIM}{HELP}{DIM:#}\n"))?,
                "/new" => self.talk.request.conversation = None,
                command if is_command(command) => {
                    anstream::eprintln!("There is no {}. Commands:\n{HELP}", terminal::clean(command));
                }
                text => {
                    if let Err(failure) = self.say(text).await {
                        failure.print();
                    }
                    terminal::print("\n")?;
                }
            }
        }
        self.part();
        Ok(())
    }

    /// Each line is a message. The first that fails ends the talk: the next ones may build on it.
    async fn with_program(mut self) -> Result<(), Failure> {
        loop {
            let line = match self.talk.read(&mut self.lines).await? {
                Typed::Line(line) if line.trim().is_empty() => continue,
                Typed::Line(line) => line,
                Typed::Ended => return Ok(()),
                Typed::Interrupted => return Err(Failure::plain("Interrupted.")),
            };
            self.begin().await?;
            let response = self.talk.exchange(line.into(), None).await?;
            if self.args.server.json {
                terminal::print_json(&response)?;
            }
            talk::verdict(&response)?;
            // The answer may have been through already when Ctrl-C came: the talk ends all the same.
            if self.talk.was_interrupted {
                return Err(Failure::plain("Interrupted."));
            }
            if !self.args.server.json {
                talk::refuse_open(&response)?;
            }
        }
    }

    /// One message of a person.
    async fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.begin().await?;
        let response = self.talk.exchange(text.into(), Some(&mut self.lines)).await?;
        self.session = agents::session_of(&response).map(str::to_owned);
        if response.status == ResponseStatus::Cancelled {
            anstream::eprintln!("{DIM}(stopped){DIM:#}");
            return Ok(());
        }
        talk::verdict(&response)
    }

    /// Begins a conversation, where there is none yet.
    async fn begin(&mut self) -> Result<(), Failure> {
        if self.talk.request.conversation.is_none() {
            let conversations = self.server.client.conversations();
            let begun = conversations.create(&CreateConversation::default()).await?;
            self.talk.request.conversation = Some(begun.id);
        }
        Ok(())
    }

    fn partner(&self) -> &str {
        let request = &self.talk.request;
        let agent = request.agent_reference.as_ref().map(|agent: &AgentReference| agent.name.as_str());
        agent.or(request.model.as_deref()).unwrap_or_default()
    }

    async fn greet(&self) -> Result<(), Failure> {
        let partner = terminal::clean(self.partner());
        terminal::print(&format!(
            "{GREEN}Talking with {partner}{GREEN:#} {DIM}(/help shows what else you can do){DIM:#}\n\n"
        ))?;
        let Some(id) = &self.talk.request.conversation else { return Ok(()) };
        let query = ListQuery { limit: Some(RECALLED), ..ListQuery::default() };
        let items = self.server.client.conversations();
        let page =
            progress::during("Reading the conversation", items.items(id).list_page(&query.into())).await?;
        let oldest_first: Vec<Item> = page.data.into_iter().rev().collect();
        if page.has_more {
            terminal::print(&format!("{DIM}…{DIM:#}\n"))?;
        }
        terminal::print(&format!("{}\n", conversations::as_conversation(&oldest_first)))
    }

    /// Says how to go on later.
    fn part(&self) {
        let Some(conversation) = &self.talk.request.conversation else { return };
        let with = match (&self.args.agent, &self.args.model) {
            (Some(agent), _) => agent.to_string(),
            (None, model) => format!("--model {}", model.as_deref().unwrap_or_default()),
        };
        let command = self.server.command(&format!("chat {with} --conversation {conversation}"));
        anstream::eprintln!("{DIM}Go on later:{DIM:#} {command}");
        if let (Some(session), Some(agent)) = (&self.session, &self.args.agent) {
            let logs = self.server.command(&format!("agents logs {} --session {session}", agent.name));
            anstream::eprintln!("{DIM}What its program said:{DIM:#} {logs}");
        }
    }
}

/// Whether the line is meant as a command: one word that begins with a slash and is no path.
fn is_command(line: &str) -> bool {
    line.strip_prefix('/')
        .is_some_and(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()))
}
