//! What a search found: as it stands in the journal, and as the model is told it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::library::Passage;
use crate::citations::marker;

/// Before the passages.
const HOW_TO_CITE: &str = "Passages from the files, the best first. Base your answer on them. Where you use \
                           one, put its marker right behind the words that it supports, exactly as it stands \
                           here, brackets and all.";
/// Where there are none.
const NOTHING: &str = "Nothing was found. Other words may find something; else say that the files do not \
                       tell.";

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The place of the call among those of its turn; the first number of its markers.
    pub call: u64,
    /// What was looked for.
    pub queries: Vec<String>,
    /// The passages that the model was given, the best first.
    pub results: Vec<Result>,
}

/// A passage that the model was given, as it stands on the wire of responses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Result {
    /// The file that it stands in.
    pub file_id: String,
    /// The file's name.
    pub filename: String,
    /// How good it is, from 0 to 1.
    pub score: f64,
    /// What the client says about the file.
    pub attributes: Map<String, Value>,
    /// The text.
    pub text: String,
}

impl Found {
    /// As many of the passages as there is room for, and what the model is told of them.
    pub fn told(call: u64, queries: Vec<String>, passages: Vec<Passage>, room: usize) -> (Self, String) {
        let mut told = HOW_TO_CITE.to_owned();
        let mut results = Vec::new();
        for (index, passage) in passages.into_iter().enumerate() {
            let block = block(&marker(call, index), &passage);
            // The best one is always given; whoever limits outputs cuts it.
            if index > 0 && told.len() + block.len() > room {
                break;
            }
            told.push_str(&block);
            let Passage { file_id, filename, attributes, score, text, .. } = passage;
            results.push(Result { file_id, filename, score, attributes, text });
        }
        if results.is_empty() {
            told = NOTHING.to_owned();
        }
        (Self { call, queries, results }, told)
    }
}

fn block(marker: &str, passage: &Passage) -> String {
    let page = passage.page.map(|page| format!(", page {page}"));
    let heading = passage.heading.as_ref().map(|heading| format!(", under \"{heading}\""));
    format!(
        "\n\n{marker} {}{}{}\n{}",
        passage.filename,
        page.unwrap_or_default(),
        heading.unwrap_or_default(),
        passage.text.trim()
    )
}
