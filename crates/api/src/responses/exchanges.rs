//! Calls and their outputs: a model is given both, or neither.

use std::{collections::HashSet, sync::Arc};

use cupola_store::SharedStore;
use serde_json::Value;

use super::{
    history::{History, MOST_ITEMS, Place},
    transcript::{is_call, is_output},
};
use crate::{ApiError, items::Item, tools::mcp};

/// Outputs whose calls have not been seen yet, while items are read from the newest on.
#[derive(Debug, Default)]
pub struct Exchanges(HashSet<String>);

impl Exchanges {
    /// Sees the next older item.
    pub fn see(&mut self, item: &Item) {
        let text = |field: &str| item.get(field).and_then(Value::as_str);
        match text("type") {
            Some(mcp::RESPONSE) => self.0.extend(text("approval_request_id").map(str::to_owned)),
            Some(mcp::REQUEST) => drop(text("id").map(|id| self.0.remove(id))),
            _ => {}
        }
        let Some(call) = item.get("call_id").and_then(Value::as_str) else { return };
        if is_output(item) {
            self.0.insert(call.to_owned());
        } else if is_call(item) {
            self.0.remove(call);
        }
    }

    /// Whether every output has its call.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Refuses outputs of calls that nobody asked for: not in the request, and not in what it follows.
pub async fn check(store: &SharedStore, project: &Arc<str>, asked: &Value) -> Result<(), ApiError> {
    if !asked["conversation"].is_null() {
        // The call may be in a turn of the conversation that has not ended yet.
        return Ok(());
    }
    let own = || {
        let lists = ["earlier", "input"].into_iter().filter_map(|list| asked[list].as_array());
        lists.flatten().filter_map(Value::as_object)
    };
    let mut open = Exchanges::default();
    own().filter(|item| is_output(item)).for_each(|output| open.see(output));
    own().filter(|item| is_call(item)).for_each(|call| open.see(call));

    let history = History::new(Arc::clone(store));
    let mut next = Place::before(asked);
    let mut seen = 0;
    while !open.is_empty()
        && seen < MOST_ITEMS
        && let Some(place) = next.take()
    {
        let page = history.page(project, place).await?;
        page.items.iter().filter(|item| is_call(item)).for_each(|call| open.see(call));
        seen += page.items.len();
        next = page.next;
    }
    match open.0.iter().min() {
        None => Ok(()),
        Some(call) => {
            let message = format!("No tool call found for function call output with call_id {call}.");
            Err(ApiError::invalid(message).code("invalid_value").param("input"))
        }
    }
}
