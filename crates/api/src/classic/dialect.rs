//! The dialect as the engine knows it: where the history is, and how to take a turn up again.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cupola_engine::{Dialect, HistoryItem, HistoryPage, Resumed, TurnSpec};
use cupola_models::{ChatMessage, Part};
use cupola_store::{Blobs, Key, Listing, Order, SharedStore, StoreError, TurnKey};
use cupola_wire::classic::{ContentBlock, File, Message, Role, Run, RunStep, StepStatus};
use futures_util::TryStreamExt;
use serde::de::DeserializeOwned;

use super::{
    kinds::{FILE, MESSAGE, RUN, RUN_STEP},
    projection::RunProjection,
    spec::turn_spec,
};

/// Messages that are read at once.
const PAGE: usize = 50;
/// The largest image that is handed to a model.
const MAX_IMAGE: usize = 20 * 1024 * 1024;

/// Classic agents, as the engine knows them.
pub struct ClassicDialect {
    store: SharedStore,
    blobs: Arc<dyn Blobs>,
}

impl ClassicDialect {
    /// The dialect over a store.
    pub fn new(store: SharedStore, blobs: Arc<dyn Blobs>) -> Self {
        Self { store, blobs }
    }

    async fn message(&self, project: &Arc<str>, message: Message) -> Result<ChatMessage, StoreError> {
        if message.role == Role::Assistant {
            let text = message.content.iter().filter_map(|block| match block {
                ContentBlock::Text(block) => Some(block.text.value.as_str()),
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
                let detail = image.image_file.detail;
                Some(match self.image(&Key::new(project, FILE, image.image_file.file_id)).await? {
                    Some(url) => Part::Image { url, detail },
                    // The model should not believe that there never was an image.
                    None => Part::Text { text: "[an image that is no longer available]".to_owned() },
                })
            }
            ContentBlock::Other(_) => None,
        })
    }

    /// An uploaded image as a `data:` address; `None` if it is gone or too large.
    async fn image(&self, file: &Key) -> Result<Option<String>, StoreError> {
        let Some(resource) = self.store.get(file).await? else { return Ok(None) };
        let info: File = read(file, &resource.doc)?;
        if info.bytes > MAX_IMAGE as u64 {
            return Ok(None);
        }
        let Some(bytes) = self.blobs.get(&file.id).await? else { return Ok(None) };
        let bytes: Vec<u8> = bytes
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await?;
        Ok(Some(format!("data:{};base64,{}", media_type(&info.filename), STANDARD.encode(bytes))))
    }
}

fn media_type(filename: &str) -> &'static str {
    match filename.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        _ => "image/png",
    }
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
        let spec = turn_spec(&run);
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
