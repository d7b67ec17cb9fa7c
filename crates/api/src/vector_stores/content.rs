//! What was read from a file: its passages, without what they share.

use super::{SearchFault, VectorStores};

impl VectorStores {
    /// The text of a file, in the pieces that it was cut into.
    pub(super) async fn content(&self, store: &str, file: &str) -> Result<Vec<String>, SearchFault> {
        let passages = self.library().passages(store, file).await;
        let passages = passages.map_err(|error| SearchFault::index(store, &error))?.unwrap_or_default();
        let mut pieces: Vec<String> = Vec::with_capacity(passages.len());
        let mut before = "";
        for passage in &passages {
            let shared = shared(before, &passage.text);
            pieces.extend(Some(passage.text[shared..].to_owned()).filter(|piece| !piece.is_empty()));
            before = &passage.text;
        }
        Ok(pieces)
    }
}

/// How many bytes at the end of one text are the beginning of the next.
fn shared(before: &str, next: &str) -> usize {
    let most = before.len().min(next.len());
    let lengths = (1..=most).rev().filter(|length| next.is_char_boundary(*length));
    lengths.into_iter().find(|length| before.ends_with(&next[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_passages_share_is_told_once() {
        for (before, next, length) in [
            ("", "abc", 0),
            ("one two three", "two three four", 9),
            ("one two", "three four", 0),
            ("same", "same", 4),
            ("größer ä", "ä klein", 2),
        ] {
            assert_eq!(shared(before, next), length, "{before} | {next}");
        }
    }
}
