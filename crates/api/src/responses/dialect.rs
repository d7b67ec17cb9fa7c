//! The dialect as the engine knows it: where the history is, and how to take a turn up again.

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{Dialect, HistoryPage, Resumed, TurnSpec};
use cupola_store::{Key, Listing, Order, SharedStore, StoreError, TurnKey};
use serde_json::{Map, Value};

use super::{
    kinds::{INPUT, RESPONSE},
    projection::{Keeping, ResponseProjection},
    spec::{custom_tools, turn_spec},
    stream::Stream,
    transcript,
};
use crate::{conversations::ITEM, items::Item, partition::Partition};

/// The newest items of a conversation or a chain that a model may be given. More than any window holds.
const MOST_ITEMS: usize = 1000;

/// Responses, as the engine knows them.
pub struct ResponsesDialect {
    store: SharedStore,
}

impl ResponsesDialect {
    /// The dialect over a store.
    pub fn new(store: SharedStore) -> Self {
        Self { store }
    }

    async fn document(&self, key: &Key) -> Result<Option<(Value, i64)>, StoreError> {
        let Some(resource) = self.store.get(key).await? else { return Ok(None) };
        Ok(Some((read(key, &resource.doc)?, resource.etag)))
    }

    async fn input(&self, project: &Arc<str>, response: &str) -> Result<Vec<Item>, StoreError> {
        let key = Key::new(project, INPUT, response);
        match self.store.get(&key).await? {
            Some(resource) => read(&key, &resource.doc),
            None => Ok(Vec::new()),
        }
    }

    /// The items before a response, oldest first: those of its conversation, or of the responses before it.
    pub async fn before(&self, project: &Arc<str>, response: &Value) -> Result<Vec<Item>, StoreError> {
        if let Some(conversation) = response["conversation"]["id"].as_str() {
            return self.conversation(project, conversation).await;
        }
        let mut parts: Vec<Vec<Item>> = Vec::new();
        let mut count = 0;
        let mut previous = response["previous_response_id"].as_str().map(str::to_owned);
        while let Some(id) = previous.filter(|_| count < MOST_ITEMS) {
            let key = Key::new(project, RESPONSE, id.as_str());
            // A response that was deleted takes what was before it along.
            let Some((earlier, _)) = self.document(&key).await? else { break };
            let mut items = self.input(project, &id).await?;
            let output = earlier["output"].as_array().cloned().unwrap_or_default();
            items.extend(output.into_iter().filter_map(|item| match item {
                Value::Object(item) => Some(item),
                _ => None,
            }));
            if let Some(conversation) = earlier["conversation"]["id"].as_str() {
                let within = self.conversation(project, conversation).await?;
                // The conversation has the items of a turn that has ended.
                items.retain(|item| !within.iter().any(|other| other.get("id") == item.get("id")));
                parts.extend([items, within]);
                break;
            }
            count += items.len();
            parts.push(items);
            previous = earlier["previous_response_id"].as_str().map(str::to_owned);
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }

    async fn conversation(&self, project: &Arc<str>, conversation: &str) -> Result<Vec<Item>, StoreError> {
        let slice = self
            .store
            .list(Listing {
                project,
                kind: ITEM,
                parent: conversation,
                facet: None,
                order: Order::Desc,
                after: None,
                before: None,
                limit: MOST_ITEMS,
            })
            .await?;
        let items = slice.items.iter().rev();
        items.map(|item| read(&Key::new(project, ITEM, item.id.as_str()), &item.doc)).collect()
    }
}

fn read<T: serde::de::DeserializeOwned>(key: &Key, doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Backend(format!("{key} is damaged: {error}")))
}

#[async_trait]
impl Dialect for ResponsesDialect {
    fn name(&self) -> &'static str {
        "responses"
    }

    async fn resume(&self, turn: &TurnKey) -> Result<Option<Resumed>, StoreError> {
        let key = Key::new(&turn.project, RESPONSE, turn.id.as_str());
        let Some((response, etag)) = self.document(&key).await? else { return Ok(None) };
        let input = self.input(&turn.project, &turn.id).await?;
        let kept = self.store.frames(turn, 0).await?;
        let partition = Partition::of(&turn.id).unwrap_or_default();
        let stream =
            Stream::resumed(partition, marks(&response), &kept).with_custom_tools(custom_tools(&response));
        let spec = turn_spec(&response);
        let projection =
            ResponseProjection::new(&turn.project, response, input, stream, Keeping::FromAccepted).at(etag);
        Ok(Some(Resumed { spec, projection: Box::new(projection), kept: kept.len() as i64 }))
    }

    async fn history(
        &self,
        turn: &TurnKey,
        spec: &TurnSpec,
        _after: Option<&str>,
    ) -> Result<HistoryPage, StoreError> {
        let mut items = match &spec.input {
            Some(response) => self.before(&turn.project, response).await?,
            None => {
                let key = Key::new(&turn.project, RESPONSE, turn.id.as_str());
                let Some((response, _)) = self.document(&key).await? else {
                    return Ok(HistoryPage::default());
                };
                let mut items = self.before(&turn.project, &response).await?;
                items.extend(self.input(&turn.project, &turn.id).await?);
                items
            }
        };
        if let Some(Value::Array(own)) = spec.input.as_ref().map(|input| &input["input"]) {
            items.extend(own.iter().filter_map(|item| item.as_object().cloned()));
        }
        let mut groups = transcript::groups(&items);
        groups.reverse();
        Ok(HistoryPage { items: groups, next: None })
    }
}

/// What every output item of a response carries.
pub fn marks(response: &Value) -> Map<String, Value> {
    let mut marks = Map::new();
    if let agent @ Value::Object(_) = &response["agent_reference"] {
        marks.insert("agent_reference".to_owned(), agent.clone());
        marks.insert("response_id".to_owned(), response["id"].clone());
    }
    marks
}
