//! Calls that searching needs: vectors of texts, and scores of passages.

mod embeddings;
mod rerank;
mod whole;

use crate::{Fault, FaultKind};

/// Why a deployment gave no vectors or scores.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Its provider has no such operation.
    #[error(
        "The provider \"{provider}\" has no {operation}. Choose a deployment of a model server that has."
    )]
    NotOffered {
        /// The provider.
        provider: String,
        /// What it does not have.
        operation: &'static str,
    },
    /// It answered, but not what was asked for.
    #[error("{0}")]
    Nonsense(String),
}

impl NoAnswer {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fault(fault) => matches!(
                fault.kind,
                FaultKind::Unreachable | FaultKind::Timeout | FaultKind::RateLimited | FaultKind::Broken
            ),
            Self::NotOffered { .. } | Self::Nonsense(_) => false,
        }
    }
}
