//! Token counts as OpenAI's models see them.
//! Each vocabulary is loaded when it is first needed: that takes some 200 ms.

use tiktoken_rs::{
    CoreBPE, cl100k_base_singleton, o200k_base_singleton,
    tokenizer::{Tokenizer, get_tokenizer},
};

/// How many tokens `text` is for the model of this name; unknown models count like the newest ones.
pub fn count(model: &str, text: &str) -> usize {
    vocabulary(model).count_ordinary(text)
}

fn vocabulary(model: &str) -> &'static CoreBPE {
    match get_tokenizer(model) {
        Some(Tokenizer::Cl100kBase) => cl100k_base_singleton(),
        _ => o200k_base_singleton(),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn the_vocabulary_follows_the_models_name() {
        for newer in ["gpt-4o-mini", "gpt-5", "llama3.2:3b"] {
            assert!(ptr::eq(vocabulary(newer), o200k_base_singleton()), "{newer}");
        }
        for older in ["gpt-4", "gpt-3.5-turbo"] {
            assert!(ptr::eq(vocabulary(older), cl100k_base_singleton()), "{older}");
        }
    }

    #[test]
    fn tokens_are_counted() {
        assert_eq!(count("gpt-4o", "Hello, world!"), 4);
        assert_eq!(count("anything", ""), 0);
    }
}
