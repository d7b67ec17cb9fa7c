//! Where the fleet keeps a sandbox: on its way up, or up.

use std::sync::Arc;

use tokio::sync::watch;

use super::live::Live;
use crate::Failure;

/// How far a sandbox is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// It is being started.
    Starting,
    /// It is ready.
    Up(Arc<Live>),
    /// It did not come up, and its place is free.
    Failed(Failure),
    /// It was stopped or ended, and its place is free.
    Gone,
}

/// A place in the fleet.
#[derive(Clone, Debug)]
pub struct Slot {
    stage: watch::Sender<Stage>,
}

impl Slot {
    /// A place for a sandbox that is about to be started.
    pub fn new() -> Self {
        Self { stage: watch::Sender::new(Stage::Starting) }
    }

    /// Says how far it is.
    pub fn reach(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// The news of this place.
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }
}
