//! `storage/history/item_ids`: what was said before a response, as the ids of the items.

use std::{collections::HashSet, sync::Arc};

use axum::{extract::State, response::Response};
use cupola_store::{Key, Listing, Order};
use serde_json::{Map, Value};

use super::{
    Requester, ids,
    owners::hide_from_others,
    responses::{conversation_of, has_ended, output_of},
};
use crate::{
    ApiError, Service,
    body::answer,
    conversations,
    items::Item,
    path::Project,
    responses::{self, RESPONSE, not_found},
    values::Parameters,
};

/// How many items are read in one go.
const PAGE: usize = 500;

/// `GET storage/history/item_ids`: an array of ids, oldest first. `limit` keeps the newest ones; without
/// it, or with -1, all are given.
pub async fn item_ids(
    State(service): State<Service>,
    Project(project): Project,
    requester: Requester,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let limit = limit(&parameters)?;
    let history = History { service: &service, project: &project, limit };
    let mut found = Vec::new();
    match (parameters.get("previous_response_id"), parameters.get("conversation_id")) {
        (None, None) => {
            let message = "Missing required parameter: 'previous_response_id' or 'conversation_id'.";
            return Err(ApiError::invalid(message)
                .code("missing_required_parameter")
                .param("previous_response_id"));
        }
        (previous, conversation) => {
            if let Some(previous) = previous {
                ids::check_as(previous, || "previous_response_id".to_owned())?;
                hide_from_others(&service, &project, &requester, previous).await?;
                found.extend(history.of_chain(previous).await?);
            }
            if let Some(conversation) = conversation {
                found.extend(history.of_conversation(conversation).await?);
            }
        }
    }
    let mut seen = HashSet::new();
    found.retain(|id| seen.insert(id.clone()));
    let surplus = found.len().saturating_sub(limit);
    Ok(answer(&found.split_off(surplus)))
}

fn limit(parameters: &Parameters) -> Result<usize, ApiError> {
    let Some(sent) = parameters.get("limit") else { return Ok(usize::MAX) };
    match sent.parse::<i64>() {
        Ok(-1) => Ok(usize::MAX),
        Ok(limit) => Ok(usize::try_from(limit).unwrap_or(0)),
        Err(_) => {
            let message = format!("Invalid type for 'limit': expected an integer, but got '{sent}' instead.");
            Err(ApiError::invalid(message).code("invalid_type").param("limit"))
        }
    }
}

struct History<'h> {
    service: &'h Service,
    project: &'h Arc<str>,
    limit: usize,
}

impl History<'_> {
    /// What was said up to the end of a response. A response that was deleted takes what was before it along.
    async fn of_chain(&self, last: &str) -> Result<Vec<String>, ApiError> {
        let mut parts: Vec<Vec<String>> = Vec::new();
        let mut seen = HashSet::new();
        let mut count = 0;
        let mut next = Some(last.to_owned());
        while let Some(id) = next.take_if(|id| count < self.limit && seen.insert(id.clone())) {
            let Some(response) = self.response(&id).await? else {
                if id == last {
                    return Err(not_found(last));
                }
                break;
            };
            let mut own = ids_of(&self.input(&id).await?);
            if has_ended(&response) {
                own.extend(ids_of(&output_of(&response)));
            }
            if let Some(conversation) = conversation_of(&response) {
                let within = self.newest_of_conversation(conversation).await?;
                // The conversation has the items of its responses.
                own.retain(|id| !within.contains(id));
                parts.extend([own, within]);
                break;
            }
            count += own.len();
            parts.push(own);
            let previous = response.get("previous_response_id").and_then(Value::as_str);
            next = previous.map(str::to_owned);
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }

    async fn of_conversation(&self, conversation: &str) -> Result<Vec<String>, ApiError> {
        conversations::find_conversation(self.service, self.project, "conversation_id", conversation).await?;
        self.newest_of_conversation(conversation).await
    }

    /// The newest items of a conversation, oldest first.
    async fn newest_of_conversation(&self, conversation: &str) -> Result<Vec<String>, ApiError> {
        let mut found: Vec<String> = Vec::new();
        loop {
            let slice = self
                .service
                .store()
                .list(Listing {
                    project: self.project,
                    kind: conversations::ITEM,
                    parent: conversation,
                    facet: None,
                    order: Order::Desc,
                    after: found.last().map(String::as_str),
                    before: None,
                    limit: PAGE.min(self.limit - found.len()),
                })
                .await?;
            found.extend(slice.items.into_iter().map(|item| item.id));
            if !slice.has_more || found.len() >= self.limit {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }

    async fn response(&self, id: &str) -> Result<Option<Map<String, Value>>, ApiError> {
        self.read(&Key::new(self.project, RESPONSE, id)).await
    }

    async fn input(&self, id: &str) -> Result<Vec<Item>, ApiError> {
        Ok(responses::History::new(self.service.store().clone()).input(self.project, id).await?)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, ApiError> {
        let Some(stored) = self.service.store().get(key).await? else { return Ok(None) };
        let read = serde_json::from_slice(&stored.doc);
        read.map(Some).map_err(|error| ApiError::internal(&format!("reading {key}"), error))
    }
}

fn ids_of(items: &[Item]) -> Vec<String> {
    items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).map(str::to_owned).collect()
}
