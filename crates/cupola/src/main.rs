//! Cupola: a self-hosted agent service that the official Azure AI SDKs talk to unchanged.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod agents;
mod chat;
mod classic;
mod code_interpreter;
mod config;
mod connections;
mod conversations;
mod data_dir;
mod doctor;
mod download;
mod env;
mod explain;
mod failure;
mod fields;
mod files;
mod flow;
mod hosts;
mod instance;
mod invocation;
mod items;
mod knowledge;
mod listing;
mod logging;
mod migrate;
mod nearest;
mod pairs;
mod progress;
mod quickstart;
mod server;
mod sessions;
mod setup;
mod signals;
mod sizes;
mod stores;
mod table;
mod talk;
mod terminal;
mod token;
mod up;
mod when;

/// A response is a few hundred small allocations, made in one thread and often freed in another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use failure::Failure;

/// A self-hosted Azure AI Foundry Agent Service. The official Azure AI SDKs talk to it unchanged.
#[derive(Debug, Parser)]
#[command(
    name = "cupola",
    version,
    max_term_width = 100,
    after_help = "New here? `cupola quickstart` starts the service, runs an agent and shows what happens.\n\
                  For your own code: `cupola up` in one terminal, `eval \"$(cupola env)\"` in another."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Quickstart(quickstart::QuickstartArgs),
    /// Start the service and serve until it is stopped
    #[command(after_help = "Example:\n  cupola up --data ./data --listen 127.0.0.1:9443")]
    Up(config::Flags),
    #[command(after_help = "Example:\n  eval \"$(cupola env)\" && python agent.py")]
    Env(env::EnvArgs),
    Token(token::TokenArgs),
    Agents(agents::AgentsArgs),
    Chat(chat::ChatArgs),
    Sessions(sessions::SessionsArgs),
    Conversations(conversations::ConversationsArgs),
    Files(files::FilesArgs),
    Stores(stores::StoresArgs),
    Connections(connections::ConnectionsArgs),
    Classic(classic::ClassicArgs),
    Migrate(migrate::MigrateArgs),
    Setup(setup::SetupArgs),
    Doctor(doctor::DoctorArgs),
    #[command(after_help = "Example:\n  cupola explain data_dir_in_use")]
    Explain(explain::ExplainArgs),
}

fn main() -> ExitCode {
    // A sandbox, or the reader of one document, starts as this binary and never gets beyond these lines.
    cupola_sandbox::enter_if_asked();
    cupola_retrieval::read_if_asked();
    // Libraries that bring no cryptography of their own use the one that the process names.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Quickstart(args) => quickstart::run(&args),
        Command::Up(flags) => up::run(&flags),
        Command::Env(args) => {
            let config = config::Config::load(&args.flags())?;
            let catalog = instance::runtime()?.block_on(instance::catalog(&config))?;
            env::run(&config, args.shell, catalog.suggested_deployment())?;
            Ok(())
        }
        Command::Token(args) => token::run(&args),
        Command::Chat(args) => instance::runtime()?.block_on(chat::run(&args)),
        Command::Agents(args) => instance::runtime()?.block_on(agents::run(&args)),
        Command::Sessions(args) => instance::runtime()?.block_on(sessions::run(&args)),
        Command::Conversations(args) => instance::runtime()?.block_on(conversations::run(&args)),
        Command::Files(args) => instance::runtime()?.block_on(files::run(&args)),
        Command::Stores(args) => instance::runtime()?.block_on(stores::run(&args)),
        Command::Connections(args) => instance::runtime()?.block_on(connections::run(&args)),
        Command::Classic(args) => instance::runtime()?.block_on(classic::run(&args)),
        Command::Migrate(args) => instance::runtime()?.block_on(migrate::run(&args)),
        Command::Setup(args) => instance::runtime()?.block_on(setup::run(&args)),
        Command::Doctor(args) => doctor::run(&args),
        Command::Explain(args) => Ok(explain::run(&args)?),
    }
}
