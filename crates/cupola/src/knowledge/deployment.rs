//! Rules for calls of deployments, whatever they are asked for.

use std::time::Duration;

use cupola_models::{FaultKind, NoAnswer, catalog::Resolved};
use cupola_retrieval::EmbedError;
use tokio::time::timeout;

/// Bytes of text in one call, unless a single text is larger. A token has at least one of them, and servers
/// take several times as many tokens.
pub(super) const BYTES: usize = 128 << 10;

/// How much is asked for at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Texts in one call.
    pub texts: usize,
    /// Calls at the same time.
    pub calls: usize,
    /// How long one call may take, with its retries.
    pub answer_within: Duration,
}

/// The model behind a deployment. Which deployment leads to it does not change what it answers.
pub(super) fn name(deployment: &Resolved) -> String {
    format!("{}/{}", deployment.provider.name(), deployment.model)
}

/// Texts in groups that may be sent in one call.
pub(super) fn batches<'a, 'b>(texts: &'b [&'a str], most: usize) -> impl Iterator<Item = &'b [&'a str]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(most).take_while(|text| {
            bytes += text.len();
            bytes <= BYTES
        });
        let count = fits.count().max(1).min(rest.len());
        let (batch, others) = rest.split_at(count);
        rest = others;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum CallError {
    /// The server takes less text at once.
    TooMuch(EmbedError),
    Other(EmbedError),
}

impl From<CallError> for EmbedError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TooMuch(error) | CallError::Other(error) => error,
        }
    }
}

/// Waits for a call as long as the limits say.
pub(super) async fn answered<T>(
    call: impl Future<Output = Result<T, NoAnswer>>,
    deployment: &Resolved,
    limits: Limits,
) -> Result<T, CallError> {
    let error = match timeout(limits.answer_within, call).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => {
            let (name, within) = (name(deployment), limits.answer_within);
            let message = format!("The deployment {name} did not answer within {within:?}.");
            return Err(CallError::Other(EmbedError { message, is_transient: true }));
        }
    };
    let told = EmbedError { message: error.to_string(), is_transient: error.is_transient() };
    Err(if is_too_much(&error) { CallError::TooMuch(told) } else { CallError::Other(told) })
}

/// Whether a server says that a text, or all of them together, is more than it takes. There is no code for
/// it.
fn is_too_much(error: &NoAnswer) -> bool {
    const WORDS: [&str; 6] =
        ["context length", "context size", "too long", "too large", "batch size", "tokens"];
    let NoAnswer::Fault(fault) = error else { return false };
    let message = fault.message.to_ascii_lowercase();
    matches!(fault.kind, FaultKind::Rejected | FaultKind::Broken)
        && WORDS.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sent_in_groups_of_limited_number_and_size() {
        let large = "x".repeat(BYTES - 10);
        let huge = "x".repeat(3 * BYTES);
        let texts = ["a", "b", "c", &large, "twelve bytes", &huge, "d"];
        let sizes: Vec<usize> = batches(&texts, 2).map(<[_]>::len).collect();
        assert_eq!(sizes, [2, 2, 1, 1, 1]);
        let sent: Vec<&str> = batches(&texts, 2).flatten().copied().collect();
        assert_eq!(sent, texts);
        assert_eq!(batches(&[], 2).count(), 0);
    }
}
