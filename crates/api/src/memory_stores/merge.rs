//! From what is worth remembering to changes of the store.

use std::sync::Arc;

use cupola_engine::ids;
use cupola_store::{Change, Resource};
use serde_json::{Value, json};

use super::{
    extract::Operation,
    handle::{end_of, insert},
    kinds,
    record::{Memory, Store, Vector},
};
use crate::body::document;

/// The changes of an update, and what its result tells of each.
#[derive(Debug, Default)]
pub struct Merged {
    /// For the store.
    pub changes: Vec<Change>,
    /// For the client.
    pub told: Vec<Value>,
}

/// The texts that need a vector, in the order of the operations.
pub fn texts(operations: &[Operation]) -> Vec<&str> {
    let texts = operations.iter().filter_map(|operation| match operation {
        Operation::Create(_, text) | Operation::Update(_, text) => Some(text.as_str()),
        Operation::Delete(_) => None,
    });
    texts.collect()
}

/// What operations change. `vectors` are those of their texts, or none. Of several operations on one memory the first
/// one counts.
pub fn merge(
    project: &Arc<str>,
    store: &Store,
    scope: &str,
    now: i64,
    known: &[(Memory, Resource)],
    (operations, vectors): (Vec<Operation>, Vec<Vector>),
) -> Merged {
    let mut merged = Merged::default();
    let mut changed: Vec<String> = Vec::new();
    let mut vectors = vectors.into_iter();
    let tell = |kind: &str, memory: &Memory| json!({"kind": kind, "memory_item": memory.shown()});
    for operation in operations {
        match operation {
            Operation::Create(kind, content) => {
                let memory = Memory {
                    memory_id: ids::new("mem_"),
                    updated_at: now,
                    scope: scope.to_owned(),
                    content,
                    kind,
                    expires_at: end_of(store, now),
                    vector: vectors.next(),
                };
                merged.changes.push(insert(project, &store.name, &memory));
                merged.told.push(tell("create", &memory));
            }
            Operation::Update(id, content) => {
                let vector = vectors.next();
                let Some((memory, found)) = find(known, &id, &mut changed) else { continue };
                let expires_at = end_of(store, now);
                let memory = Memory { content, updated_at: now, expires_at, vector, ..memory.clone() };
                let key = kinds::memory(project, &id);
                let doc = document(&memory);
                merged.changes.push(Change::Replace { key, if_etag: found.etag, doc });
                merged.told.push(tell("update", &memory));
            }
            Operation::Delete(id) => {
                let Some((memory, _)) = find(known, &id, &mut changed) else { continue };
                merged.changes.push(Change::Delete { key: kinds::memory(project, &id) });
                merged.told.push(tell("delete", memory));
            }
        }
    }
    merged
}

/// A memory that no operation has changed yet.
fn find<'k>(
    known: &'k [(Memory, Resource)],
    id: &str,
    changed: &mut Vec<String>,
) -> Option<&'k (Memory, Resource)> {
    if changed.iter().any(|other| other == id) {
        return None;
    }
    let found = known.iter().find(|(memory, _)| memory.memory_id == id)?;
    changed.push(id.to_owned());
    Some(found)
}
