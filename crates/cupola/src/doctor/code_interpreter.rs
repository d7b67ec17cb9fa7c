//! Whether code can run here: an interpreter is started and computes.

use std::time::{Duration, Instant};

use cupola_interpreter::{Cage, Ended, Environment, Interpreter, Runtime as _};

use super::verdict::Verdict;
use crate::{code_interpreter, config::Config, when};

const CHECK: &str = "code interpreter";
const SETUP: &str = "Make it: cupola setup code-interpreter";

/// The environment, and an interpreter in it.
pub async fn environment(config: &Config) -> Verdict {
    let folder = code_interpreter::folder(config);
    let environment = match Environment::open(&folder) {
        Ok(environment) => environment,
        Err(_) => {
            let message =
                format!("agents can't run code: there is no Python environment in {}", folder.display());
            return Verdict::warn(CHECK, message, SETUP);
        }
    };
    let about = format!("Python {} in {}", environment.version(), folder.display());
    match attempt(config).await {
        Ok(said) if !environment.is_current() => Verdict::warn(
            CHECK,
            format!("{about}: {said}. Its packages are those of another version of Cupola"),
            "Bring them up to date: cupola setup code-interpreter",
        ),
        Ok(said) => Verdict::ok(CHECK, format!("{about}: {said}")),
        Err(why) => Verdict::fail(CHECK, format!("{about} does not work: {why}"), SETUP),
    }
}

async fn attempt(config: &Config) -> Result<String, String> {
    // Beside a server that runs: nothing of its folder is touched.
    let traces = tempfile::tempdir().map_err(|error| error.to_string())?;
    let cage = Cage::open(code_interpreter::folder(config), traces.path().to_owned());
    let cage = cage.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let started = cage.start(code_interpreter::size(config)).await.map_err(|fault| fault.to_string())?;
    let mut interpreter = Interpreter::ready(started).await.map_err(|fault| fault.to_string())?;
    let ready = when::span(began.elapsed());
    let ran = interpreter.run("6 * 7", tokio::time::sleep(Duration::from_secs(10)), 1024).await;
    if ran.ended != Ended::Completed || ran.logs != "42\n" {
        return Err(format!("6 * 7 gave {:?}", ran.logs));
    }
    let memory = interpreter.memory().map(|bytes| format!(", {} MiB", bytes >> 20));
    Ok(format!("an interpreter was ready after {ready}{}", memory.unwrap_or_default()))
}
