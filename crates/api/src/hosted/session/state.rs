//! The life of a session. Pure: what is, what happens, what is next.

use serde::{Deserialize, Serialize};

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Its sandbox is being started for the first time.
    Creating,
    /// Its sandbox runs.
    Active,
    /// Its sandbox was stopped. Its files are kept, and the next use starts it again.
    Idle,
    /// Its sandbox could not be started. The next use tries again.
    Failed,
    /// Nobody used it for as long as sessions are kept.
    Expired,
    /// It is gone.
    Deleted,
}

/// What happens to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Its sandbox is ready.
    Started,
    /// Its sandbox did not come up.
    StartFailed,
    /// Its sandbox was stopped, or ended by itself.
    Stopped,
    /// It was not used for too long.
    Expired,
    /// Its end was asked for.
    Deleted,
}

impl SessionState {
    /// What is next; `None` where the event changes nothing.
    pub fn after(self, event: SessionEvent) -> Option<Self> {
        use SessionEvent as Event;
        let next = match (self, event) {
            // Nothing follows an end, but that an expired one may still be deleted.
            (Self::Deleted, _) => return None,
            (Self::Expired, Event::Deleted) | (_, Event::Deleted) => Self::Deleted,
            (Self::Expired, _) => return None,
            (_, Event::Started) => Self::Active,
            (_, Event::StartFailed) => Self::Failed,
            (Self::Failed, Event::Stopped) => return None,
            (_, Event::Stopped) => Self::Idle,
            (_, Event::Expired) => Self::Expired,
        };
        (next != self).then_some(next)
    }

    /// As the stream of its log says it.
    pub fn shown_in_logs(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Active => "Running",
            Self::Idle => "Idle",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether it can be used.
    pub fn is_usable(self) -> bool {
        !matches!(self, Self::Deleted | Self::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [SessionState; 6] = [
        SessionState::Creating,
        SessionState::Active,
        SessionState::Idle,
        SessionState::Failed,
        SessionState::Expired,
        SessionState::Deleted,
    ];

    const EVENTS: [SessionEvent; 5] = [
        SessionEvent::Started,
        SessionEvent::StartFailed,
        SessionEvent::Stopped,
        SessionEvent::Expired,
        SessionEvent::Deleted,
    ];

    #[test]
    fn a_session_comes_up_goes_to_sleep_and_wakes() {
        let up = SessionState::Creating.after(SessionEvent::Started);
        assert_eq!(up, Some(SessionState::Active));
        assert_eq!(SessionState::Active.after(SessionEvent::Stopped), Some(SessionState::Idle));
        assert_eq!(SessionState::Idle.after(SessionEvent::Started), Some(SessionState::Active));
    }

    #[test]
    fn nothing_brings_a_session_back_from_its_end() {
        for event in EVENTS {
            assert_eq!(SessionState::Deleted.after(event), None);
            let after = SessionState::Expired.after(event);
            assert!(after.is_none_or(|state| state == SessionState::Deleted), "{event:?}");
        }
    }

    #[test]
    fn every_session_can_be_deleted() {
        for state in STATES {
            let after = state.after(SessionEvent::Deleted);
            assert_eq!(after.unwrap_or(state), SessionState::Deleted);
        }
    }

    #[test]
    fn a_failed_start_stays_visible_until_the_next_one() {
        assert_eq!(SessionState::Failed.after(SessionEvent::Stopped), None);
        assert_eq!(SessionState::Failed.after(SessionEvent::Started), Some(SessionState::Active));
    }
}
