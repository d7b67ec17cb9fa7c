//! The log: on standard error, so that standard output stays for people and scripts.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Config, LogFormat};

/// Starts the log.
pub fn start(config: &Config) {
    // The configuration has checked the filter. What goes wrong with MCP servers is logged where it matters;
    // the library would call each of them a fatal error.
    let filter = EnvFilter::try_new(format!("rmcp=off,{}", config.log)).unwrap_or_default();
    let log = fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    // Only a second start in one process can fail, and then the first log goes on.
    let _ = match config.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
