//! What the tool needs of whoever runs agents.

use async_trait::async_trait;
use cupola_engine::turn::TurnFault;
use cupola_models::ModelUsage;
use cupola_store::TurnKey;

/// The agents of a project, as the tool knows them.
#[async_trait]
pub trait Colleagues: Send + Sync {
    /// Has an agent answer, and waits for it. The same errand, asked again after a crash, is the same run. An
    /// errand that is no longer wanted is dropped: then the agent is stopped. A fault is told to the model.
    async fn ask(&self, errand: Errand) -> Result<Report, TurnFault>;
}

/// What an agent is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The turn that asks.
    pub asked_by: TurnKey,
    /// The call within that turn.
    pub call_id: String,
    /// The agent that is asked.
    pub agent: String,
    /// What it is asked.
    pub query: String,
}

/// What became of an errand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The agent.
    pub agent: String,
    /// The thread of its run.
    pub thread: String,
    /// Its run.
    pub run: String,
    /// How that ended.
    pub ended: Ended,
    /// Tokens that it used.
    pub usage: ModelUsage,
}

/// How an errand ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this answer.
    Answered(String),
    /// Before the agent was done.
    CutShort {
        /// What it had said until then.
        said: String,
        /// What happened, in a sentence for the model.
        why: String,
    },
}
