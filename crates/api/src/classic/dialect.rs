//! The dialect as the engine knows it: where the history is, and how to take a turn up again.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use cupola_engine::{Dialect, HistoryItem, HistoryPage, Resumed, TurnSpec};
use cupola_models::{ChatMessage, Part};
use cupola_store::{Blobs, Key, Listing, Order, SharedStore, StoreError, TurnKey};
use cupola_wire::classic::{Agent, ContentBlock, Message, Role, Run, RunStep, StepStatus, Text, Thread};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    kinds::{AGENT, MESSAGE, RUN, RUN_STEP, THREAD},
    projection::RunProjection,
    scope::Scope,
    spec::turn_spec,
};
use crate::attachments::Attachments;

/// Messages that are read at once.
const PAGE: usize = 50;

/// Classic agents, as the engine knows them.
pub struct ClassicDialect {
    store: SharedStore,
    attachments: Attachments,
}

impl ClassicDialect {
    /// The dialect over a store.
    pub fn new(store: SharedStore, blobs: Arc<dyn Blobs>) -> Self {
        Self { attachments: Attachments::new(Arc::clone(&store), blobs), store }
    }

    /// What the tools of a run work on, as its agent and its thread say now.
    async fn scope(&self, project: &Arc<str>, run: &Run) -> Result<Scope, StoreError> {
        if !Scope::concerns(run) {
            return Ok(Scope::default());
        }
        let agent: Option<Agent> = self.find(Key::new(project, AGENT, run.assistant_id.as_str())).await?;
        let thread: Option<Thread> = self.find(Key::new(project, THREAD, run.thread_id.as_str())).await?;
        let agent = agent.map(|agent| agent.tool_resources).unwrap_or_default();
        let thread = thread.map(|thread| thread.tool_resources).unwrap_or_default();
        Ok(Scope::of(project, run, &agent, &thread))
    }

    async fn find<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StoreError> {
        let found = self.store.get(&key).await?;
        found.map(|resource| read(&key, &resource.doc)).transpose()
    }

    async fn message(&self, project: &Arc<str>, message: Message) -> Result<ChatMessage, StoreError> {
        if message.role == Role::Assistant {
            let text = message.content.iter().filter_map(|block| match block {
                ContentBlock::Text(block) => Some(without_citations(&block.text)),
                _ => None,
            });
            return Ok(ChatMessage::Assistant { text: text.collect(), calls: Vec::new() });
        }
        let mut parts = Vec::with_capacity(message.content.len());
        for block in message.content {
            parts.extend(self.part(project, block).await?);
        }
        Ok(ChatMessage::User { parts })
    }

    async fn part(&self, project: &Arc<str>, block: ContentBlock) -> Result<Option<Part>, StoreError> {
        Ok(match block {
            ContentBlock::Text(block) => Some(Part::Text { text: block.text.value }),
            ContentBlock::ImageUrl(image) => {
                let text =
                    |field: &str| image.image_url.get(field).and_then(|v| v.as_str()).map(str::to_owned);
                text("url").map(|url| Part::Image { url, detail: text("detail") })
            }
            ContentBlock::ImageFile(image) => {
                let image = image.image_file;
                Some(self.attachments.image(project, &image.file_id, image.detail).await?)
            }
            ContentBlock::Other(_) => None,
        })
    }
}

/// A text without the markers of its citations: they name passages that only the run knew that wrote it.
pub(super) fn without_citations(text: &Text) -> Cow<'_, str> {
    let index =
        |annotation: &Value, field: &str| annotation[field].as_u64().and_then(|i| usize::try_from(i).ok());
    let cited = text.annotations.iter().filter(|annotation| annotation["type"] == "file_citation");
    let spans: Vec<_> =
        cited.filter_map(|a| Some(index(a, "start_index")?..index(a, "end_index")?)).collect();
    if spans.is_empty() {
        return Cow::Borrowed(&text.value);
    }
    let is_cited = |at: &usize| spans.iter().any(|span| span.contains(at));
    text.value.chars().enumerate().filter(|(at, _)| !is_cited(at)).map(|(_, c)| c).collect()
}

fn read<T: DeserializeOwned>(key: &Key, doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Backend(format!("{key} is damaged: {error}")))
}

#[async_trait]
impl Dialect for ClassicDialect {
    fn name(&self) -> &'static str {
        "classic"
    }

    async fn resume(&self, turn: &TurnKey) -> Result<Option<Resumed>, StoreError> {
        let key = Key::new(&turn.project, RUN, turn.id.clone());
        let Some(resource) = self.store.get(&key).await? else { return Ok(None) };
        let run: Run = read(&key, &resource.doc)?;
        let newest = self
            .store
            .list(Listing {
                project: &turn.project,
                kind: RUN_STEP,
                parent: &turn.id,
                facet: None,
                order: Order::Desc,
                after: None,
                before: None,
                limit: 1,
            })
            .await?;
        let open_step = match newest.items.first() {
            Some(item) => {
                let step: RunStep = read(&Key::new(&turn.project, RUN_STEP, item.id.clone()), &item.doc)?;
                (step.status == StepStatus::InProgress).then_some((step, item.etag))
            }
            None => None,
        };
        let scope = self.scope(&turn.project, &run).await?;
        let spec = turn_spec(&run, &scope);
        let projection = Box::new(RunProjection::resumed(&turn.project, run, resource.etag, open_step));
        Ok(Some(Resumed { spec, projection, kept: 0 }))
    }

    async fn history(
        &self,
        turn: &TurnKey,
        spec: &TurnSpec,
        after: Option<&str>,
    ) -> Result<HistoryPage, StoreError> {
        let slice = self
            .store
            .list(Listing {
                project: &turn.project,
                kind: MESSAGE,
                parent: &spec.conversation,
                facet: None,
                order: Order::Desc,
                after,
                before: None,
                limit: PAGE,
            })
            .await?;
        let next = slice.items.last().filter(|_| slice.has_more).map(|item| item.id.clone());
        let mut items = Vec::with_capacity(slice.items.len());
        // What this run wrote itself stands in its transcript already.
        for item in slice.items.into_iter().filter(|item| item.facet != turn.id) {
            let message: Message = read(&Key::new(&turn.project, MESSAGE, item.id), &item.doc)?;
            items.push(HistoryItem { messages: vec![self.message(&turn.project, message).await?] });
        }
        Ok(HistoryPage { items, next })
    }
}
