//! Who has asked whom: agents that ask each other in a circle, or through too many hands, are stopped.

use cupola_engine::turn::TurnFault;
use serde::{Deserialize, Serialize};

/// How many agents may be at work on one question, the first one included.
const MOST_AGENTS: usize = 5;
/// Between the agents where they stand in one text.
const BETWEEN: char = ',';

/// The agents that are at work on one question, the first one first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(Vec<String>);

impl Lineage {
    /// An agent that was asked by a client.
    pub fn first(agent: &str) -> Self {
        Self(vec![agent.to_owned()])
    }

    /// The agents in a text; none, where there is no text.
    pub fn read(text: Option<&str>) -> Self {
        let agents = text.unwrap_or_default().split(BETWEEN).map(str::trim).filter(|agent| !agent.is_empty());
        Self(agents.map(str::to_owned).collect())
    }

    /// The agents as a text.
    pub fn text(&self) -> String {
        self.0.join(&BETWEEN.to_string())
    }

    /// The agent that a client has asked.
    pub fn first_agent(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The lineage with the agent that is at work now. Whoever has asked it has seen that it may be.
    pub fn and(mut self, agent: Option<&str>) -> Self {
        match agent {
            Some(agent) if self.0.last().is_none_or(|last| last != agent) => self.0.push(agent.to_owned()),
            _ => {}
        }
        self
    }

    /// The lineage with one agent more, if it may be asked.
    pub fn with(&self, agent: &str) -> Result<Self, TurnFault> {
        if self.0.iter().any(|other| other == agent) {
            let message = format!(
                "The agent '{agent}' is at work on this already: {} asks it again. It was not asked.",
                self.path()
            );
            return Err(TurnFault { code: "agent_cycle".to_owned(), message });
        }
        if self.0.len() >= MOST_AGENTS {
            let message = format!(
                "Not more than {MOST_AGENTS} agents may hand a question on, and these have it already: {}. \
                 The agent '{agent}' was not asked.",
                self.path()
            );
            return Err(TurnFault { code: "agent_depth".to_owned(), message });
        }
        let mut agents = self.0.clone();
        agents.push(agent.to_owned());
        Ok(Self(agents))
    }

    fn path(&self) -> String {
        self.0.join(" → ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_agent_that_is_at_work_already_is_not_asked_again() {
        let lineage = Lineage::first("a").with("b").unwrap();
        let refused = lineage.with("a").unwrap_err();
        assert_eq!(refused.code, "agent_cycle");
        assert!(refused.message.contains("a → b asks it again"), "{}", refused.message);
    }

    #[test]
    fn a_question_is_not_handed_on_for_ever() {
        let mut lineage = Lineage::first("0");
        for agent in ["1", "2", "3", "4"] {
            lineage = lineage.with(agent).unwrap();
        }
        assert_eq!(lineage.with("5").unwrap_err().code, "agent_depth");
    }

    #[test]
    fn a_lineage_survives_as_a_text() {
        let lineage = Lineage::first("a").with("b").unwrap();
        assert_eq!(Lineage::read(Some(&lineage.text())), lineage);
        assert_eq!(Lineage::read(None), Lineage::default());
        assert_eq!(lineage.clone().and(Some("b")), lineage);
        assert_eq!(Lineage::read(None).and(Some("a")), Lineage::first("a"));
    }
}
