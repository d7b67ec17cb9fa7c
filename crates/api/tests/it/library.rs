//! Vector stores of a test: passages on a shelf, found by their words.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cupola_api::tools::file_search::{Library, NotSearched, Passage, Wanted};
use serde_json::json;

use crate::model::Gate;

/// A search that was made: in which stores, and for what.
pub type Search = (Vec<String>, Wanted);

/// Finds passages that have a word of a query in them. All of them are in every store but `vs_gone`.
#[derive(Clone, Default)]
pub struct Shelf {
    passages: Arc<Mutex<Vec<Passage>>>,
    searches: Arc<Mutex<Vec<Search>>>,
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Shelf {
    /// Adds a passage; its file's id is its name with a dash for the dot.
    pub fn with(self, filename: &str, score: f64, text: &str) -> Self {
        self.passages.lock().unwrap().push(Passage {
            file_id: filename.replace('.', "-"),
            filename: filename.to_owned(),
            attributes: [("year".to_owned(), json!(2026))].into_iter().collect(),
            score,
            text: text.to_owned(),
            page: Some(3),
            heading: None,
        });
        self
    }

    /// Two passages about boats.
    pub fn about_boats() -> Self {
        Self::default().with("boats.md", 0.9, "A boat floats because it is lighter than water.").with(
            "stones.md",
            0.4,
            "A stone sinks. A boat of stone floats all the same.",
        )
    }

    /// Searches wait here.
    pub fn wait_at(&self, gate: &Gate) {
        *self.gate.lock().unwrap() = Some(gate.clone());
    }

    /// The searches so far.
    pub fn searches(&self) -> Vec<Search> {
        self.searches.lock().unwrap().clone()
    }

    pub async fn until_searched(&self) {
        while self.searches().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

#[async_trait]
impl Library for Shelf {
    async fn search(
        &self,
        _: &Arc<str>,
        stores: &[String],
        wanted: &Wanted,
    ) -> Result<Vec<Passage>, NotSearched> {
        self.searches.lock().unwrap().push((stores.to_vec(), wanted.clone()));
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if stores.iter().any(|store| store == "vs_gone") {
            return Err(NotSearched("No vector store found with id 'vs_gone'.".to_owned()));
        }
        let words: Vec<String> =
            wanted.queries.iter().flat_map(|query| query.split(' ')).map(str::to_lowercase).collect();
        let is_found = |passage: &Passage| {
            let text = passage.text.to_lowercase();
            passage.score >= wanted.threshold && words.iter().any(|word| text.contains(word))
        };
        let mut found = self.passages.lock().unwrap().clone();
        found.retain(is_found);
        found.truncate(wanted.limit);
        Ok(found)
    }
}
