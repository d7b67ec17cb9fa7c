//! A process as a sandbox.

use std::{io, time::Duration};

use async_trait::async_trait;
use rustix::process::Signal;
use tokio::{net::TcpStream, sync::watch, time::timeout};

use super::record::Record;
use crate::{Connection, Exit, Sandbox};

/// A process that was started.
#[derive(Debug)]
pub struct Running {
    /// The port that it was told to listen on.
    pub port: u16,
    /// How it is found.
    pub record: Record,
    /// Its end.
    pub exit: watch::Receiver<Option<Exit>>,
}

#[async_trait]
impl Sandbox for Running {
    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    async fn stop(&self, grace: Duration) {
        let mut exit = self.exit.clone();
        if !grace.is_zero() {
            self.record.signal(Signal::TERM);
            if timeout(grace, exit.wait_for(Option::is_some)).await.is_ok() {
                return;
            }
        }
        self.record.signal(Signal::KILL);
        let _ = exit.wait_for(Option::is_some).await;
    }
}
