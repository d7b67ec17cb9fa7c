//! The dialect as the engine knows it: where the history is, and how to take a turn up again.

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{Dialect, HistoryPage, Resumed, ToolSpec, TurnSpec};
use cupola_identity::SealingKey;
use cupola_store::{Blobs, Key, SharedStore, StoreError, TurnKey};
use serde_json::{Map, Value, json};

use super::{
    exchanges::Exchanges,
    history::{History, MOST_ITEMS, Page, Place, read},
    kinds::RESPONSE,
    projection::{Keeping, ResponseProjection},
    spec::{custom_tools, turn_spec},
    stream::Stream,
    transcript::Transcript,
};
use crate::{attachments::Attachments, partition::Partition, tools::mcp};

/// Responses, as the engine knows them.
pub struct ResponsesDialect {
    store: SharedStore,
    history: History,
    attachments: Attachments,
    /// Opens summaries of earlier conversations.
    sealing: Arc<SealingKey>,
}

impl ResponsesDialect {
    /// The dialect over a store.
    pub fn new(store: SharedStore, blobs: Arc<dyn Blobs>, sealing: Arc<SealingKey>) -> Self {
        let history = History::new(Arc::clone(&store));
        Self { history, attachments: Attachments::new(Arc::clone(&store), blobs), store, sealing }
    }

    async fn document(&self, key: &Key) -> Result<Option<(Value, i64)>, StoreError> {
        let Some(resource) = self.store.get(key).await? else { return Ok(None) };
        Ok(Some((read(key, &resource.doc)?, resource.etag)))
    }

    /// Where the history of a turn begins, and the items that come before everything that is stored, newest
    /// first: what the response itself was asked with.
    async fn beginning(&self, turn: &TurnKey, spec: &TurnSpec) -> Result<Page, StoreError> {
        if let Some(asked) = &spec.input {
            let own = ["input", "earlier"].into_iter().filter_map(|list| asked[list].as_array());
            let newest_first = own.flat_map(|items| items.iter().rev());
            let items = newest_first.filter_map(|item| item.as_object().cloned()).collect();
            return Ok(Page { items, next: Place::before(asked) });
        }
        let key = Key::new(&turn.project, RESPONSE, turn.id.as_str());
        let Some((response, _)) = self.document(&key).await? else { return Ok(Page::default()) };
        let mut items = self.history.input(&turn.project, &turn.id).await?;
        items.reverse();
        Ok(Page { items, next: Place::before(&response) })
    }

    /// Reads on until no exchange is cut: outputs are given to the model together with their calls.
    async fn complete(&self, turn: &TurnKey, page: &mut Page) -> Result<(), StoreError> {
        let mut open = Exchanges::default();
        let mut seen = 0;
        loop {
            page.items[seen..].iter().for_each(|item| open.see(item));
            seen = page.items.len();
            // An output whose call is nowhere near is left out, as if its call had been deleted.
            let is_complete = open.is_empty() || seen > MOST_ITEMS;
            let Some(place) = page.next.take_if(|_| !is_complete || seen == 0) else { return Ok(()) };
            let more = self.history.page(&turn.project, place).await?;
            page.items.extend(more.items);
            page.next = more.next;
        }
    }
}

#[async_trait]
impl Dialect for ResponsesDialect {
    fn name(&self) -> &'static str {
        "responses"
    }

    async fn resume(&self, turn: &TurnKey) -> Result<Option<Resumed>, StoreError> {
        let key = Key::new(&turn.project, RESPONSE, turn.id.as_str());
        let Some((response, etag)) = self.document(&key).await? else { return Ok(None) };
        let input = self.history.input(&turn.project, &turn.id).await?;
        let input = Arc::new(json!({ "input": input }));
        let kept = self.store.frames(turn, 0).await?;
        let partition = Partition::of(&turn.id).unwrap_or_default();
        let spec = turn_spec(&response);
        let stream = Stream::resumed(partition, marks(&response), &kept)
            .with_custom_tools(custom_tools(&response))
            .with_tools(spec.tools.clone());
        let projection =
            ResponseProjection::new(&turn.project, response, input, stream, Keeping::FromAccepted).at(etag);
        Ok(Some(Resumed { spec, projection: Box::new(projection), kept: kept.len() as i64 }))
    }

    async fn history(
        &self,
        turn: &TurnKey,
        spec: &TurnSpec,
        after: Option<&str>,
    ) -> Result<HistoryPage, StoreError> {
        let mut page = match after {
            None => self.beginning(turn, spec).await?,
            Some(cursor) => Page { items: Vec::new(), next: Place::of(cursor) },
        };
        self.complete(turn, &mut page).await?;
        page.items.reverse();
        let transcript =
            Transcript { sealing: &self.sealing, attachments: &self.attachments, project: &turn.project };
        let mut groups = transcript.groups(&page.items).await?;
        groups.reverse();
        Ok(HistoryPage { items: groups, next: page.next.map(|place| place.cursor()) })
    }

    async fn listed(
        &self,
        turn: &TurnKey,
        spec: &TurnSpec,
        tool: usize,
    ) -> Result<Option<Value>, StoreError> {
        let Some(ToolSpec::Served { kind, settings }) = spec.tools.get(tool) else { return Ok(None) };
        if kind != mcp::KIND {
            return Ok(None);
        }
        let mut page = self.beginning(turn, spec).await?;
        let mut seen = 0;
        loop {
            let found = page.items.iter().find_map(|item| mcp::listed_before(settings, item));
            seen += page.items.len();
            match page.next.take() {
                Some(place) if found.is_none() && seen < MOST_ITEMS => {
                    page = self.history.page(&turn.project, place).await?;
                }
                _ => return Ok(found),
            }
        }
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
