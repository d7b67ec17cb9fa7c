//! The code interpreter as the configuration has it: where its environment is, and what code may use.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cupola_api::containers::ContainersSettings;
use cupola_interpreter::{
    Cage, Interpreters, PoolSettings, Size,
    environment::{Setup, usual_folder},
};

use crate::{config::Config, failure::Failure};

/// As long as a container lives after its last use.
const IDLE: Duration = Duration::from_secs(20 * 60);
const GIBIBYTE: f64 = (1_u64 << 30) as f64;

/// Where the environment is, or is to be.
pub fn folder(config: &Config) -> PathBuf {
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let variable =
        |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let named = config.code_interpreter.environment.clone();
    let usual = || usual_folder(&variable).unwrap_or_else(|| config.data.join("code-interpreter"));
    named.unwrap_or_else(usual)
}

/// What runs code.
pub fn interpreters(config: &Config) -> Result<Interpreters, Failure> {
    let cage = Cage::open(folder(config), config.data.join("interpreters"))?;
    let settings = PoolSettings { size: size(config), spares: config.code_interpreter.spares, idle: IDLE };
    Ok(Interpreters::new(Arc::new(cage), settings))
}

/// How code may run.
pub fn settings(config: &Config) -> ContainersSettings {
    let code = &config.code_interpreter;
    ContainersSettings { timeout: code.timeout, max_interpreters: code.max_interpreters.get() }
}

/// What one container may use.
pub fn size(config: &Config) -> Size {
    let code = &config.code_interpreter;
    Size {
        cpu_millis: (code.cpu * 1000.0) as u32,
        disk: (code.disk_gib * GIBIBYTE) as u64,
        processes: code.processes.get(),
        ..Size::default()
    }
}

/// Makes the environment behind a service that runs, and says what became of it.
pub async fn set_up_behind(config: &Config) -> String {
    match Setup::default().run(&folder(config), |_| {}).await {
        Ok(environment) => format!("The code interpreter is ready: Python {}.", environment.version()),
        Err(fault) => {
            format!("There is no code interpreter yet. {fault}\nTry again: cupola setup code-interpreter")
        }
    }
}
