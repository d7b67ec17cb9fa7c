//! Passages get scores, by servers with an endpoint like that of Cohere, Jina, vLLM, llama.cpp or TEI.

use serde::Deserialize;
use serde_json::json;

use super::{
    NoAnswer,
    whole::{call, nonsense},
};
use crate::{FaultKind, RawOperation, catalog::Resolved};

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Results { results: Vec<Score> },
    List(Vec<Score>),
}

#[derive(Deserialize)]
struct Score {
    index: usize,
    #[serde(alias = "relevance_score")]
    score: f32,
}

impl Resolved {
    /// A score for each passage, in their order, on the scale of the server: the higher, the better.
    pub async fn rerank(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, NoAnswer> {
        const OPERATION: RawOperation = RawOperation::Rerank;
        let body = json!({ "query": query, "documents": passages, "return_documents": false });
        let answer: Answer = match call(self, OPERATION, body).await {
            Err(error) if wants_texts(&error) => {
                let body = json!({ "query": query, "texts": passages, "truncate": true });
                call(self, OPERATION, body).await?
            }
            other => other?,
        };
        let (Answer::Results { results: found } | Answer::List(found)) = answer;
        in_order(&found, passages.len()).map_err(|what| nonsense(self, OPERATION, &what))
    }
}

/// TEI calls the passages so, and names the field that it misses.
fn wants_texts(error: &NoAnswer) -> bool {
    let NoAnswer::Fault(fault) = error else { return false };
    fault.kind == FaultKind::Rejected && fault.message.contains("texts")
}

fn in_order(found: &[Score], passages: usize) -> Result<Vec<f32>, String> {
    if found.len() != passages {
        return Err(format!("{} scores for {passages} passages", found.len()));
    }
    let mut scores = vec![None; passages];
    for Score { index, score } in found {
        match scores.get_mut(*index).filter(|place| place.is_none()) {
            Some(place) if score.is_finite() => *place = Some(*score),
            Some(_) => return Err("a score that is no number".into()),
            None => return Err(format!("a second or unknown score number {index}")),
        }
    }
    Ok(scores.into_iter().flatten().collect())
}
