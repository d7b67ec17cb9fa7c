//! How commands reach a server: through the data directory it runs on, or through the environment.

use std::path::Path;

use azure_core::{
    http::{ExponentialRetryOptions, RetryOptions},
    time::Duration,
};
use cupola_client::{AgentsClient, AgentsClientOptions, Error};

use crate::{
    config::{Config, Flags},
    data_dir, env,
    failure::Failure,
};

/// Somebody waits at the terminal: give up soon.
const RETRY_FOR: Duration = Duration::seconds(5);

/// The flags of every command that talks to a server.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// The data directory of the server [default: ~/.local/share/cupola]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<String>,
    /// Print JSON, as it is on the wire
    #[arg(long, global = true)]
    pub json: bool,
}

/// A server to talk to.
#[derive(Debug)]
pub struct Connection {
    /// The client.
    pub client: AgentsClient,
    /// The deployment that programs use unless they choose.
    pub deployment: Option<String>,
}

impl Connection {
    /// The server that runs on the data directory. Where none was named and none runs on the default
    /// one, the server that the environment names.
    pub fn open(args: &ServerArgs) -> Result<Self, Failure> {
        let config = Config::load(&Flags { data: args.data.clone(), ..Flags::default() })?;
        match data_dir::serving(&config.data) {
            Some(_) => Self::local(&config),
            None if args.data.is_none() && variable("PROJECT_ENDPOINT").is_some() => Self::environment(),
            None => Err(no_server(&config.data, args.data.as_deref())),
        }
    }

    /// The server that runs on the data directory of `config`.
    pub fn local(config: &Config) -> Result<Self, Failure> {
        let variables = env::variables(config, "")?;
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        Ok(Self {
            client: AgentsClient::from_variables(variable, options())?,
            deployment: variable("MODEL_DEPLOYMENT_NAME"),
        })
    }

    fn environment() -> Result<Self, Failure> {
        let client = AgentsClient::from_variables(variable, options())?;
        Ok(Self { client, deployment: variable("MODEL_DEPLOYMENT_NAME") })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn options() -> AgentsClientOptions {
    let mut options = AgentsClientOptions::default();
    options.azure.retry = RetryOptions::exponential(ExponentialRetryOptions {
        max_retries: 3,
        max_total_elapsed: RETRY_FOR,
        ..ExponentialRetryOptions::default()
    });
    options
}

fn no_server(data: &Path, given: Option<&str>) -> Failure {
    let flag = given.map(|given| format!(" --data {given}")).unwrap_or_default();
    Failure::plain(format!("No server runs on {}. Start it: cupola up{flag}", data.display()))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
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
