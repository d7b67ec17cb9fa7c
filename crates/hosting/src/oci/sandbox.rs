//! A sandbox that was started.

use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_sandbox::Child;
use tokio::{sync::watch, time::timeout};

use super::output::follow;
use crate::{Connection, Exit, LogStream, Sandbox, SandboxSpec};

/// A sandbox that was started.
pub(super) struct OciSandbox {
    child: Child,
    id: String,
    port: u16,
    exit: watch::Receiver<Option<Exit>>,
}

impl fmt::Debug for OciSandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OciSandbox").field("id", &self.id).finish_non_exhaustive()
    }
}

impl OciSandbox {
    /// Takes a sandbox over. `held` is what it needs while it lives.
    pub fn watch(mut child: Child, spec: &SandboxSpec, held: impl Send + 'static) -> Self {
        let (ended, exit) = watch::channel(None);
        let mut inner = child.exit();
        let (stdout, stderr) = (child.take_stdout(), child.take_stderr());
        let logs = Arc::clone(&spec.logs);
        tokio::spawn(async move {
            let said = async {
                if let Some((stdout, stderr)) = stdout.zip(stderr) {
                    tokio::join!(
                        follow(stdout, LogStream::Stdout, Arc::clone(&logs)),
                        follow(stderr, LogStream::Stderr, logs)
                    );
                }
            };
            // It has ended when everything was heard: whoever learns of the end finds the last lines.
            let how =
                tokio::join!(said, async { inner.wait_for(Option::is_some).await.ok().and_then(|end| *end) })
                    .1;
            drop(held);
            ended.send_replace(Some(how.map_or_else(Exit::default, exit_of)));
        });
        Self { child, id: spec.id.clone(), port: spec.port, exit }
    }

    /// Whether it has ended when the time is over.
    async fn ends_within(&self, time: Duration) -> bool {
        let mut exit = self.exit.clone();
        matches!(timeout(time, exit.wait_for(Option::is_some)).await, Ok(Ok(_)))
    }
}

#[async_trait]
impl Sandbox for OciSandbox {
    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        if self.exit.borrow().is_some() {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the sandbox has ended"));
        }
        Ok(Box::new(self.child.door().connect(self.port).await?))
    }

    fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    async fn stop(&self, grace: Duration) {
        if self.exit.borrow().is_some() {
            return;
        }
        self.child.terminate();
        if !self.ends_within(grace).await {
            self.child.kill();
            // The kernel ends everything inside; nothing there can hold that up.
            let mut exit = self.exit.clone();
            let _ = exit.wait_for(Option::is_some).await;
        }
    }
}

fn exit_of(exit: cupola_sandbox::Exit) -> Exit {
    Exit { code: exit.code, signal: exit.signal, out_of_memory: exit.out_of_memory }
}
