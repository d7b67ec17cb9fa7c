//! A call over two queues: its arguments go into one, and what comes back in the other names the call.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until};

use super::{Queue, QueueFailure, message::Received};

/// What both messages name a call by.
const CORRELATION: &str = "CorrelationId";
/// For how many seconds answers to others are hidden, if this process ends before it has released them.
const HIDDEN: u32 = 5;
/// Queues can't be waited on, only asked: often at first, then less.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const RAREST_LOOK: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// A queue fails.
    #[error("{0}")]
    Failed(#[from] QueueFailure),
    /// Nobody answered.
    #[error("The function gave no answer within {0} seconds. It may not run, or not write '{CORRELATION}'.")]
    TooSlow(u64),
}

/// Calls a function over its queues. `id` names the call.
pub async fn call(
    input: &Queue,
    output: &Queue,
    id: &str,
    arguments: &Map<String, Value>,
    within: Duration,
) -> Result<String, NoAnswer> {
    let until = Instant::now() + within;
    // There has to be something to ask before somebody answers.
    output.make().await?;
    input.put(&question(id, arguments)).await?;
    let mut pause = FIRST_LOOK;
    while Instant::now() < until {
        if let Some(answer) = look(output, id).await? {
            return Ok(answer);
        }
        sleep_until((Instant::now() + pause).min(until)).await;
        pause = (2 * pause).min(RAREST_LOOK);
    }
    Err(NoAnswer::TooSlow(within.as_secs()))
}

/// What a function is sent. Older functions read their arguments beside the id, newer ones below `function_args`.
fn question(id: &str, arguments: &Map<String, Value>) -> String {
    let mut question = arguments.clone();
    question.insert("function_args".to_owned(), Value::Object(arguments.clone()));
    question.insert(CORRELATION.to_owned(), json!(id));
    Value::Object(question).to_string()
}

/// Looks for the answer, and lets others have theirs.
async fn look(output: &Queue, id: &str) -> Result<Option<String>, QueueFailure> {
    let mut answer = None;
    for message in output.receive(HIDDEN).await? {
        match value(&message, id) {
            Some(value) => {
                // What is not deleted comes again to somebody who does not know it.
                output.delete(&message).await?;
                answer = Some(value);
            }
            None => release(output, &message).await,
        }
    }
    Ok(answer)
}

async fn release(output: &Queue, message: &Received) {
    if let Err(failure) = output.release(message).await {
        tracing::debug!(%failure, "an answer to another call is hidden for some seconds");
    }
}

/// What a message answers to this call.
fn value(message: &Received, id: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(&message.text).ok()?;
    if answer.get(CORRELATION)?.as_str()? != id {
        return None;
    }
    let value = answer.get("Value").or_else(|| answer.get("value"))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_question_has_its_arguments_where_any_function_reads_them() {
        let arguments = json!({"location": "Oslo"});
        let question: Value = serde_json::from_str(&question("c1", arguments.as_object().unwrap())).unwrap();
        let expected =
            json!({"location": "Oslo", "function_args": {"location": "Oslo"}, "CorrelationId": "c1"});
        assert_eq!(question, expected);
    }

    #[test]
    fn an_answer_is_known_by_the_name_of_its_call() {
        let message = |text: &str| Received { text: text.to_owned(), ..Received::default() };
        let of = |text: &str| value(&message(text), "c1");
        assert_eq!(of(r#"{"Value": "sunny", "CorrelationId": "c1"}"#).as_deref(), Some("sunny"));
        assert_eq!(of(r#"{"Value": {"t": 7}, "CorrelationId": "c1"}"#).as_deref(), Some("{\"t\":7}"));
        for other in [r#"{"Value": "x", "CorrelationId": "c2"}"#, r#"{"Value": "x"}"#, "sunny", "[]"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
