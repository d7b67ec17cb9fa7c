//! `cupola up`: serve until stopped.

use anstyle::{AnsiColor, Style};
use cupola_models::catalog::{Finding, Found};

use crate::{
    config::{Config, Durability, Flags},
    failure::Failure,
    instance::{self, Instance},
    invocation, logging,
    signals::Signals,
};

/// Starts the service and serves until a signal ends it.
pub fn run(flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    logging::start(&config);
    let runtime = instance::runtime()?;
    runtime.block_on(async {
        let mut signals = Signals::install()?;
        let instance = Instance::start(&config).await?;
        print_banner(&config, &instance);
        let signal = signals.received().await;
        anstream::println!(
            "{signal}: no new turns; what runs may finish within {:?}.",
            config.runs.drain_grace
        );
        instance.stop().await;
        Ok(())
    })
}

/// Says where it listens, what answers, where data lies and who is let in.
pub fn print_banner(config: &Config, instance: &Instance) {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let green = Style::new().fg_color(Some(AnsiColor::Green.into())).bold();
    let ready = instance.ready_after().as_millis();
    anstream::println!(
        "{green}Cupola {}{green:#} is ready {dim}({ready} ms){dim:#}",
        env!("CARGO_PKG_VERSION")
    );
    let base = format!("https://{}", instance.address());
    line("endpoint", &format!("{bold}{base}/api/projects/{}{bold:#}", config.project));
    for (index, finding) in instance.findings().iter().enumerate() {
        line(if index == 0 { "models" } else { "" }, &describe(finding));
    }
    line("deployment", &suggestion(instance.deployment()));
    let durability = match config.store.durability {
        Durability::Full => "full: acknowledged writes survive power loss",
        Durability::Normal => "normal: acknowledged writes survive the process, not power loss",
    };
    line("data", &format!("{} {dim}(durability {durability}){dim:#}", config.data.display()));
    line("security", &posture(config, instance));
    if instance.recovered() > 0 {
        line("recovery", &format!("{} runs that were under way go on", instance.recovered()));
    }
    let env = invocation::command("env", config);
    line("next", &format!("{bold}eval \"$({env})\"{bold:#} in the terminal of your code"));
}

fn line(label: &str, text: &str) {
    let dim = Style::new().dimmed();
    anstream::println!("  {dim}{label:<11}{dim:#}{text}");
}

/// A provider in one line.
pub fn describe(finding: &Finding) -> String {
    let how = match &finding.found {
        Found::Configured => "configured".to_owned(),
        Found::Environment(names) => format!("from {}", names.join(" and ")),
        Found::Listening(address) => format!("found listening on {address}"),
        Found::AlwaysThere => "always there; not a language model".to_owned(),
    };
    let address = finding.base_url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
    let default = if finding.is_default { ", answers for every other deployment" } else { "" };
    format!("{}{address} ({how}{default})", finding.provider)
}

fn suggestion(deployment: Option<&str>) -> String {
    let dim = Style::new().dimmed();
    match deployment {
        Some(name) => format!("{name} {dim}(for code that names none){dim:#}"),
        None => format!("{dim}code must name one: the provider did not say which models it has{dim:#}"),
    }
}

fn posture(config: &Config, instance: &Instance) -> String {
    let reach = if instance.address().ip().to_canonical().is_loopback() {
        "this machine only"
    } else {
        "reachable from the network"
    };
    let keys = config.identity.api_keys.len();
    let keys = match keys {
        0 => String::new(),
        1 => ", 1 API key".to_owned(),
        keys => format!(", {keys} API keys"),
    };
    format!("{reach}, TLS, every request needs a token{keys}")
}
