//! Reads the whole JSON of an answer.

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::NoAnswer;
use crate::{Fault, RawOperation, catalog::Resolved, openai::Complaint};

/// The largest answer that is read. A thousand vectors of a large model are about half of it.
const LARGEST: usize = 128 << 20;

/// A call of `operation` with the fields of `body` and those that the deployment is configured with.
pub(super) async fn call<T: DeserializeOwned>(
    resolved: &Resolved,
    operation: RawOperation,
    mut body: Value,
) -> Result<T, NoAnswer> {
    body["model"] = json!(resolved.model);
    for (name, value) in &resolved.extra {
        body[name] = value.clone();
    }
    let provider = resolved.provider.name();
    let body = Bytes::from(body.to_string());
    let answer = resolved.provider.raw(operation, &resolved.model, body).await;
    let Some(mut answer) = answer.map_err(|refusal| refusal.fault)? else {
        return Err(NoAnswer::NotOffered { provider: provider.to_owned(), operation: operation.name() });
    };
    let mut bytes = Vec::new();
    while let Some(piece) = answer.body.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > LARGEST {
            return Err(nonsense(resolved, operation, &format!("more than {LARGEST} bytes")));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| told_as_success(resolved, operation, &bytes, &error))
}

/// What is said about an answer that is not what was asked for.
pub(super) fn nonsense(resolved: &Resolved, operation: RawOperation, what: &str) -> NoAnswer {
    let (provider, model) = (resolved.provider.name(), &resolved.model);
    let operation = operation.name();
    NoAnswer::Nonsense(format!(
        "The model server \"{provider}\" answered {what} to {operation} of \"{model}\"."
    ))
}

/// Some servers tell an error with the status of a success.
fn told_as_success(
    resolved: &Resolved,
    operation: RawOperation,
    bytes: &[u8],
    error: &serde_json::Error,
) -> NoAnswer {
    let is_error = serde_json::from_slice::<Value>(bytes).is_ok_and(|value| value.get("error").is_some());
    if is_error {
        let complaint = Complaint::read(bytes);
        let provider = resolved.provider.name();
        let message =
            format!("The model server \"{provider}\" answered with an error: {}", complaint.message);
        return Fault::new(complaint.kind(), message).into();
    }
    nonsense(resolved, operation, &format!("something that can't be understood ({error})"))
}
