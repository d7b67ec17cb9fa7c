//! Counts the tokens of words, and remembers them: texts are mostly made of words that came before.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustc_hash::FxBuildHasher;
use tiktoken_rs::{
    CoreBPE, cl100k_base_singleton, o200k_base_singleton,
    tokenizer::{Tokenizer, get_tokenizer},
};

use super::words::Rules;

/// Words that one cutting thread remembers, about 10 MB of them.
const MOST_REMEMBERED: usize = 200_000;
/// Longer ones are counted each time they come: they hardly come twice.
const LONGEST_REMEMBERED: usize = 64;

/// Counts tokens as a model does. To be made once and shared: it gets faster with use.
pub struct TokenCounter {
    rules: Rules,
    real: &'static CoreBPE,
    memories: Mutex<Vec<Memory>>,
}

type Memory = HashMap<Box<str>, u32, FxBuildHasher>;

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
        if word.len() > LONGEST_REMEMBERED {
            return self.really(word);
        }
        if let Some(tokens) = self.memory.get(word) {
            return *tokens;
        }
        let tokens = self.really(word);
        if self.memory.len() >= MOST_REMEMBERED {
            self.memory.clear();
        }
        self.memory.insert(word.into(), tokens);
        tokens
    }

    /// Asks the tokenizer itself.
    pub(super) fn really(&self, text: &str) -> u32 {
        u32::try_from(self.counter.real.count_ordinary(text)).unwrap_or(u32::MAX)
    }
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
