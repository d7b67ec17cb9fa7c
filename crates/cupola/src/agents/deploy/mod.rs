//! `cupola agents deploy`: a version of a hosted agent from what `agent.yaml` says.

mod manifest;
mod package;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use cupola_client::{
    Patience,
    types::{AgentVersion, BuildProgress, CreateAgentVersion, VersionSelectionRule},
};
use indicatif::HumanBytes;

use self::manifest::Manifest;
use super::shown;
use crate::{
    failure::Failure,
    progress,
    server::Server,
    terminal::{self, BOLD, DIM, GREEN},
    when,
};

/// The longest pause between two looks at a version that is being made.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What to deploy.
#[derive(Debug, clap::Args)]
pub struct DeployArgs {
    /// The directory with agent.yaml, or such a file itself
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Another name than the file says
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Another image than the file says
    #[arg(long, value_name = "REFERENCE")]
    image: Option<String>,
    /// Come back as soon as the version is accepted, without waiting until it can be used
    #[arg(long)]
    no_wait: bool,
}

/// Creates the version, waits until it can be used, and says how.
pub async fn run(server: &Server, args: &DeployArgs, json: bool) -> Result<(), Failure> {
    let began = Instant::now();
    let mut manifest = Manifest::read(&args.directory)?;
    manifest.replace(args.name.as_deref(), args.image.as_deref())?;
    let former = progress::during("Reading the agent", newest(server, &manifest.name)).await?;
    let mut version = create(server, manifest).await?;
    let is_new = former.is_none_or(|former| former.id != version.id);
    match is_new {
        true => anstream::eprintln!("{} is being created: it is fetched, started and probed.", version.id),
        false => anstream::eprintln!("{} is the same already: nothing is created.", version.id),
    }
    if !args.no_wait {
        let agents = server.client.agents();
        let patience = Patience { longest_pause: LONGEST_PAUSE, ..Patience::default() };
        let mut steps = progress::Steps::new();
        let seen = |version: &AgentVersion| show(&mut steps, version.progress());
        let (name, number) = (version.name.as_str(), version.version.as_str());
        version = agents.follow_until_active(name, number, patience, seen).await?;
        drop(steps);
        let took = when::span(began.elapsed());
        anstream::eprintln!("{GREEN}{} is active{GREEN:#} {DIM}({took}){DIM:#}\n", version.id);
    }
    if json {
        return terminal::print_json(&version);
    }
    let mut fields = shown::version_fields(&version);
    let endpoint = Endpoint::of(server, &version);
    fields.add("endpoint", &endpoint.address);
    terminal::print(&fields.finish())?;
    mention_traffic(server, &version).await?;
    anstream::eprintln!("\nTry it: {BOLD}{}{BOLD:#}", endpoint.example);
    Ok(())
}

/// Says how far a version is.
fn show(steps: &mut progress::Steps, seen: Option<BuildProgress>) {
    let Some(seen) = seen else { return };
    let step = match seen {
        BuildProgress::Resolving => "Asking the registry",
        BuildProgress::Pulling { .. } => "Pulling the image",
        BuildProgress::Unpacking => "Unpacking",
        BuildProgress::Installing => "Installing what the code depends on",
        BuildProgress::Starting => "Creating a sandbox",
        BuildProgress::Probing => "Waiting until the program is ready",
        BuildProgress::Other => "Working",
    };
    steps.reach(step, &amounts(&seen));
}

/// What has been pulled, and how much that is of it.
fn amounts(seen: &BuildProgress) -> String {
    let BuildProgress::Pulling { bytes_done, bytes_total, layers_done, layers_total } = *seen else {
        return String::new();
    };
    let of = bytes_total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
    format!(": {}{of}, {layers_done} of {layers_total} layers", HumanBytes(bytes_done))
}

/// The newest version there is, if there is one.
async fn newest(server: &Server, name: &str) -> Result<Option<AgentVersion>, Failure> {
    match server.client.agents().get(name).await {
        Ok(agent) => Ok(agent.versions.latest),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn create(server: &Server, manifest: Manifest) -> Result<AgentVersion, Failure> {
    let agents = server.client.agents();
    let Manifest { name, description, metadata, definition, code, file } = manifest;
    let version = CreateAgentVersion { description, metadata, ..CreateAgentVersion::new(definition.clone()) };
    let Some(folder) = code else {
        let image = definition.container_configuration.map(|container| container.image);
        anstream::eprintln!("{DIM}Image {}{DIM:#}", terminal::clean(&image.unwrap_or_default()));
        return Ok(progress::during("Creating the version", agents.create_version(&name, &version)).await?);
    };
    let packed = package::pack(&folder, &file)?;
    anstream::eprintln!("{DIM}{packed}{DIM:#}");
    let creating = agents.create_version_from_code(&name, &version, &packed.package);
    Ok(progress::during("Sending the code", creating).await?)
}

/// Where to ask a version, and how to do it.
struct Endpoint {
    address: String,
    example: String,
}

impl Endpoint {
    fn of(server: &Server, version: &AgentVersion) -> Self {
        let protocols = version.definition.hosted().unwrap_or_default().protocol_versions;
        let speaks = |protocol: &str| protocols.iter().any(|spoken| spoken.protocol == protocol);
        let base = format!("{}/agents/{}/endpoint/protocols", server.client.endpoint(), version.name);
        if protocols.is_empty() || speaks("responses") {
            let example = server.command(&format!("agents run {} \"Hello\"", version.name));
            return Self { address: format!("{base}/openai/responses"), example };
        }
        let protocol = protocols.first().map(|spoken| spoken.protocol.as_str()).unwrap_or_default();
        let address = format!("{base}/{protocol}");
        let token = server.command("token");
        let environment = server.command("env");
        let example = format!(
            "eval \"$({environment})\" && curl --cacert \"$SSL_CERT_FILE\" -d '{{}}' \
             -H \"Authorization: Bearer $({token})\" '{address}?api-version=v1'"
        );
        Self { address, example }
    }
}

/// Where shares of the traffic were given to versions, a new one gets none.
async fn mention_traffic(server: &Server, version: &AgentVersion) -> Result<(), Failure> {
    let agent = server.client.agents().get(&version.name).await?;
    let selector = agent.agent_endpoint.and_then(|endpoint| endpoint.version_selector);
    let rules = selector.map(|selector| selector.version_selection_rules).unwrap_or_default();
    let gets_some = rules.iter().any(|rule| match rule {
        VersionSelectionRule::FixedRatio(rule) => {
            rule.agent_version == version.version && rule.traffic_percentage > 0
        }
        _ => true,
    });
    if !rules.is_empty() && !gets_some {
        anstream::eprintln!(
            "\nThe traffic of {} goes to other versions, as its version_selector says. Ask this one by its \
             version: {}",
            version.name,
            version.id
        );
    }
    Ok(())
}
