//! Whoever listens to a turn. A listener that leaves, or can't keep up, never holds the turn up.
//!
//! Where a turn's frames are kept, so that a client can come back and read on, a frame is sent only after
//! it was kept: nobody sees what a crash could take back. Frames are kept several at a time.

use cupola_store::Change;
use tokio::sync::{mpsc, oneshot};

use super::{Driver, Leave, Patience, Refused};
use crate::{
    Frame,
    engine::{CommandError, Frames},
};

/// Frames that a slow listener may be behind before it is let go; the turn itself goes on.
pub const LISTENER_BACKLOG: usize = 8192;
/// Frames that are still to be kept.
pub struct Keeping {
    next: i64,
    waiting: Vec<Frame>,
}

impl Keeping {
    /// After so many frames were kept.
    pub fn after(kept: i64) -> Self {
        Self { next: kept, waiting: Vec::new() }
    }
}

impl Driver {
    /// Somebody more listens.
    pub fn listen(&mut self, listener: Option<mpsc::Sender<Frame>>) {
        self.listeners.extend(listener);
    }

    /// Whether frames are of use to anybody.
    pub fn is_heard(&self) -> bool {
        !self.listeners.is_empty() || self.keeping.is_some()
    }

    /// Sends frames that need no event behind them: at once, or once they are kept.
    pub fn publish(&mut self, frames: Vec<Frame>) {
        match &mut self.keeping {
            Some(_) if frames.is_empty() => {}
            Some(keeping) => {
                keeping.waiting.extend(frames);
                self.due_soon();
            }
            None => self.send(frames),
        }
    }

    /// Adds the frames that wait, and these, to what is committed; gives those that can be sent after it.
    pub fn keep(&mut self, frames: Vec<Frame>, changes: &mut Vec<Change>) -> Vec<Frame> {
        let Some(keeping) = &mut self.keeping else { return frames };
        let mut all = std::mem::take(&mut keeping.waiting);
        all.extend(frames);
        if !all.is_empty() {
            changes.push(Change::KeepFrames {
                turn: self.key.clone(),
                first: keeping.next,
                frames: all.clone(),
            });
            keeping.next += all.len() as i64;
        }
        all
    }

    /// Keeps the frames that wait, then sends them.
    pub async fn keep_now(&mut self) -> Result<(), Leave> {
        let mut changes = self.take_pending();
        let frames = self.keep(Vec::new(), &mut changes);
        if !changes.is_empty() {
            match self.commit(changes, Patience::Endless).await {
                Err(Refused::Leave(leave)) => return Err(leave),
                Ok(()) | Err(Refused::Store(_)) => {}
            }
        }
        self.send(frames);
        Ok(())
    }

    /// Lets somebody listen from place `first` on.
    pub async fn attach(&mut self, first: i64, reply: oneshot::Sender<Result<Frames, CommandError>>) {
        if self.keep_now().await.is_err() {
            let _ = reply.send(Err(CommandError::Draining));
            return;
        }
        let kept = match self.inner.store.frames(&self.key, first).await {
            Ok(kept) => kept,
            Err(error) => {
                let _ = reply.send(Err(CommandError::Store(error)));
                return;
            }
        };
        let (sender, receiver) = mpsc::channel(LISTENER_BACKLOG + kept.len());
        for frame in kept {
            // There is room for all of them.
            let _ = sender.try_send(frame);
        }
        if reply.send(Ok(receiver)).is_ok() {
            self.listeners.push(sender);
        }
    }

    /// Sends frames to all who listen.
    pub fn send(&mut self, frames: Vec<Frame>) {
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
