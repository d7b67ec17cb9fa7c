//! An embedder that does what a test wants: words that share letters have vectors that are near.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cupola_retrieval::{EmbedError, Embedder, Purpose};
use tokio::sync::Semaphore;

const DIMENSIONS: usize = 26;

/// Counts letters. Passages wait until they are let through.
#[derive(Clone, Debug)]
pub struct Letters {
    model: &'static str,
    gate: Arc<Semaphore>,
    faults: Arc<Mutex<VecDeque<EmbedError>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Letters {
    /// One that answers at once.
    pub fn new(model: &'static str) -> Self {
        let open = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { model, gate: open, faults: Arc::default(), seen: Arc::default() }
    }

    /// The same under another name.
    pub fn named(&self, model: &'static str) -> Self {
        Self { model, ..self.clone() }
    }

    /// One that lets no passages through before it is told to.
    pub fn closed() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..Self::new("letters") }
    }

    /// Lets everything through.
    pub fn open(&self) {
        self.gate.add_permits(1_000_000);
    }

    /// The next attempt fails like this.
    pub fn fails(&self, message: &str, is_transient: bool) {
        let error = EmbedError { message: message.to_owned(), is_transient };
        self.faults.lock().unwrap().push_back(error);
    }

    /// The passages that came, each time that they came.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Embedder for Letters {
    fn model(&self) -> &str {
        self.model
    }

    async fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        if purpose == Purpose::Passage {
            self.seen.lock().unwrap().extend(texts.iter().map(|text| (*text).to_owned()));
            self.gate.acquire().await.unwrap().forget();
            if let Some(error) = self.faults.lock().unwrap().pop_front() {
                return Err(error);
            }
        }
        Ok(texts.iter().map(|text| letters(text)).collect())
    }
}

fn letters(text: &str) -> Vec<f32> {
    let mut counts = [0.01; DIMENSIONS];
    for letter in text.to_lowercase().bytes().filter(u8::is_ascii_lowercase) {
        counts[usize::from(letter - b'a')] += 1.0;
    }
    let length = counts.iter().map(|count| count * count).sum::<f32>().sqrt();
    counts.iter().map(|count| count / length).collect()
}
