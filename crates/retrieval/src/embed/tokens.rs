//! Texts become tokens, in sequences that are no longer than what a model reads.

use std::path::Path;

use tokenizers::{
    Encoding, PostProcessor, Tokenizer, TruncationDirection, TruncationParams,
    utils::truncation::truncate_encodings,
};

use super::{architecture::Architecture, broken::BrokenModel};
use crate::EmbedError;

/// One token.
pub(super) struct Token {
    pub(super) id: usize,
    /// Which of the two texts of a pair it belongs to.
    pub(super) kind: usize,
}

/// Tokens that a model reads at once.
pub(super) struct Sequence {
    ids: Vec<u32>,
    kinds: Vec<u32>,
    last_kind: u32,
}

impl Sequence {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn tokens(&self) -> impl Iterator<Item = Token> {
        let kinds = self.kinds.iter().map(|kind| *kind.min(&self.last_kind) as usize);
        self.ids.iter().zip(kinds).map(|(id, kind)| Token { id: *id as usize, kind })
    }
}

/// A model's tokenizer.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    longest: usize,
    last_kind: u32,
}

impl Tokens {
    /// Says if there is no tokenizer. Reading it takes longer than anything else that is done at a start.
    pub(super) fn check(path: &Path) -> Result<(), BrokenModel> {
        std::fs::metadata(path).map(|_| ()).map_err(|error| BrokenModel::unreadable(path, &error))
    }

    /// Reads `tokenizer.json`. Sequences get at most `longest` tokens.
    pub(super) fn load(path: &Path, shape: &Architecture, longest: usize) -> Result<Self, BrokenModel> {
        let broken = |reason: String| BrokenModel::new(path, reason);
        let file = std::fs::read(path).map_err(|error| BrokenModel::unreadable(path, &error))?;
        let mut tokenizer = Tokenizer::from_bytes(file)
            .map_err(|error| broken(format!("it can't be understood: {error}")))?;
        let last = tokenizer.get_vocab(true).into_values().max().unwrap_or_default() as usize;
        if last >= shape.vocabulary {
            let rows = shape.vocabulary;
            return Err(broken(format!("it has a token {last}, but the model knows only {rows} tokens")));
        }
        // What it was saved with does not count: nothing is filled up, and what is too long is cut here.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| broken(format!("it can't be used: {error}")))?;
        let tokens = Self { tokenizer, longest, last_kind: (shape.token_types - 1) as u32 };
        match tokens.room(true) {
            0 => Err(broken(format!("{longest} tokens at once leave no room for a text"))),
            _ => Ok(tokens),
        }
    }

    /// All of a text, in as many sequences as it takes.
    pub(super) fn of_text(&self, text: &str) -> Result<Vec<Sequence>, EmbedError> {
        let mut first = self.tokenizer.encode_fast(text, false).map_err(not_tokenized)?;
        first.truncate(self.room(false), 0, TruncationDirection::Right);
        let rest = first.take_overflowing();
        std::iter::once(first).chain(rest).map(|piece| self.sequence(piece, None)).collect()
    }

    /// The beginning of a pair, as much as fits into one sequence.
    pub(super) fn of_pair(&self, first: &str, second: &str) -> Result<Sequence, EmbedError> {
        let first = self.tokenizer.encode_fast(first, false).map_err(not_tokenized)?;
        let second = self.tokenizer.encode_fast(second, false).map_err(not_tokenized)?;
        let limit = TruncationParams { max_length: self.room(true), ..TruncationParams::default() };
        let (first, second) = truncate_encodings(first, Some(second), &limit).map_err(not_tokenized)?;
        self.sequence(first, second)
    }

    /// How many tokens of a text or a pair fit between those that the model wants around them.
    fn room(&self, is_pair: bool) -> usize {
        let around =
            self.tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(is_pair));
        self.longest.saturating_sub(around)
    }

    fn sequence(&self, first: Encoding, second: Option<Encoding>) -> Result<Sequence, EmbedError> {
        let encoding = self.tokenizer.post_process(first, second, true).map_err(not_tokenized)?;
        Ok(Sequence {
            ids: encoding.get_ids().to_vec(),
            kinds: encoding.get_type_ids().to_vec(),
            last_kind: self.last_kind,
        })
    }
}

fn not_tokenized(error: tokenizers::Error) -> EmbedError {
    EmbedError { message: format!("a text could not be cut into tokens: {error}"), is_transient: false }
}
