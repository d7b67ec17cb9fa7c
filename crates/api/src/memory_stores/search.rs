//! Searches: what is remembered of somebody that belongs to what is said.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Memories, checks,
    rank::rank,
    record::{Memory, MemoryKind, Usage},
    said::{joined, messages},
};
use crate::{
    ApiError, Service,
    body::{Json, answer},
    classic::checks as limits,
    path::{Ids, Project},
};

/// How many memories are given where nobody says, and the most that may be asked for.
const DEFAULT_LIMIT: u64 = 10;
const MOST: i64 = 100;
/// How many of the newest messages are looked at.
const NEWEST: usize = 6;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The store.
    pub store: String,
    /// Whose memories.
    pub scope: String,
    /// What is said; nothing for what is always to be known of the user.
    pub items: Vec<Value>,
    /// How many memories at most.
    pub limit: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The memories, the best first, as they are sent.
    pub memories: Vec<Value>,
    /// Tokens that it took.
    pub embedding_tokens: u64,
}

impl Memories {
    /// Finds memories.
    pub async fn search(&self, project: &Arc<str>, wanted: &Wanted) -> Result<Remembered, ApiError> {
        let (store, _) = self.find(project, &wanted.store).await?;
        let limit = usize::try_from(wanted.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
        let all = self.of_scope(project, &wanted.store, &wanted.scope).await?;
        let all: Vec<Memory> = all.into_iter().map(|(memory, _)| memory).collect();
        let text = newest_text(&wanted.items);
        if text.is_empty() {
            // Nothing was said yet: what is known of the user is known in every conversation.
            let known = all.iter().filter(|memory| memory.kind == MemoryKind::UserProfile);
            let memories = known.take(limit).map(Memory::shown).collect();
            return Ok(Remembered { memories, embedding_tokens: 0 });
        }
        let (vectors, embedding_tokens) = match all.iter().any(|memory| memory.vector.is_some()) {
            true => self.embed(&store, &[text.as_str()]).await,
            false => (Vec::new(), 0),
        };
        let found = rank(&text, vectors.first(), &all, limit);
        let memories = found.into_iter().map(|place| all[place].shown()).collect();
        Ok(Remembered { memories, embedding_tokens })
    }
}

/// The newest messages as one text.
fn newest_text(items: &[Value]) -> String {
    let said = messages(items);
    let newest = &said[said.len().saturating_sub(NEWEST)..];
    newest.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// A search.
#[derive(Debug, Deserialize)]
pub struct Search {
    scope: String,
    items: Option<Value>,
    previous_search_id: Option<String>,
    options: Option<Options>,
}

#[derive(Debug, Deserialize)]
struct Options {
    max_memories: Option<i64>,
}

/// `POST memory_stores/{store}:search_memories`
pub async fn search(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name]): Ids<1>,
    Json(body): Json<Search>,
) -> Result<Response, ApiError> {
    checks::scope(&body.scope)?;
    let limit = body.options.and_then(|options| options.max_memories);
    if let Some(limit) = limit {
        limits::integer("options.max_memories", limit, 1, MOST)?;
    }
    let memories = service.memories();
    let mut items = checks::items(body.items)?;
    if let Some(previous) = &body.previous_search_id {
        items = joined(&memories.searched(previous), items);
    }
    let limit = limit.and_then(|limit| u64::try_from(limit).ok());
    let wanted = Wanted { store: name, scope: body.scope, items, limit };
    let Remembered { memories: found, embedding_tokens } = memories.search(&project, &wanted).await?;
    let found: Vec<Value> = found.into_iter().map(|memory| json!({ "memory_item": memory })).collect();
    let usage = Usage { embedding: embedding_tokens, ..Usage::default() };
    let search_id = memories.note_search(wanted.items);
    Ok(answer(&json!({"search_id": search_id, "memories": found, "usage": usage.shown()})))
}
