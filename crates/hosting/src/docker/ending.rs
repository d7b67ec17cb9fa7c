//! How a container ended, or that nobody can tell.

use bollard::{
    Docker,
    errors::Error,
    models::ContainerState,
    query_parameters::{InspectContainerOptions, WaitContainerOptionsBuilder},
};
use futures_util::StreamExt as _;

use super::words;
use crate::{Exit, LogBook, LogStream};

/// How often a wait may break while the container goes on.
const BROKEN_WAITS: usize = 5;

/// Waits until the container has ended. When the daemon goes away, its containers count as ended.
pub(super) async fn wait(client: &Docker, container: &str, logs: &LogBook) -> Exit {
    let mut broken = 0;
    loop {
        let waited = wait_once(client, container).await;
        match client.inspect_container(container, None::<InspectContainerOptions>).await {
            Ok(found) => {
                let state = found.state.unwrap_or_default();
                if state.running != Some(true) {
                    return exit(&state);
                }
                broken += usize::from(!matches!(waited, Err(Error::RequestTimeoutError)));
                if broken > BROKEN_WAITS {
                    return lost(logs, "it does not say when the container ends");
                }
            }
            // Somebody removed it; the wait has told how it ended.
            Err(error) if words::status(&error) == Some(404) => {
                return waited.map_or_else(|_| Exit::default(), exit_of_code);
            }
            Err(error) => return lost(logs, &words::said(&error)),
        }
    }
}

/// The exit code, as far as the daemon tells.
async fn wait_once(client: &Docker, container: &str) -> Result<i64, Error> {
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    match client.wait_container(container, Some(options)).next().await {
        Some(Ok(answer)) => Ok(answer.status_code),
        Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
        Some(Err(error)) => Err(error),
        None => Err(Error::DockerStreamError { error: "the daemon closed the connection".to_owned() }),
    }
}

fn lost(logs: &LogBook, reason: &str) -> Exit {
    let line = format!("The Docker daemon went away ({reason}); the sandbox counts as ended.");
    logs.add(LogStream::Platform, line.as_bytes());
    Exit::default()
}

fn exit(state: &ContainerState) -> Exit {
    let code = state.exit_code.unwrap_or_default();
    // A program may survive that one of its children was killed.
    let out_of_memory = state.oom_killed == Some(true) && code != 0;
    Exit { out_of_memory, ..exit_of_code(code) }
}

/// The daemon tells signals as 128 and their number.
fn exit_of_code(code: i64) -> Exit {
    let code = i32::try_from(code).unwrap_or(i32::MAX);
    match code - 128 {
        signal @ 1..=31 => Exit { signal: Some(signal), ..Exit::default() },
        _ => Exit { code: Some(code), ..Exit::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: i64, oom_killed: bool) -> Exit {
        exit(&ContainerState {
            exit_code: Some(exit_code),
            oom_killed: Some(oom_killed),
            ..ContainerState::default()
        })
    }

    #[test]
    fn codes_signals_and_memory_are_told_apart() {
        assert_eq!(ended(3, false).to_string(), "exited with code 3");
        assert_eq!(ended(255, false).to_string(), "exited with code 255");
        assert_eq!(ended(143, false).to_string(), "was ended by signal 15");
        assert_eq!(ended(137, true), Exit { signal: Some(9), out_of_memory: true, code: None });
        assert_eq!(ended(0, true).to_string(), "exited with code 0");
    }
}
