//! A session as it is stored, and how it is shown.

use std::sync::Arc;

use cupola_hosting::Failure;
use cupola_store::{Change, Conflict, Key, Kind, Listing, Resource, StoreError};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    id,
    state::{SessionEvent, SessionState},
};
use crate::{ApiError, Service, body::document, hosted::gateway::BINDING, partition::Partition};

/// A session; its id is `AGENT/SESSION`, its parent [`sessions_of`] the agent.
pub const SESSION: Kind = Kind::named("hosted_session").owning(&[BINDING]);

/// Sessions that nobody uses are kept for thirty days.
pub const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The id that clients know.
    pub id: String,
    /// The name of its folder and its sandbox: 32 hexadecimal digits that no client chose.
    pub guid: String,
    /// The agent.
    pub agent: String,
    /// The version that it was made with. It stays the same.
    pub version: String,
    /// Whose it is.
    pub owner: String,
    /// Where it is.
    pub state: SessionState,
    /// In seconds.
    pub created_at: i64,
    /// In seconds.
    pub last_accessed_at: i64,
    /// In seconds, once it was stopped.
    #[serde(default)]
    pub stopped_at: Option<i64>,
    /// Why its sandbox did not come up.
    #[serde(default)]
    pub failure: Option<SessionFailure>,
}

/// Why a sandbox did not come up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionFailure {
    /// The code.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// The parent of an agent's sessions.
pub fn sessions_of(agent: &str) -> String {
    format!("agents/{agent}/sessions")
}

/// The key of a session.
pub fn session_key(project: &Arc<str>, agent: &str, id: &str) -> Key {
    Key::new(project, SESSION, format!("{agent}/{id}"))
}

impl Session {
    /// A session that begins now.
    pub fn new(id: String, agent: &str, version: &str, owner: &str, now: i64) -> Self {
        let guid: [u8; 16] = rand::rng().random();
        Self {
            id,
            guid: hex::encode(guid),
            agent: agent.to_owned(),
            version: version.to_owned(),
            owner: owner.to_owned(),
            state: SessionState::Creating,
            created_at: now,
            last_accessed_at: now,
            stopped_at: None,
            failure: None,
        }
    }

    /// The same, whose sandbox runs already, for somebody.
    pub fn handed_to(self, owner: &str, now: i64) -> Self {
        let state = SessionState::Active;
        Self { owner: owner.to_owned(), state, created_at: now, last_accessed_at: now, ..self }
    }

    /// Reads a stored session.
    pub fn read(stored: &Resource) -> Result<Self, ApiError> {
        serde_json::from_slice(&stored.doc)
            .map_err(|error| ApiError::internal(&format!("reading the session {}", stored.id), error))
    }

    /// Takes an event in, and says whether it changed anything.
    pub fn apply(&mut self, event: SessionEvent, now: i64) -> bool {
        let Some(next) = self.state.after(event) else { return false };
        self.state = next;
        match next {
            SessionState::Active => {
                self.failure = None;
                self.stopped_at = None;
                self.last_accessed_at = now;
            }
            SessionState::Idle => {
                self.stopped_at = Some(now);
                self.last_accessed_at = now;
            }
            _ => {}
        }
        true
    }

    /// Whether nobody has used it for as long as sessions are kept. What runs is used.
    pub fn has_expired(&self, now: i64) -> bool {
        let sleeps = self.state.is_usable() && self.state != SessionState::Active;
        sleeps && self.last_accessed_at + KEPT_SECONDS < now
    }

    /// Notes why its sandbox did not come up.
    pub fn fail(&mut self, failure: &Failure, now: i64) {
        self.apply(SessionEvent::StartFailed, now);
        self.failure =
            Some(SessionFailure { code: failure.code.as_str().to_owned(), message: failure.message.clone() });
    }

    /// Where it is stored.
    pub fn key(&self, project: &Arc<str>) -> Key {
        session_key(project, &self.agent, &self.id)
    }

    /// The partition of the ids of its responses: that of its own id, where the platform made it.
    pub fn partition(&self) -> Partition {
        id::partition_of(&self.id).unwrap_or_else(|| Partition::of_session(&self.guid))
    }

    /// What clients see.
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "agent_session_id": self.id,
            "version_indicator": {"type": "version_ref", "agent_version": self.version},
            "status": self.state,
            "created_at": self.created_at,
            "last_accessed_at": self.last_accessed_at,
            "expires_at": self.last_accessed_at + KEPT_SECONDS,
        });
        if let Some(stopped_at) = self.stopped_at {
            shown["stopped_at"] = stopped_at.into();
        }
        if let Some(failure) = &self.failure {
            shown["error"] = json!(failure);
        }
        shown
    }

    /// The change that stores this as new.
    pub fn insert(&self, project: &Arc<str>) -> Change {
        Change::Insert {
            key: self.key(project),
            parent: sessions_of(&self.agent),
            // So that the store finds those of one user.
            facet: self.owner.clone(),
            created_at: self.created_at,
            doc: document(self),
            aside: None,
        }
    }
}

/// A session with its etag, if there is one.
pub async fn find(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    id: &str,
) -> Result<Option<(Session, i64)>, ApiError> {
    let stored = service.store().get(&session_key(project, agent, id)).await?;
    stored.map(|stored| Ok((Session::read(&stored)?, stored.etag))).transpose()
}

/// Changes a session, again while somebody else is faster. `None` if it is not there.
pub async fn change(
    service: &Service,
    project: &Arc<str>,
    agent: &str,
    id: &str,
    edit: impl Fn(&mut Session) -> bool,
) -> Result<Option<Session>, ApiError> {
    loop {
        let Some((mut session, etag)) = find(service, project, agent, id).await? else { return Ok(None) };
        if !edit(&mut session) {
            return Ok(Some(session));
        }
        let key = session_key(project, agent, id);
        let replaced = Change::Replace { key, if_etag: etag, doc: document(&session) };
        match service.store().commit(vec![replaced]).await {
            Ok(()) => return Ok(Some(session)),
            Err(StoreError::Conflict(Conflict::Changed(_))) => {}
            Err(StoreError::Conflict(Conflict::Missing(_))) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// All sessions of an agent, oldest first.
pub async fn all(service: &Service, project: &Arc<str>, agent: &str) -> Result<Vec<Session>, ApiError> {
    let parent = sessions_of(agent);
    let listing = Listing::all(project, SESSION, &parent);
    service.store().list(listing).await?.items.iter().map(Session::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_expires_thirty_days_after_its_last_use() {
        let mut session = Session::new("s".to_owned(), "a", "1", "ann", 1000);
        session.apply(SessionEvent::Started, 1000);
        assert!(!session.has_expired(1000 + 2 * KEPT_SECONDS), "what runs is used");
        session.apply(SessionEvent::Stopped, 2000);
        assert!(!session.has_expired(2000 + KEPT_SECONDS));
        assert!(session.has_expired(2001 + KEPT_SECONDS));
        session.apply(SessionEvent::Expired, 2001 + KEPT_SECONDS);
        assert!(!session.has_expired(3 * KEPT_SECONDS), "once is enough");
    }
}
