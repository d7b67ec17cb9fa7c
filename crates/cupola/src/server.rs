//! How commands reach a server: through the data directory it runs on, or through the environment.

use std::{io::ErrorKind, net::TcpStream, path::Path};

use azure_core::{
    http::{ExponentialRetryOptions, RetryOptions},
    time::Duration,
};
use cupola_client::{ClientOptions, Error, ProjectClient};
use url::Url;

use crate::{
    config::{Config, Flags},
    data_dir, env, explain,
    failure::Failure,
    invocation,
};

/// Somebody waits at the terminal: give up soon.
const RETRY_FOR: Duration = Duration::seconds(5);

/// Who asks for a draft or another kind of agent by its name has made up their mind.
const PREVIEWS: &[&str] = &[
    "DraftAgents=V1Preview",
    "ExternalAgents=V1Preview",
    "HostedAgents=V1Preview",
    "VoiceAgents=V1Preview",
    "WorkflowAgents=V1Preview",
];

/// The flags of every command that talks to a server.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// The data directory of the server [default: ~/.local/share/cupola]
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    pub data: Option<String>,
    /// Print JSON, as it is on the wire
    #[arg(long, global = true, display_order = 901)]
    pub json: bool,
}

/// A server to talk to.
#[derive(Debug)]
pub struct Server {
    /// The client.
    pub client: ProjectClient,
    /// The deployment that programs use unless they choose.
    pub deployment: Option<String>,
    data: Option<String>,
}

impl Server {
    /// The server that runs on the data directory. Where none was named and none runs on the default
    /// one, the server that the environment names.
    pub fn open(args: &ServerArgs) -> Result<Self, Failure> {
        let config = Config::load(&Flags { data: args.data.clone(), ..Flags::default() })?;
        match data_dir::serving(&config.data) {
            Some(_) => Ok(Self { data: args.data.clone(), ..Self::local(&config)? }),
            None => match variable("PROJECT_ENDPOINT").filter(|_| args.data.is_none()) {
                Some(endpoint) => Self::environment(&endpoint),
                None => Err(no_server(&config.data, args.data.as_deref())),
            },
        }
    }

    /// The server that runs on the data directory of `config`.
    pub fn local(config: &Config) -> Result<Self, Failure> {
        let variables = env::variables(config, None)?;
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        Ok(Self {
            client: ProjectClient::from_variables(variable, options())?,
            deployment: variable("MODEL_DEPLOYMENT_NAME"),
            data: None,
        })
    }

    /// Another command for the same server, to show to people.
    pub fn command(&self, words: &str) -> String {
        format!("cupola {words}{}", data_flag(self.data.as_deref()))
    }

    /// What to say of an error; `list` is the command that lists the ids that exist.
    pub fn unknown(&self, error: Error, list: &str) -> Failure {
        match error {
            Error::Service { status: 404, message, .. } => Failure::plain(format!(
                "{}. See which ones there are: {}",
                message.trim_end_matches('.'),
                self.command(list)
            )),
            other => other.into(),
        }
    }

    fn environment(endpoint: &str) -> Result<Self, Failure> {
        if is_deserted(endpoint) {
            return Err(Failure::plain(format!(
                "No server listens at {endpoint}, which PROJECT_ENDPOINT names. Start it: cupola up"
            )));
        }
        let client = ProjectClient::from_variables(variable, options())?;
        Ok(Self { client, deployment: variable("MODEL_DEPLOYMENT_NAME"), data: None })
    }
}

/// Whether it is clear at once that nobody listens there; only for an address of this machine.
fn is_deserted(endpoint: &str) -> bool {
    let addresses = Url::parse(endpoint).ok().and_then(|url| url.socket_addrs(|| None).ok());
    let addresses = addresses.unwrap_or_default();
    let is_refused = |address| {
        let refusal = TcpStream::connect(address).err();
        refusal.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    !addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback() && is_refused(address))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn options() -> ClientOptions {
    let preview_features = PREVIEWS.iter().map(|feature| (*feature).to_owned()).collect();
    let mut options = ClientOptions { preview_features, ..ClientOptions::default() };
    options.azure.retry = RetryOptions::exponential(ExponentialRetryOptions {
        max_retries: 3,
        max_total_elapsed: RETRY_FOR,
        ..ExponentialRetryOptions::default()
    });
    options
}

fn no_server(data: &Path, given: Option<&str>) -> Failure {
    let flag = data_flag(given);
    Failure::plain(format!("No server runs on {}. Start it: cupola up{flag}", data.display()))
}

fn data_flag(given: Option<&str>) -> String {
    given.map(|given| format!(" --data {}", invocation::quoted(given))).unwrap_or_default()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::VersionFailed { code: Some(code), .. } = &error
            && let Some(code) = explain::known(code)
        {
            return Self::with_code(code, error.to_string());
        }
        Self::plain(match error {
            Error::Service { status, message, code, .. } => {
                let code = code.map(|code| format!(" {code}")).unwrap_or_default();
                format!("{message} ({status}{code})")
            }
            Error::Transport(reason) => {
                format!("The server does not answer: {reason}. See what is wrong: cupola doctor")
            }
            Error::Credential(reason) => {
                format!("There is no token to be had: {reason}. See what is wrong: cupola doctor")
            }
            other => other.to_string(),
        })
    }
}
