//! Answers the functions that responses ask for, round by round.

use cupola_wire::responses::{CreateResponse, FunctionCallItem, Input, Item, Response, ResponseStatus};
use serde_json::Value;
use tokio::time::timeout;
use tracing::debug;

use super::{Responses, function_calls, wait};
use crate::{Error, FunctionSet, Result};

/// The last response; an error where there is none within the deadline.
pub(super) async fn until_answered(
    responses: &Responses,
    request: &CreateResponse,
    functions: &FunctionSet,
) -> Result<Response> {
    let mut last = None;
    match timeout(responses.options.deadline, attend(responses, request, functions, &mut last)).await {
        Ok(answered) => answered,
        Err(_) => Err(deadline_passed(responses, last.as_ref())),
    }
}

pub(super) fn deadline_passed(responses: &Responses, last: Option<&Response>) -> Error {
    match last {
        Some(response) => wait::too_late(&response.id, last, responses),
        None => Error::StreamEnded(format!("no response within {:?}", responses.options.deadline)),
    }
}

async fn attend(
    responses: &Responses,
    request: &CreateResponse,
    functions: &FunctionSet,
    last: &mut Option<Response>,
) -> Result<Response> {
    let mut rounds = Rounds::new(request.clone(), responses.options.max_rounds);
    loop {
        let accepted = responses.create(&rounds.request).await?;
        let response = last.insert(accepted);
        if !response.status.is_terminal() {
            *response = responses.wait_for(&response.id).await?;
        }
        if !rounds.next(response, functions).await? {
            return Ok(response.clone());
        }
    }
}

/// The requests of one chain of responses.
pub(super) struct Rounds {
    /// The request of this round.
    pub(super) request: CreateResponse,
    answered: usize,
    most: usize,
}

impl Rounds {
    pub(super) fn new(request: CreateResponse, most: usize) -> Self {
        Self { request, answered: 0, most }
    }

    /// Answers what `response` asks for; false where it asks for nothing that functions can give.
    pub(super) async fn next(&mut self, response: &Response, functions: &FunctionSet) -> Result<bool> {
        let calls = answerable(response);
        if calls.is_empty() {
            return Ok(false);
        }
        if self.answered == self.most {
            return Err(Error::TooManyRounds { id: response.id.clone(), rounds: self.answered });
        }
        self.answered += 1;
        debug!(response = response.id, calls = calls.len(), "calling functions");
        let outputs = functions.answer_all(&calls).await;
        self.go_on_from(response, outputs);
        Ok(true)
    }

    fn go_on_from(&mut self, response: &Response, outputs: Vec<Item>) {
        let request = &mut self.request;
        if request.store == Some(false) {
            // The service remembers nothing, so the request brings everything.
            let mut items = items_of(request.input.take());
            items.extend(response.output.iter().cloned());
            items.extend(outputs);
            request.input = Some(Input::Items(items));
        } else {
            request.input = Some(Input::Items(outputs));
            if request.conversation.is_none() {
                request.previous_response_id = Some(response.id.clone());
            }
        }
        // A model that must call a function would never come to an answer.
        if request.tool_choice.as_ref().is_some_and(is_forced) {
            request.tool_choice = None;
        }
    }
}

/// The calls of a response that asks for functions and for nothing else.
fn answerable(response: &Response) -> Vec<&FunctionCallItem> {
    let asks_for_more =
        response.output.iter().any(|item| matches!(item, Item::CustomCall(_) | Item::McpApprovalRequest(_)));
    if response.status != ResponseStatus::Completed || asks_for_more {
        return Vec::new();
    }
    function_calls(response)
}

fn items_of(input: Option<Input>) -> Vec<Item> {
    match input {
        None => Vec::new(),
        Some(Input::Text(text)) => vec![Item::user(text)],
        Some(Input::Items(items)) => items,
    }
}

fn is_forced(choice: &Value) -> bool {
    match choice {
        Value::String(word) => word == "required",
        Value::Object(choice) => match choice.get("type").and_then(Value::as_str) {
            Some("allowed_tools") => choice.get("mode").and_then(Value::as_str) == Some("required"),
            _ => true,
        },
        _ => false,
    }
}
