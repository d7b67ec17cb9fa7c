//! Checks of the running server and of the address it listens on.

use std::{
    fs::File,
    io::ErrorKind,
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use cupola_client::types::ListQuery;
use tokio::time::timeout;

use super::verdict::Verdict;
use crate::{config::Config, data_dir::Serving, failure::Failure, server::Server, when};

/// A healthy server needs a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a server runs, and answers as one that a program asks.
pub async fn server(config: &Config, serving: Option<&Serving>) -> Verdict {
    const CHECK: &str = "server";
    let Some(serving) = serving else {
        return match is_locked(&config.data) {
            true => Verdict::warn(
                CHECK,
                "a process holds the data directory but does not serve",
                "It may be starting or stopping. Look again in a few seconds",
            ),
            false => Verdict::ok(CHECK, "not running (start it: cupola up)"),
        };
    };
    let who = format!("process {} on {}", serving.pid, serving.listen);
    let log = "Read what it wrote to its log; then stop it and start it again";
    match timeout(PATIENCE, ask(config)).await {
        Ok(Ok(took)) => Verdict::ok(CHECK, format!("{who} answers within {}", when::span(took))),
        Ok(Err(failure)) => Verdict::fail(CHECK, format!("{who}: {}", failure.message()), log),
        Err(_) => Verdict::fail(CHECK, format!("{who} does not answer within {PATIENCE:?}"), log),
    }
}

/// One small request with everything that a real one has: TLS, a token, the store.
async fn ask(config: &Config) -> Result<Duration, Failure> {
    let agents = Server::local(config)?.client.agents();
    let began = Instant::now();
    agents.list_page(&ListQuery { limit: Some(1), ..ListQuery::default() }.into()).await?;
    Ok(began.elapsed())
}

fn is_locked(data: &Path) -> bool {
    let lock = File::open(data.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Whether the address can be had, and may be served on.
pub fn address(config: &Config, serving: Option<&Serving>) -> Verdict {
    const CHECK: &str = "address";
    let listen = config.listen;
    if let Err(error) = config.check_exposure() {
        return Verdict::fail(CHECK, error.to_string(), format!("More: cupola explain {}", error.code()));
    }
    if let Some(serving) = serving {
        return Verdict::ok(CHECK, format!("{} is this server's", serving.listen));
    }
    let another = "Stop the program that has it, or choose another one: --listen 127.0.0.1:9443";
    match TcpListener::bind(listen) {
        Ok(_) => Verdict::ok(CHECK, format!("{listen} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Verdict::fail(CHECK, format!("another program listens on {listen}"), another)
        }
        Err(error) => {
            Verdict::fail(CHECK, format!("{listen}: {error}"), "Choose another one: --listen ADDR:PORT")
        }
    }
}
