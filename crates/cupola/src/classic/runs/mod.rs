//! `cupola classic runs`: start, watch and cancel runs from a terminal.

mod start;

use cupola_client::types::{Run, RunStatus, RunStep};

use self::start::StartArgs;
use crate::{
    classic::steps,
    failure::Failure,
    fields::Fields,
    listing::{ListArgs, oldest_first},
    progress,
    server::{Server, ServerArgs},
    table::{Cell, Table, number, shrinking, whole},
    terminal::{self, DIM, GREEN, RED, YELLOW},
    when,
};

/// List, show, start and cancel runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cupola classic runs start --agent asst_abc123 \"What can you do?\"")]
pub struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum RunsCommand {
    /// List the runs on a thread, the newest first
    #[command(after_help = "Example:\n  cupola classic runs list thread_abc123")]
    List {
        /// The thread's id
        thread: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a run with its steps
    #[command(after_help = "Example:\n  cupola classic runs show thread_abc123 run_def456")]
    Show(RunPath),
    /// Run an agent on a text and print the answer as it is written
    #[command(after_help = "Example:\n  \
        cupola classic runs start --agent asst_abc123 \"What can you do?\"\n\n\
        To go on with the conversation, name its thread:\n  \
        cupola classic runs start --agent asst_abc123 --thread thread_def456 \"And what else?\"")]
    Start(StartArgs),
    /// Ask a run to stop
    #[command(after_help = "Example:\n  cupola classic runs cancel thread_abc123 run_def456")]
    Cancel(RunPath),
}

#[derive(Debug, clap::Args)]
struct RunPath {
    /// The thread's id
    thread: String,
    /// The run's id
    run: String,
}

/// Does what was asked.
pub async fn run(args: &RunsArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let json = args.server.json;
    match &args.command {
        RunsCommand::List { thread, list } => show_list(&server, thread, *list, json).await,
        RunsCommand::Show(path) => show(&server, path, json).await,
        RunsCommand::Start(args) => start::run(&server, args, json).await,
        RunsCommand::Cancel(path) => cancel(&server, path, json).await,
    }
}

async fn show_list(server: &Server, thread: &str, list: ListArgs, json: bool) -> Result<(), Failure> {
    let thread = progress::during("Reading the thread", server.client.classic().threads().get(thread)).await;
    let thread = thread.map_err(|error| server.unknown(error, "classic threads list"))?;
    let runs = server.client.classic().runs(&thread.id);
    let newest = list.fetch(|query| runs.list(query)).await?;
    if json {
        return terminal::print_json(&newest.items);
    }
    if newest.items.is_empty() {
        anstream::eprintln!("There are no runs on this thread.");
        return Ok(());
    }
    let mut table = Table::new([
        whole("ID"),
        whole("STATUS"),
        shrinking("MODEL"),
        number("TOKENS"),
        number("TIME"),
        whole("CREATED"),
    ]);
    for run in &newest.items {
        table.push([
            run.id.as_str().into(),
            Cell::styled(run.status.as_str(), status_style(run.status)),
            run.model.as_str().into(),
            tokens(run).into(),
            duration(run).into(),
            when::ago(run.created_at).into(),
        ]);
    }
    terminal::print(&table.render(terminal::width()))?;
    list.mention_more(newest.has_more);
    Ok(())
}

async fn show(server: &Server, path: &RunPath, json: bool) -> Result<(), Failure> {
    let run =
        progress::during("Reading the run", server.client.classic().runs(&path.thread).get(&path.run)).await;
    let run = run.map_err(|error| server.unknown(error, &format!("classic runs list {}", path.thread)))?;
    let steps =
        oldest_first(|query| server.client.classic().run_steps(&path.thread, &path.run).list(query)).await?;
    if json {
        let mut run = serde_json::to_value(&run).map_err(std::io::Error::from)?;
        run["steps"] = serde_json::to_value(&steps).map_err(std::io::Error::from)?;
        return terminal::print_json(&run);
    }
    terminal::print(&fields(&run))?;
    if steps.is_empty() {
        return Ok(());
    }
    terminal::print(&format!("\n{}", step_table(&steps).render(terminal::width())))
}

