//! `cupola quickstart`: the service, an agent that calls a function, and what to do next.

mod demo;
mod machine;
mod next;

use std::net::{SocketAddr, TcpListener};

use anstyle::Style;

use crate::{
    config::{Config, Flags},
    connection::Connection,
    data_dir::{self, Serving},
    failure::Failure,
    instance::{self, Instance},
    logging,
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
            Some(serving) => beside(&config, &serving).await,
            None => serve(&mut config, args.exit).await,
        }
    })
}

/// Uses the server that runs already, and leaves it running.
async fn beside(config: &Config, serving: &Serving) -> Result<(), Failure> {
    terminal::print(&format!(
        "{GREEN}Cupola runs already{GREEN:#} {DIM}(process {}){DIM:#}\n{}",
        serving.pid,
        line("endpoint", &format!("https://{}/api/projects/{}", serving.listen, serving.project)),
    ))?;
    let connection = Connection::local(config)?;
    demo::run(&connection).await?;
    next::show(config, &connection)?;
    terminal::print(&format!("The server goes on in process {}.\n", serving.pid))
}

async fn serve(config: &mut Config, exit: bool) -> Result<(), Failure> {
    let avoided = avoid_taken_port(config);
    let instance = Instance::start(config).await?;
    print_start(config, &instance, avoided)?;
    let connection = Connection::local(config)?;
    let outcome = demo::run(&connection).await;
    if exit || outcome.is_err() {
        instance.stop().await;
        return outcome;
    }
    next::show(config, &connection)?;
    terminal::print(&format!("{BOLD}Serving until you press Ctrl-C.{BOLD:#}\n"))?;
    let signal = up::until_stopped().await?;
    terminal::print(&format!("\n{signal}: stopping. Everything is kept in {}.\n", config.data.display()))?;
    instance.stop().await;
    Ok(())
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
    let green = Style::new().fg_color(GREEN.get_fg_color()).bold();
    let mut shown = format!(
        "{green}Cupola {} is ready{green:#} {DIM}({}){DIM:#}\n",
        env!("CARGO_PKG_VERSION"),
        when::span(instance.ready_after())
    );
    let endpoint = format!("https://{}/api/projects/{}", instance.address(), config.project);
    shown.push_str(&line("endpoint", &endpoint));
    if let Some(usual) = avoided {
        let port = usual.port();
        shown.push_str(&line(
            "",
            &format!("{DIM}(another program has port {port}, so a free one is used){DIM:#}"),
        ));
    }
    for (index, finding) in instance.findings().iter().enumerate() {
        shown.push_str(&line(if index == 0 { "models" } else { "" }, &up::describe(finding)));
    }
    shown.push_str(&line("data", &config.data.display().to_string()));
    terminal::print(&shown)
}

fn line(label: &str, text: &str) -> String {
    format!("  {DIM}{label:<11}{DIM:#}{text}\n")
}
