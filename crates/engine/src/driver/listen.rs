//! Whoever listens to a turn. A listener that leaves, or can't keep up, never holds the turn up.

use tokio::sync::mpsc;

use super::Driver;
use crate::Frame;

impl Driver {
    /// Somebody more listens.
    pub fn listen(&mut self, listener: Option<mpsc::Sender<Frame>>) {
        self.listeners.extend(listener);
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Sends frames to all who listen.
    pub fn publish(&mut self, frames: Vec<Frame>) {
        for frame in frames {
            self.listeners.retain(|listener| match listener.try_send(frame.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!(turn = %self.key, "a listener is too far behind and was let go; the turn goes on");
                    false
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            });
        }
    }
}
