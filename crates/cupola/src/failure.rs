//! How a command says that it failed: what happened, the code, and where to read more.

use anstyle::{AnsiColor, Style};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: Option<&'static str>,
}

impl Failure {
    /// A failure that `cupola explain` has a page for.
    pub fn with_code(code: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: Some(code) }
    }

    /// A failure that says everything itself.
    pub fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None }
    }

    /// What happened, in a sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says it on standard error.
    pub fn print(&self) {
        let error = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        anstream::eprintln!("{error}error:{error:#} {}", self.message);
        if let Some(code) = self.code {
            anstream::eprintln!("       [{code}]  More: cupola explain {code}");
        }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::with_code(error.code(), error.to_string())
    }
}

impl From<crate::data_dir::DataDirError> for Failure {
    fn from(error: crate::data_dir::DataDirError) -> Self {
        Self::with_code(error.code(), error.to_string())
    }
}

impl From<crate::env::EnvError> for Failure {
    fn from(error: crate::env::EnvError) -> Self {
        match error {
            crate::env::EnvError::Identity(error) => error.into(),
            other => Self::plain(other.to_string()),
        }
    }
}

impl From<crate::explain::UnknownCode> for Failure {
    fn from(error: crate::explain::UnknownCode) -> Self {
        Self::plain(error.to_string())
    }
}

impl From<cupola_identity::IdentityError> for Failure {
    fn from(error: cupola_identity::IdentityError) -> Self {
        Self::with_code(error.code(), error.to_string())
    }
}

impl From<cupola_store::StoreError> for Failure {
    fn from(error: cupola_store::StoreError) -> Self {
        use cupola_store::StoreError;
        let code = match error {
            StoreError::Full => "storage_full",
            StoreError::SchemaTooNew { .. } => "schema_too_new",
            _ => "storage_failed",
        };
        Self::with_code(code, error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::plain(error.to_string())
    }
}
