//! Counts the tokens of words, and remembers them: texts are mostly made of words that came before.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustc_hash::FxBuildHasher;
use tiktoken_rs::{
    CoreBPE, cl100k_base_singleton, o200k_base_singleton,
    tokenizer::{Tokenizer, get_tokenizer},
};

use super::words::Rules;

/// Words that one cutting thread remembers of each kind, about 10 MB of them.
const MOST_REMEMBERED: usize = 100_000;
/// Longer ones are counted each time they come: they hardly come twice.
const LONGEST_REMEMBERED: usize = 64;

/// Counts tokens as a model does. To be made once and shared: it gets faster with use.
pub struct TokenCounter {
    rules: Rules,
    real: &'static CoreBPE,
    memories: Mutex<Vec<Memory>>,
}

/// Most words are short. Such a word is its own key, without a look at another place in memory.
#[derive(Default)]
struct Memory {
    short: HashMap<u128, u32, FxBuildHasher>,
    long: HashMap<Box<str>, u32, FxBuildHasher>,
}

impl TokenCounter {
    /// The counter for the model of this name. Unknown models count like the newest ones.
    ///
    /// The first one of its kind loads a vocabulary, which takes some 200 ms.
    pub fn of_model(model: &str) -> Self {
        let (rules, real) = match get_tokenizer(model) {
            Some(Tokenizer::Cl100kBase) => (Rules::Cl100k, cl100k_base_singleton()),
            _ => (Rules::O200k, o200k_base_singleton()),
        };
        Self { rules, real, memories: Mutex::default() }
    }

    /// How many tokens a text has.
    pub fn count(&self, text: &str) -> u32 {
        let (mut counting, mut start, mut tokens) = (self.begin(), 0, 0_u32);
        while start < text.len() {
            let end = self.rules.word_end(text, start);
            tokens = tokens.saturating_add(counting.of_word(&text[start..end]));
            start = end;
        }
        tokens
    }

    fn really(&self, text: &str) -> u32 {
        u32::try_from(self.real.count_ordinary(text)).unwrap_or(u32::MAX)
    }

    pub(super) fn rules(&self) -> Rules {
        self.rules
    }

    /// Counting many words of a text, by one thread.
    pub(super) fn begin(&self) -> Counting<'_> {
        Counting { memory: self.memories().pop().unwrap_or_default(), counter: self }
    }

    fn memories(&self) -> MutexGuard<'_, Vec<Memory>> {
        // A memory is taken out or put back whole, so a panic elsewhere leaves nothing half done.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenCounter").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// A thread's turn at counting. What it learnt is for whoever counts next.
pub(super) struct Counting<'a> {
    counter: &'a TokenCounter,
    memory: Memory,
}

impl Counting<'_> {
    /// How many tokens a word has.
    pub(super) fn of_word(&mut self, word: &str) -> u32 {
        if let Some(key) = short_key(word) {
            return match self.memory.short.get(&key) {
                Some(tokens) => *tokens,
                None => remember(&mut self.memory.short, key, self.counter.really(word)),
            };
        }
        if word.len() > LONGEST_REMEMBERED {
            return self.counter.really(word);
        }
        match self.memory.long.get(word) {
            Some(tokens) => *tokens,
            None => remember(&mut self.memory.long, word.into(), self.counter.really(word)),
        }
    }

    /// Asks the tokenizer itself.
    pub(super) fn really(&self, text: &str) -> u32 {
        self.counter.really(text)
    }
}

fn remember<K: Eq + Hash>(memory: &mut HashMap<K, u32, FxBuildHasher>, word: K, tokens: u32) -> u32 {
    if memory.len() >= MOST_REMEMBERED {
        memory.clear();
    }
    memory.insert(word, tokens);
    tokens
}

/// The bytes of a short word, and its length.
fn short_key(word: &str) -> Option<u128> {
    let mut key = [0; 16];
    key.get_mut(..word.len()).filter(|room| room.len() < 16)?.copy_from_slice(word.as_bytes());
    key[15] = u8::try_from(word.len()).ok()?;
    Some(u128::from_le_bytes(key))
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.counter.memories().push(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_follows_the_models_name() {
        let rules = |model| TokenCounter::of_model(model).rules();
        assert_eq!(rules("text-embedding-3-small"), Rules::Cl100k);
        assert_eq!(rules("gpt-4o-mini"), Rules::O200k);
        assert_eq!(rules("all-MiniLM-L6-v2"), Rules::O200k);
    }

    #[test]
    fn a_text_counts_the_same_the_second_time() {
        let counter = TokenCounter::of_model("gpt-4o");
        let text = "The theatre's 12345 seats were sold — thrice!\n";
        let real = u32::try_from(o200k_base_singleton().count_ordinary(text));
        assert_eq!(Ok(counter.count(text)), real);
        assert_eq!(Ok(counter.count(text)), real);
        assert_eq!(counter.count(""), 0);
    }
}
