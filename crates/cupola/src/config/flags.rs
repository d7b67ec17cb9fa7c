//! The flags that every command with a configuration takes.

use std::path::PathBuf;

use toml::Value;

use super::{
    error::{ConfigError, Origin},
    sources::Sources,
};

/// `--config`, `--data`, `--listen` and `--project`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// The directory that holds everything [default: ~/.local/share/cupola]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// The address to serve on [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The project to start with [default: demo]
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The configuration file [default: DATA/cupola.toml, then ./cupola.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Flags {
    /// Adds the flags that were given.
    pub(super) fn apply(&self, sources: &mut Sources) -> Result<(), ConfigError> {
        let given = [
            ("data", "--data", &self.data),
            ("listen", "--listen", &self.listen),
            ("project", "--project", &self.project),
        ];
        for (key, flag, value) in given {
            if let Some(text) = value {
                sources.set(&[key.to_owned()], Value::String(text.clone()), Origin::Flag(flag))?;
            }
        }
        Ok(())
    }
}
