//! Who has asked whom: agents that ask each other in a circle, or through too many hands, are stopped.

use serde::{Deserialize, Serialize};

use super::NotAsked;

/// How many agents may be at work on one question, the first one included.
const MOST_AGENTS: usize = 5;

/// The agents that are at work on one question, the first one first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage(Vec<String>);

impl Lineage {
    /// An agent that was asked by a client.
    pub fn first(agent: &str) -> Self {
        Self(vec![agent.to_owned()])
    }

    /// The lineage with one agent more, if it may be asked.
    pub fn with(&self, agent: &str) -> Result<Self, NotAsked> {
        if self.0.iter().any(|other| other == agent) {
            let message = format!(
                "The agent '{agent}' is at work on this already: {} asks it again. It was not asked.",
                self.path()
            );
            return Err(NotAsked { code: "agent_cycle", message });
        }
        if self.0.len() >= MOST_AGENTS {
            let message = format!(
                "Not more than {MOST_AGENTS} agents may hand a question on, and these have it already: {}. \
                 The agent '{agent}' was not asked.",
                self.path()
            );
            return Err(NotAsked { code: "agent_depth", message });
        }
        let mut agents = self.0.clone();
        agents.push(agent.to_owned());
        Ok(Self(agents))
    }

    fn path(&self) -> String {
        self.0.join(" → ")
    }
}
