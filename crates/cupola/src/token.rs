//! `cupola token`: a fresh access token for the server of a data directory.

use std::path::PathBuf;

use cupola_identity::{DEFAULT_AUDIENCE, IssuedToken, Issuer, default_roles_everywhere};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    config::{Config, Flags},
    failure::Failure,
    terminal,
};

/// Who the holder of such a token is.
const SUBJECT: &str = "local";

/// Print a fresh access token, for programs that send one themselves
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  curl --cacert ~/.local/share/cupola/tls/ca.pem \
    -H \"Authorization: Bearer $(cupola token)\" \\\n    \
    'https://127.0.0.1:8443/api/projects/demo/assistants?api-version=v1'")]
pub struct TokenArgs {
    /// The data directory of the server [default: ~/.local/share/cupola]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The configuration file of the server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a JSON object with the token's expiry
    #[arg(long)]
    json: bool,
}

/// Prints the token. No server needs to run: whoever can read the signing key may sign.
pub fn run(args: &TokenArgs) -> Result<(), Failure> {
    let flags = Flags { data: args.data.clone(), config: args.config.clone(), ..Flags::default() };
    let config = Config::load(&flags)?;
    let issued = issue(&config)?;
    if !args.json {
        return terminal::print(&format!("{}\n", issued.token.expose()));
    }
    terminal::print_json(&json!({
        "access_token": issued.token.expose(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in.as_secs(),
        "expires_on": issued.expires_on,
        "expires_at": Timestamp::from_second(issued.expires_on as i64).map(|at| at.to_string()).ok(),
    }))
}

fn issue(config: &Config) -> Result<IssuedToken, Failure> {
    let settings = config.identity_settings();
    let issuer = Issuer::open(&config.data, settings.issuer.as_deref(), settings.token_lifetime)?;
    Ok(issuer.issue(SUBJECT, DEFAULT_AUDIENCE, default_roles_everywhere())?)
}
