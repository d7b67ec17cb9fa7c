//! Where a secret comes from: a variable, a file, standard input. Never the command line, which every user
//! of the machine can read.

use std::io::{self, IsTerminal, Read as _};

use crate::{failure::Failure, pairs::pair};

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file; `-` is standard input.
    File(String),
}

/// A secret with the name that it gets.
#[derive(Clone, Debug)]
pub struct NamedSource {
    /// The name.
    pub name: String,
    /// Where the secret is.
    pub source: SecretSource,
}

impl NamedSource {
    /// Reads `NAME=VARIABLE`.
    pub fn env(text: &str) -> Result<Self, String> {
        let (name, variable) = pair(text)?;
        Ok(Self { name, source: SecretSource::Env(variable) })
    }

    /// Reads `NAME=FILE`.
    pub fn file(text: &str) -> Result<Self, String> {
        let (name, file) = pair(text)?;
        Ok(Self { name, source: SecretSource::File(file) })
    }
}

impl SecretSource {
    /// The secret, without the end of its last line.
    pub fn read(&self) -> Result<String, Failure> {
        let (secret, place) = match self {
            Self::Env(variable) => {
                let value = std::env::var(variable).map_err(|_| {
                    Failure::plain(format!("The environment variable {variable} is not set. Export it first"))
                })?;
                (value, format!("The environment variable {variable}"))
            }
            Self::File(file) if file == "-" => (from_standard_input()?, "Standard input".to_owned()),
            Self::File(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure::plain(format!("The file {file} can't be read: {error}")))?;
                (text, format!("The file {file}"))
            }
        };
        let secret = secret.trim_end_matches(['\n', '\r']);
        if secret.is_empty() {
            return Err(Failure::plain(format!("{place} is empty; expected a secret")));
        }
        Ok(secret.to_owned())
    }
}

/// At a terminal the secret is asked for and not shown.
fn from_standard_input() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        anstream::eprint!("Key: ");
        return Ok(console::Term::stderr().read_secure_line()?);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
