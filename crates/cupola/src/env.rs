//! `cupola env`: the environment in which unchanged SDK code finds, trusts and enters this server.

mod proxies;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use cupola_identity::LocalClient;

use crate::{
    config::{Config, Flags},
    data_dir,
};

/// Print the environment that unchanged SDK code needs to talk to this server
#[derive(Debug, clap::Args)]
pub struct EnvArgs {
    /// The data directory of the server [default: ~/.local/share/cupola]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who is to read it
    #[arg(long, value_enum, default_value_t)]
    pub shell: Shell,
}

impl EnvArgs {
    /// The flags for [`Config::load`].
    pub fn flags(&self) -> Flags {
        Flags { data: self.data.clone(), config: self.config.clone(), ..Flags::default() }
    }
}

/// Who reads the variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash, zsh and every other POSIX shell: eval "$(cupola env)"
    #[default]
    Bash,
    /// fish: cupola env --shell fish | source
    Fish,
    /// PowerShell: cupola env --shell powershell | Out-String | Invoke-Expression
    Powershell,
    /// A .env file
    Dotenv,
    /// One JSON object
    Json,
}

/// Where the SDKs and their samples look for the deployment.
const DEPLOYMENT_VARIABLES: [&str; 3] =
    ["MODEL_DEPLOYMENT_NAME", "AZURE_AI_MODEL_DEPLOYMENT_NAME", "FOUNDRY_MODEL_NAME"];

/// Variables in the order in which they are shown.
pub type Variables = Vec<(&'static str, String)>;

/// Why the environment can't be told.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The files for clients can't be read or made.
    #[error(transparent)]
    Identity(#[from] cupola_identity::IdentityError),
    /// The port is chosen at the start, and no server runs.
    #[error("`listen` leaves the port to the start, and no server runs on {data}. Start it first: cupola up")]
    PortUnknown {
        /// The data directory.
        data: PathBuf,
    },
    /// A path that no variable can hold.
    #[error("{path:?} is not valid UTF-8, so it can't be printed. Choose another directory with --data DIR")]
    PathNotText {
        /// The path.
        path: PathBuf,
    },
}

/// Prints the variables. `deployment` is the model that programs use unless they choose; a running
/// server has said which one that is, and wins.
pub fn run(config: &Config, shell: Shell, deployment: Option<&str>) -> Result<(), EnvError> {
    let mut variables = variables(config, deployment)?;
    variables.extend(proxies::exceptions(|name| std::env::var(name).ok()));
    anstream::print!("{}", render(&variables, shell));
    Ok(())
}

/// The variables for the server that runs on the data directory, or for the one that would.
pub fn variables(config: &Config, deployment: Option<&str>) -> Result<Variables, EnvError> {
    let serving = data_dir::serving(&config.data);
    let (listen, project, deployment) = match &serving {
        Some(serving) => (serving.listen, serving.project.as_str(), serving.deployment.as_deref()),
        None => (config.listen, config.project.as_str(), deployment),
    };
    if listen.port() == 0 {
        return Err(EnvError::PortUnknown { data: config.data.clone() });
    }
    let client = LocalClient::open(&config.data)?;
    let base = format!("https://{}", reachable(listen));
    let endpoint = format!("{base}/api/projects/{project}");
    let bundle = text_of(&client.bundle_file)?;
    let mut variables = vec![
        ("PROJECT_ENDPOINT", endpoint.clone()),
        ("AZURE_AI_PROJECT_ENDPOINT", endpoint.clone()),
        ("FOUNDRY_PROJECT_ENDPOINT", endpoint),
    ];
    // Where no model is known, what the user has in these variables stays as it is.
    if let Some(deployment) = deployment {
        variables.extend(DEPLOYMENT_VARIABLES.map(|name| (name, deployment.to_owned())));
    }
    variables.extend([
        ("IDENTITY_ENDPOINT", format!("{base}/msi/token")),
        ("IDENTITY_HEADER", client.identity_header.expose().to_owned()),
        // The three clients of the SDKs look at different variables.
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("SSL_CERT_FILE", bundle),
        ("NODE_EXTRA_CA_CERTS", text_of(&client.ca_file)?),
        ("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential".to_owned()),
    ]);
    Ok(variables)
}

/// An address to connect to, for a server that may listen on all of them.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn text_of(path: &Path) -> Result<String, EnvError> {
    path.to_str().map(str::to_owned).ok_or_else(|| EnvError::PathNotText { path: path.into() })
}

/// The variables as `shell` reads them.
pub fn render(variables: &Variables, shell: Shell) -> String {
    let line = |name: &str, value: &str| match shell {
        Shell::Bash => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
        Shell::Fish => {
            format!("set -gx {name} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        // PowerShell ends a quoted text at typographic quotes too; doubling works for each of them.
        Shell::Powershell => format!("$env:{name} = '{}'\n", doubled_quotes(value)),
        Shell::Dotenv => format!("{name}={}\n", dotenv_value(value)),
        Shell::Json => String::new(),
    };
    if shell == Shell::Json {
        let object: serde_json::Map<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        return format!("{:#}\n", serde_json::Value::Object(object));
    }
    variables.iter().map(|(name, value)| line(name, value)).collect()
}

fn doubled_quotes(value: &str) -> String {
    let is_quote = |character| matches!(character, '\'' | '\u{2018}'..='\u{201b}');
    value
        .chars()
        .flat_map(|character| std::iter::repeat_n(character, 1 + usize::from(is_quote(character))))
        .collect()
}

/// Plain where that is safe, because `docker --env-file` takes quotes literally.
fn dotenv_value(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+,".contains(character);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    if value.contains('\'') {
        return format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$"));
    }
    format!("'{value}'")
}

#[cfg(test)]
mod tests;
