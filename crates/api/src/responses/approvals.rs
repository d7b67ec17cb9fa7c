//! Approvals in what a response is asked with: which calls of earlier responses may be made now. An approval is
//! given once: whoever gives it holds a claim on its request.

use std::sync::Arc;

use cupola_engine::{
    ToolSpec, ids,
    turn::{ApprovedCall, ServedCall},
};
use cupola_models::RequestedCall;
use cupola_store::{Batch, Change, SharedStore};
use serde_json::{Value, json};

use super::history::{History, MOST_ITEMS, Place};
use crate::{
    ApiError,
    items::Item,
    tools::mcp::{self, REQUEST, RESPONSE},
};

/// What approvals come to.
#[derive(Debug, Default)]
pub struct Approvals {
    /// The calls that are made first.
    pub calls: Vec<ApprovedCall>,
    /// The requests that are answered and stand in the store.
    pub answered: Vec<String>,
}

impl Approvals {
    /// Claims on the requests, for the response that answers them.
    pub fn claims(&self, project: &Arc<str>, response: &str) -> Batch {
        let claim = |request: &String| Change::Claim {
            project: Arc::clone(project),
            name: request.clone(),
            holder: response.to_owned(),
        };
        self.answered.iter().map(claim).collect()
    }
}

/// Finds what approvals mean: in the request itself, and in what it follows.
pub async fn read(
    store: &SharedStore,
    project: &Arc<str>,
    asked: &Value,
    tools: &[ToolSpec],
) -> Result<Approvals, ApiError> {
    let list = |name: &str| asked[name].as_array().into_iter().flatten().filter_map(Value::as_object);
    let given: Vec<&Item> = list("input").filter(|item| is(item, RESPONSE)).collect();
    if given.is_empty() {
        return Ok(Approvals::default());
    }
    refuse_repeated(&given)?;
    let mut approvals = Approvals::default();
    let own: Vec<&Item> = list("earlier").chain(list("input")).collect();
    let stored = requests(store, project, asked, &given, &own).await?;
    for given in given {
        let id = request_id(given);
        let is_it = |item: &&Item| is(item, REQUEST) && text(item, "id") == id;
        let request = match own.iter().copied().find(is_it) {
            Some(own) => own,
            None => {
                let found = stored.iter().find(|item| is_it(item)).ok_or_else(|| unknown(id))?;
                approvals.answered.push(id.to_owned());
                found
            }
        };
        if given.get("approve") == Some(&Value::Bool(true)) {
            approvals.calls.push(call(request, tools));
        }
    }
    Ok(approvals)
}

/// The requests that stand in the store. One that was answered there is refused.
async fn requests(
    store: &SharedStore,
    project: &Arc<str>,
    asked: &Value,
    given: &[&Item],
    own: &[&Item],
) -> Result<Vec<Item>, ApiError> {
    let is_own = |id: &str| own.iter().any(|item| is(item, REQUEST) && text(item, "id") == id);
    let mut wanted: Vec<&str> = given.iter().map(|item| request_id(item)).filter(|id| !is_own(id)).collect();
    let history = History::new(Arc::clone(store));
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut next = Place::before(asked);
    while !wanted.is_empty()
        && seen < MOST_ITEMS
        && let Some(place) = next.take()
    {
        let page = history.page(project, place).await?;
        seen += page.items.len();
        for item in page.items {
            if is(&item, RESPONSE) && wanted.contains(&request_id(&item)) {
                return Err(answered(request_id(&item), None));
            }
            if is(&item, REQUEST) && wanted.contains(&text(&item, "id")) {
                wanted.retain(|id| *id != text(&item, "id"));
                found.push(item);
            }
        }
        next = page.next;
    }
    Ok(found)
}

fn call(request: &Item, tools: &[ToolSpec]) -> ApprovedCall {
    let label = request.get("server_label");
    let is_its = |tool: &ToolSpec| match tool {
        ToolSpec::Served { kind, settings } => kind == mcp::KIND && settings.get("server_label") == label,
        ToolSpec::Function(_) => false,
    };
    let (id, name) = (ids::new("call_"), text(request, "name").to_owned());
    ApprovedCall {
        asked: RequestedCall {
            id: id.clone(),
            name: mcp::function_name(&name),
            arguments: text(request, "arguments").to_owned(),
        },
        call: ServedCall {
            call_id: id,
            tool: tools.iter().position(is_its),
            kind: mcp::KIND.to_owned(),
            function: name,
            needs_approval: false,
            grant: json!({mcp::APPROVAL: request.get("id")}),
        },
    }
}

fn refuse_repeated(given: &[&Item]) -> Result<(), ApiError> {
    let ids: Vec<_> = given.iter().map(|item| request_id(item)).collect();
    match ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
        None => Ok(()),
        Some((_, id)) => {
            let message = format!("The approval request '{id}' is answered more than once in the input.");
            Err(ApiError::invalid(message).code("invalid_value").param("input"))
        }
    }
}

fn unknown(id: &str) -> ApiError {
    let message = format!(
        "No approval request found with id '{id}'. Send the approval together with the 'previous_response_id' \
         or the 'conversation' that asked for it."
    );
    ApiError::invalid(message).code("invalid_value").param("input")
}

/// 400: an approval counts once.
pub fn answered(id: &str, by: Option<&str>) -> ApiError {
    let by = by.map_or_else(String::new, |by| format!(" by the response '{by}'"));
    let message = format!("The approval request '{id}' was answered already{by}; an answer counts once.");
    ApiError::invalid(message).code("invalid_value").param("input")
}

fn is(item: &Item, kind: &str) -> bool {
    text(item, "type") == kind
}

fn request_id(item: &Item) -> &str {
    text(item, "approval_request_id")
}

fn text<'i>(item: &'i Item, field: &str) -> &'i str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}
