//! `cupola doctor`: looks at everything that a server needs, and says what to do about what is wrong.

mod certificates;
mod code_interpreter;
mod data;
mod hosting;
mod knowledge;
mod machine;
mod models;
mod serving;
mod verdict;

use self::verdict::{Status, Verdict};
use crate::{
    config::{Config, Flags},
    data_dir,
    failure::Failure,
    instance, progress, terminal,
};

/// Check everything that a server needs, and say what to do about what is wrong
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cupola doctor\n  cupola doctor --json | jq '.[] | select(.status != \"ok\")'"
)]
pub struct DoctorArgs {
    #[command(flatten)]
    flags: Flags,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

/// Shows all verdicts; one that is bad is a failure.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let verdicts = instance::runtime()?.block_on(progress::during("Looking around", examine(&args.flags)));
    if args.json {
        terminal::print_json(&verdicts)?;
    } else {
        terminal::print(&render(&verdicts))?;
    }
    match verdicts.iter().filter(|verdict| verdict.status == Status::Fail).count() {
        0 => Ok(()),
        1 => Err(Failure::plain("One check failed.")),
        failed => Err(Failure::plain(format!("{failed} checks failed."))),
    }
}

async fn examine(flags: &Flags) -> Vec<Verdict> {
    let version = format!("Cupola {} on {}", env!("CARGO_PKG_VERSION"), machine::system());
    let mut verdicts = vec![Verdict::ok("version", version)];
    let config = match Config::load(flags) {
        Ok(config) => config,
        Err(error) => {
            let advice = format!("Correct it. More: cupola explain {}", error.code());
            verdicts.push(Verdict::fail("configuration", error.to_string(), advice));
            return verdicts;
        }
    };
    let serving = data_dir::serving(&config.data);
    verdicts.push(configuration(&config));
    verdicts.push(data::directory(&config.data));
    verdicts.push(data::space(&config.data));
    verdicts.push(data::schema(&config.data));
    verdicts.push(serving::server(&config, serving.as_ref()).await);
    verdicts.push(serving::address(&config, serving.as_ref()));
    verdicts.extend(certificates::all(&config.data));
    verdicts.extend(models::all(&config).await);
    verdicts.extend(knowledge::all(&config).await);
    verdicts.push(code_interpreter::environment(&config).await);
    verdicts.push(hosting::runtime(&config).await);
    verdicts.push(machine::clock(&config.data));
    verdicts.push(machine::open_files());
    verdicts
}

fn configuration(config: &Config) -> Verdict {
    match &config.file {
        Some(file) => Verdict::ok("configuration", file.display().to_string()),
        None => Verdict::ok("configuration", "no file; defaults, environment and flags"),
    }
}

/// How wide the names of checks are.
const CHECK: usize = 16;

fn render(verdicts: &[Verdict]) -> String {
    let room = terminal::width().map_or(usize::MAX, |width| width.saturating_sub(6 + CHECK));
    let mut shown = String::new();
    for verdict in verdicts {
        let style = verdict.status.style();
        let mut first = format!("{style}{:<6}{style:#}{:<CHECK$}", verdict.status.word(), verdict.check);
        let message = terminal::wrap(&terminal::clean(&verdict.message), room);
        let remedy = verdict.remedy.iter().flat_map(|remedy| terminal::wrap(&format!("→ {remedy}"), room));
        for line in message.into_iter().chain(remedy) {
            shown.push_str(&format!("{first}{line}\n"));
            first = " ".repeat(6 + CHECK);
        }
    }
    shown
}
