//! How far the making of versions is, for whoever looks at them meanwhile. Nobody else needs it: it is kept
//! in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use cupola_hosting::Progress;
use cupola_wire::agents::{AgentVersion, AgentVersionStatus, BuildProgress};
use serde_json::json;

use super::hosting::version_id;
use crate::{Service, body::document};

/// How far the making of versions is.
#[derive(Debug, Default)]
pub struct Making {
    steps: Mutex<HashMap<String, BuildProgress>>,
}

impl Making {
    /// A version has come this far.
    pub fn reach(&self, version: &str, step: BuildProgress) {
        self.steps().insert(version.to_owned(), step);
    }

    /// A version is made, or can't be.
    pub fn end(&self, version: &str) {
        self.steps().remove(version);
    }

    fn steps(&self) -> MutexGuard<'_, HashMap<String, BuildProgress>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a runtime reports, as clients see it.
pub fn step(progress: &Progress) -> BuildProgress {
    match *progress {
        Progress::Resolving => BuildProgress::Resolving,
        Progress::Pulling { done, total, layers_done, layers } => {
            BuildProgress::Pulling { bytes_done: done, bytes_total: total, layers_done, layers_total: layers }
        }
        Progress::Unpacking => BuildProgress::Unpacking,
        Progress::Present { .. } => BuildProgress::Starting,
    }
}

/// The version with how far it is, while it is being made.
pub fn with_progress(service: &Service, project: &str, doc: Bytes) -> Bytes {
    let Some(hosting) = service.hosting() else { return doc };
    let Ok(mut version) = serde_json::from_slice::<AgentVersion>(&doc) else { return doc };
    if version.status != AgentVersionStatus::Creating {
        return doc;
    }
    let id = version_id(project, &version.name, &version.version);
    let Some(step) = hosting.making().steps().get(&id).cloned() else { return doc };
    version.extra.insert("progress".to_owned(), json!(step));
    document(&version)
}