async fn cancel(server: &Server, path: &RunPath, json: bool) -> Result<(), Failure> {
    let runs = server.client.classic().runs(&path.thread);
    let run = progress::during("Cancelling", runs.cancel(&path.run)).await;
    let run = run.map_err(|error| server.unknown(error, &format!("classic runs list {}", path.thread)))?;
    if json {
        return terminal::print_json(&run);
    }
    terminal::print(&format!("{} is {}.\n", run.id, run.status.as_str()))
}

fn fields(run: &Run) -> String {
    let mut fields = Fields::new(terminal::width());
    fields.add("id", &run.id);
    fields.add_styled(DIM, "status", run.status.as_str(), status_style(run.status));
    if let Some(error) = &run.last_error {
        fields.add_styled(DIM, "error", &format!("{} ({})", error.message, error.code), RED);
    }
    fields.add_some("cut short by", run.incomplete_details.as_ref().map(|details| &details.reason));
    fields.add("agent", &run.assistant_id);
    fields.add("thread", &run.thread_id);
    fields.add("model", &run.model);
    fields.add("created", format!("{} ({})", when::moment(run.created_at), when::ago(run.created_at)));
    fields.add("time", duration(run));
    fields.add("tokens", tokens_in_words(run));
    for call in waiting_calls(run) {
        fields.add_styled(DIM, "waits for", &call, YELLOW);
    }
    fields.finish()
}

fn step_table(steps: &[RunStep]) -> Table {
    let mut table =
        Table::new([whole("STEP"), whole("STATUS"), number("TIME"), number("TOKENS"), shrinking("WHAT")]);
    for step in steps {
        let ended = step.completed_at.or(step.failed_at).or(step.cancelled_at);
        let time = ended.map_or_else(|| "-".to_owned(), |ended| when::between(step.created_at, ended));
        let tokens =
            step.usage.as_ref().map_or_else(|| "-".to_owned(), |usage| usage.total_tokens.to_string());
        table.push([
            step.kind.as_str().into(),
            steps::status(step),
            time.into(),
            tokens.into(),
            steps::outcome(step).into(),
        ]);
    }
    table
}

/// The function calls that a run waits for, as one would write them.
fn waiting_calls(run: &Run) -> Vec<String> {
    let action = run.required_action.as_ref();
    let calls = action.and_then(|action| action.submit_tool_outputs.as_ref());
    let calls = calls.map(|calls| calls.tool_calls.as_slice()).unwrap_or_default();
    calls
        .iter()
        .map(|call| match &call.function {
            Some(function) => format!("{}({})", function.name, function.arguments),
            None => call.kind.clone(),
        })
        .collect()
}

fn status_style(status: RunStatus) -> anstyle::Style {
    match status {
        RunStatus::Completed => GREEN,
        RunStatus::Failed | RunStatus::Expired => RED,
        RunStatus::RequiresAction | RunStatus::Incomplete => YELLOW,
        _ => DIM,
    }
}

fn duration(run: &Run) -> String {
    let ended = run.completed_at.or(run.failed_at).or(run.cancelled_at);
    ended.map_or_else(|| "-".to_owned(), |ended| when::between(run.created_at, ended))
}

fn tokens(run: &Run) -> String {
    run.usage.as_ref().map_or_else(|| "-".to_owned(), |usage| usage.total_tokens.to_string())
}

fn tokens_in_words(run: &Run) -> String {
    match &run.usage {
        Some(usage) => format!(
            "{} ({} read, {} written)",
            usage.total_tokens, usage.prompt_tokens, usage.completion_tokens
        ),
        None => "-".to_owned(),
    }
}
