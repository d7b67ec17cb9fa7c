//! `cupola migrate`: takes what one generation of the API knows over into the next one.

mod agents;
mod calls;
mod copy_agents;
mod copy_threads;
mod messages;
mod names;
mod origin;
mod report;
mod shown;
mod threads;
mod tools;

use self::report::Report;
use crate::{
    failure::Failure,
    server::{Server, ServerArgs},
};

/// Copy what the older API knows into the newer one
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cupola migrate classic-to-v2 --dry-run\n  cupola migrate classic-to-v2")]
pub struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum MigrateCommand {
    /// Copy classic agents into named agents, and threads into conversations
    #[command(after_help = "\
        The sources stay as they are. What was copied is not copied again, so an interrupted migration is \
        simply started again. The report says for each object what its copy does not have.\n\n\
        The exit code is 0 where everything has a copy now, and 1 where something has none.\n\n\
        Example:\n  \
        cupola migrate classic-to-v2 --dry-run\n  \
        cupola migrate classic-to-v2 --agents-only\n  \
        cupola migrate classic-to-v2 --threads thread_abc123 thread_def456\n  \
        cupola migrate classic-to-v2 --json > report.json")]
    ClassicToV2(ClassicToV2),
}

#[derive(Debug, clap::Args)]
struct ClassicToV2 {
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Copy agents and no threads
    #[arg(long, conflicts_with = "threads")]
    agents_only: bool,
    /// Copy threads and no agents: these, or all where none is named
    #[arg(long, value_name = "THREAD", num_args = 0..)]
    threads: Option<Vec<String>>,
}

/// Does what was asked.
pub async fn run(args: &MigrateArgs) -> Result<(), Failure> {
    let server = Server::open(&args.server)?;
    let MigrateCommand::ClassicToV2(wanted) = &args.command;
    let report = classic_to_v2(&server, wanted).await?;
    shown::print(&server, &report, args.server.json)?;
    match report.without_copy() {
        0 => Ok(()),
        1 => Err(Failure::plain("One object has no copy. The report says why.")),
        several => Err(Failure::plain(format!("{several} objects have no copy. The report says why."))),
    }
}

async fn classic_to_v2(server: &Server, wanted: &ClassicToV2) -> Result<Report, Failure> {
    let dry_run = wanted.dry_run;
    let mut report = Report { dry_run, objects: Vec::new() };
    if wanted.threads.is_none() {
        report.objects.extend(copy_agents::all(&server.client, dry_run).await?);
    }
    if !wanted.agents_only {
        let named = wanted.threads.as_deref().unwrap_or_default();
        report.objects.extend(copy_threads::all(&server.client, named, dry_run).await?);
    }
    Ok(report)
}
