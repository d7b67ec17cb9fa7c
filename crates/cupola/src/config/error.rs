//! What is wrong with the configuration, and where it was written.

use std::{fmt, net::SocketAddr, path::PathBuf};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A place in the file, both numbers from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command.
    Flag(&'static str),
    /// Nobody gave it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => formatter.write_str(name),
            Self::Flag(flag) => formatter.write_str(flag),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key or a value is wrong.
    #[error("{origin}: {problem}")]
    Bad {
        /// Where it was given.
        origin: Origin,
        /// What is wrong, with the key's path.
        problem: String,
    },
    /// An entry of `[[connections]]` can't be used.
    #[error("{0}")]
    Connection(String),
    /// `[tools.web_search]` can't be used.
    #[error("{0}")]
    WebSearch(String),
    /// The file can't be read.
    #[error("{path}: the configuration can't be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no home directory to keep data in.
    #[error("There is no home directory for the data. Say where it is to be kept: --data DIR")]
    NoHome,
    /// Others could reach the server, and nobody could be told apart.
    #[error(
        "`listen = \"{listen}\"` can be reached from other machines, but no API key is configured. \
         Add an entry to `identity.api_keys`, `identity.issuers` or `identity.principals`, or listen on 127.0.0.1."
    )]
    ExposureWithoutIdentity {
        /// The address.
        listen: SocketAddr,
    },
}

impl ConfigError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExposureWithoutIdentity { .. } => "exposure_without_identity",
            _ => "bad_configuration",
        }
    }
}
