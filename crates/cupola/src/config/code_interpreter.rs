//! `[code_interpreter]`: where Python is, and what code may use.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error};

use super::{durations, sections::size};

/// `[code_interpreter]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeInterpreterConfig {
    /// The directory of the Python environment.
    pub environment: Option<PathBuf>,
    /// How long one call may take.
    #[serde(deserialize_with = "durations::at_least_a_second")]
    pub timeout: Duration,
    /// Processor time of one container, in cores.
    #[serde(deserialize_with = "amount")]
    pub cpu: f64,
    /// What the files of one container may take, in GiB.
    #[serde(deserialize_with = "amount")]
    pub disk_gib: f64,
    /// Processes and threads of one container.
    pub processes: NonZeroU32,
    /// How many interpreters are kept ready.
    pub spares: usize,
    /// The most interpreters that containers have at the same time.
    pub max_interpreters: NonZeroUsize,
}

impl Default for CodeInterpreterConfig {
    fn default() -> Self {
        Self {
            environment: None,
            timeout: Duration::from_secs(60),
            cpu: 1.0,
            disk_gib: 0.5,
            processes: NonZeroU32::MIN.saturating_add(63),
            spares: 1,
            max_interpreters: size(16),
        }
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let amount = f64::deserialize(deserializer)?;
    if amount.is_finite() && amount > 0.0 {
        return Ok(amount);
    }
    Err(D::Error::custom(format!("{amount} is not more than nothing")))
}
