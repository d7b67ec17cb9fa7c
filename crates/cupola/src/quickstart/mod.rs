//! `cupola quickstart`: the service, an agent that calls a function, and what to do next.

mod demo;
mod machine;
mod next;

use std::net::{SocketAddr, TcpListener};

use crate::{
    code_interpreter,
    config::{Config, Flags},
    data_dir::{self, Serving},
    failure::Failure,
    fields::Fields,
    instance::{self, Instance},
    logging,
    server::Server,
    signals::Signals,
    terminal::{self, BOLD, DIM, GREEN},
    up, when,
};

/// Start the service, run an agent and see what happens
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cupola quickstart\n  cupola quickstart --exit && echo it works")]
pub struct QuickstartArgs {
    #[command(flatten)]
    flags: Flags,
    /// End after the demonstration instead of serving on
    #[arg(long)]
    exit: bool,
    /// The model deployment that the agent uses [default: the one that the server suggests]
    #[arg(long, value_name = "DEPLOYMENT")]
    model: Option<String>,
}

/// Shows the service at work, and serves on unless told otherwise.
pub fn run(args: &QuickstartArgs) -> Result<(), Failure> {
    let mut config = Config::load(&args.flags)?;
    if config.log == Config::default().log {
        // Somebody reads the demonstration: only what is wrong may stand between its lines.
        config.log = "warn".to_owned();
    }
    logging::start(&config);
    instance::runtime()?.block_on(async {
        match data_dir::serving(&config.data) {
            Some(serving) => beside(&config, &serving, args).await,
            None => serve(&mut config, args).await,
        }
    })
}

/// Uses the server that runs already, and leaves it running.
async fn beside(config: &Config, serving: &Serving, args: &QuickstartArgs) -> Result<(), Failure> {
    let mut fields = Fields::new(terminal::width());
    fields.add("endpoint", format!("https://{}/api/projects/{}", serving.listen, serving.project));
    fields.add("data", config.data.display().to_string());
    terminal::print(&format!(
        "{GREEN}Cupola runs already{GREEN:#} {DIM}(process {}){DIM:#}\n{}",
        serving.pid,
        fields.finish()
    ))?;
    let server = connect(config, args)?;
    let shown = demo::run(&server).await?;
    next::show(config, &server, &shown)?;
    terminal::print(&format!("The server goes on in process {}.\n", serving.pid))
}

async fn serve(config: &mut Config, args: &QuickstartArgs) -> Result<(), Failure> {
    let avoided = if args.flags.listen.is_none() { avoid_taken_port(config) } else { None };
    let mut signals = Signals::install()?;
    let instance = Instance::start(config).await?;
    print_start(config, &instance, avoided)?;
    let server = connect(config, args)?;
    let demonstration = tokio::select! {
        ended = demo::run(&server) => ended,
        signal = signals.received() => {
            terminal::print(&format!("\n{signal}: stopping.\n"))?;
            Err(Failure::plain("The demonstration was broken off."))
        }
    };
    let shown = match demonstration {
        Ok(shown) if !args.exit => shown,
        ended => {
            instance.stop().await;
            return ended.map(drop);
        }
    };
    next::show(config, &server, &shown)?;
    terminal::print(&format!("{BOLD}Serving until you press Ctrl-C.{BOLD:#}\n"))?;
    let signal = tokio::select! {
        signal = signals.received() => signal,
        said = code_interpreter::set_up_behind(config) => {
            terminal::print(&format!("{DIM}{said}{DIM:#}\n"))?;
            signals.received().await
        }
    };
    terminal::print(&format!("\n{signal}: stopping. Everything is kept in {}.\n", config.data.display()))?;
    instance.stop().await;
    Ok(())
}

fn connect(config: &Config, args: &QuickstartArgs) -> Result<Server, Failure> {
    let mut server = Server::local(config)?;
    if args.model.is_some() {
        server.deployment.clone_from(&args.model);
    }
    Ok(server)
}

/// A first look should not fail because another program has the port that nobody chose.
fn avoid_taken_port(config: &mut Config) -> Option<SocketAddr> {
    let usual = Config::default().listen;
    let is_taken = || {
        let refusal = TcpListener::bind(usual).err();
        refusal.is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    };
    if config.listen != usual || !is_taken() {
        return None;
    }
    config.listen.set_port(0);
    Some(usual)
}

fn print_start(config: &Config, instance: &Instance, avoided: Option<SocketAddr>) -> Result<(), Failure> {
    let mut fields = Fields::new(terminal::width());
    fields.add("endpoint", format!("https://{}/api/projects/{}", instance.address(), config.project));
    if let Some(usual) = avoided {
        let why = format!("(another program has port {}, so a free one is used)", usual.port());
        fields.add_styled(DIM, "", &why, DIM);
    }
    for (index, finding) in instance.findings().iter().enumerate() {
        fields.add(if index == 0 { "models" } else { "" }, up::describe(finding));
    }
    fields.add("data", config.data.display().to_string());
    let (version, took) = (env!("CARGO_PKG_VERSION"), when::span(instance.ready_after()));
    terminal::print(&format!(
        "{GREEN}Cupola {version} is ready{GREEN:#} {DIM}({took}){DIM:#}\n{}",
        fields.finish()
    ))
}
