//! The labelled set: passages, and questions with how well each passage answers them.

use std::{collections::HashMap, fs, io, path::Path, sync::Arc};

use cupola_retrieval::{Chunk, Entry, Library, LibraryError, Models, Place, Settings, Weights};
use serde::{Deserialize, de::DeserializeOwned};

use crate::gain::ndcg;

/// Where the set is.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/quality");
/// Hits that are judged.
pub const DEPTH: usize = 10;
const STORE: &str = "labelled";

/// A passage. It is a file of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// Its name.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// A question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name.
    pub id: String,
    /// What it shares with its passages.
    pub kind: Kind,
    /// What is asked.
    pub text: String,
    /// The grade of each passage that helps, from 1 to 3. The others have the grade 0.
    pub relevant: HashMap<String, u8>,
}

/// What a question shares with the passages that answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rare words, names, numbers or codes.
    Words,
    /// What it means, in other words.
    Meaning,
    /// Some words and the meaning.
    Both,
}

/// The set.
#[derive(Debug)]
pub struct Labelled {
    /// All passages.
    pub passages: Vec<Passage>,
    /// All questions.
    pub questions: Vec<Question>,
}

impl Labelled {
    /// Reads it from the source tree.
    pub fn read() -> io::Result<Self> {
        let folder = Path::new(FOLDER);
        let passages = lines(&folder.join("passages.jsonl"))?;
        Ok(Self { passages, questions: lines(&folder.join("questions.jsonl"))? })
    }

    /// A library with all passages in one store.
    pub async fn library(&self, folder: &Path, models: Models) -> Result<Library, LibraryError> {
        let library = Library::new(folder, models, Settings::default());
        let mut entries = Vec::with_capacity(self.passages.len());
        for passage in &self.passages {
            let text = passage.text.clone();
            let chunks = vec![Chunk { ordinal: 0, text, tokens: 50, shared: 0, place: Place::default() }];
            let vectors = library.models().embed(&chunks).await?;
            entries.push(Entry { file_id: passage.id.clone(), chunks, vectors });
        }
        library.put(STORE, entries).await?;
        Ok(library)
    }

    /// The nDCG@10 of each question, in their order.
    pub async fn gains(&self, library: &Library, weights: Weights) -> Result<Vec<f64>, LibraryError> {
        let mut gains = Vec::with_capacity(self.questions.len());
        for question in &self.questions {
            let asked = Arc::new(library.models().question(&question.text).await);
            let hits = library.search(STORE, asked, DEPTH, weights, |_| true).await?;
            let grade = |id: &str| question.relevant.get(id).copied().unwrap_or_default();
            let found: Vec<u8> = hits.iter().map(|hit| grade(&hit.file_id)).collect();
            gains.push(ndcg(&found, question.relevant.values().copied(), DEPTH));
        }
        Ok(gains)
    }
}

/// The mean of numbers.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// A value for each line.
fn lines<T: DeserializeOwned>(file: &Path) -> io::Result<Vec<T>> {
    let text = fs::read_to_string(file)?;
    let value = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| io::Error::other(format!("{}, line {}: {error}", file.display(), number + 1)))
    };
    text.lines().enumerate().map(value).collect()
}
