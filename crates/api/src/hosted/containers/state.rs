//! The life of a container. Pure: what is, what is asked for, what is next.

use serde::{Deserialize, Serialize};

/// Where a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// Its replicas are being started.
    Starting,
    /// It answers.
    Running,
    /// The number of its replicas is being changed. It answers.
    Updating,
    /// Its replicas are being stopped.
    Stopping,
    /// It was stopped, and can be started.
    Stopped,
    /// It could not be started.
    Failed,
    /// Its replicas are being stopped for good.
    Deleting,
    /// There is none.
    Deleted,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// That it runs.
    Start,
    /// That it runs with another number of replicas.
    Update,
    /// That it does not run.
    Stop,
    /// That it is gone.
    Delete,
}

impl ContainerState {
    /// Where it is while a wish is performed; `None` where there is nothing to do. One worker performs one wish
    /// after the other, so whoever finds it between two states finds what a restart has interrupted.
    pub fn under(self, wish: Wish) -> Option<Self> {
        use ContainerState as State;
        match (wish, self) {
            (Wish::Start, State::Running) => None,
            (Wish::Start, _) => Some(State::Starting),
            (Wish::Update, State::Stopped | State::Failed | State::Deleted) => None,
            (Wish::Update, _) => Some(State::Updating),
            (Wish::Stop, State::Stopped | State::Deleted) => None,
            (Wish::Stop, _) => Some(State::Stopping),
            (Wish::Delete, State::Deleted) => None,
            (Wish::Delete, _) => Some(State::Deleting),
        }
    }

    /// Where it is after that, whether the wish came true or not.
    pub fn after(self, came_true: bool) -> Self {
        match (self, came_true) {
            (Self::Starting, true) | (Self::Updating, _) => Self::Running,
            (Self::Starting, false) => Self::Failed,
            (Self::Stopping, _) => Self::Stopped,
            (Self::Deleting, _) => Self::Deleted,
            (settled, _) => settled,
        }
    }

    /// Whether it answers requests.
    pub fn answers(self) -> bool {
        matches!(self, Self::Running | Self::Updating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [ContainerState; 8] = [
        ContainerState::Starting,
        ContainerState::Running,
        ContainerState::Updating,
        ContainerState::Stopping,
        ContainerState::Stopped,
        ContainerState::Failed,
        ContainerState::Deleting,
        ContainerState::Deleted,
    ];

    #[test]
    fn what_is_so_already_needs_nothing() {
        for (state, wish) in [
            (ContainerState::Running, Wish::Start),
            (ContainerState::Stopped, Wish::Stop),
            (ContainerState::Deleted, Wish::Stop),
            (ContainerState::Deleted, Wish::Delete),
            (ContainerState::Stopped, Wish::Update),
            (ContainerState::Failed, Wish::Update),
        ] {
            assert_eq!(state.under(wish), None, "{state:?} {wish:?}");
        }
    }

    #[test]
    fn a_wish_that_was_interrupted_can_be_performed_again() {
        for wish in [Wish::Start, Wish::Update, Wish::Stop, Wish::Delete] {
            for state in STATES {
                if let Some(under) = state.under(wish) {
                    assert_eq!(under.under(wish), Some(under), "{state:?} {wish:?}");
                }
            }
        }
    }

    #[test]
    fn every_wish_leads_to_a_state_that_stays() {
        for state in STATES {
            for wish in [Wish::Start, Wish::Update, Wish::Stop, Wish::Delete] {
                for came_true in [true, false] {
                    let Some(under) = state.under(wish) else { continue };
                    let after = under.after(came_true);
                    assert_eq!(after.after(came_true), after, "{state:?} {wish:?}");
                }
            }
        }
    }

    #[test]
    fn an_update_that_fails_leaves_what_runs() {
        assert_eq!(ContainerState::Updating.after(false), ContainerState::Running);
        assert_eq!(ContainerState::Starting.after(false), ContainerState::Failed);
    }

    #[test]
    fn a_container_answers_while_it_is_updated() {
        let answering: Vec<_> = STATES.into_iter().filter(|state| state.answers()).collect();
        assert_eq!(answering, [ContainerState::Running, ContainerState::Updating]);
    }
}
