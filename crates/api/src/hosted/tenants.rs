//! Who lives in which sandbox: what a sandbox's name alone does not say.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who lives in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The project.
    pub project: Arc<str>,
    /// The agent.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// The session.
    pub session: String,
}

/// Who lives in which sandbox.
#[derive(Debug, Default)]
pub struct Tenants {
    by_sandbox: Mutex<HashMap<String, Tenant>>,
}

impl Tenants {
    /// Somebody moves in.
    pub fn enter(&self, sandbox: &str, tenant: Tenant) {
        self.all().insert(sandbox.to_owned(), tenant);
    }

    /// Somebody moves out.
    pub fn leave(&self, sandbox: &str) -> Option<Tenant> {
        self.all().remove(sandbox)
    }

    /// All of them.
    pub fn everybody(&self) -> Vec<Tenant> {
        self.all().values().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Tenant>> {
        self.by_sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
