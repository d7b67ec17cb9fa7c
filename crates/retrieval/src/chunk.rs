//! Chunks: pieces of a document that are found and quoted as a whole.

use serde::{Deserialize, Serialize};

mod block;
mod cut;
mod letters;
mod tokens;
mod unit;
mod words;

pub use tokens::TokenCounter;

use crate::{Document, Place, Unreadable};
use cut::Cutter;

/// The most tokens of a document, as the service has it.
const MOST_TOKENS: u32 = 2_000_000;

/// How documents are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunking {
    /// The most tokens of a chunk.
    pub max_chunk_size_tokens: u32,
    /// Tokens that a chunk shares with the one before.
    pub chunk_overlap_tokens: u32,
}

impl Default for Chunking {
    /// What the wire calls `auto`.
    fn default() -> Self {
        Self { max_chunk_size_tokens: 800, chunk_overlap_tokens: 400 }
    }
}

impl Chunking {
    /// Cuts a document.
    ///
    /// Chunks end between words, and at the end of a paragraph, line or sentence where one is near. Blank
    /// sections are left out. An overlap of more than half of a chunk counts as half of it.
    pub fn cut(self, document: &Document, counter: &TokenCounter) -> Result<Vec<Chunk>, Unreadable> {
        self.cut_at_most(MOST_TOKENS, document, counter)
            .ok_or_else(|| Unreadable::Invalid("The file has more than 2,000,000 tokens of text.".into()))
    }

    /// There are none where the document has more tokens.
    fn cut_at_most(self, most: u32, document: &Document, counter: &TokenCounter) -> Option<Vec<Chunk>> {
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut tokens = 0_u32;
        for block in block::blocks(document, self.max_chunk_size_tokens) {
            let mut end = 0;
            for piece in Cutter::new(&block.text, self, counter) {
                tokens = tokens.saturating_add(piece.new_tokens);
                if tokens > most {
                    return None;
                }
                chunks.push(Chunk {
                    ordinal: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
                    text: block.text[piece.start..piece.end].to_owned(),
                    tokens: piece.tokens,
                    shared: u32::try_from(usize::saturating_sub(end, piece.start)).unwrap_or(u32::MAX),
                    place: block.place(piece.start),
                });
                end = piece.end;
            }
        }
        Some(chunks)
    }
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among the chunks of its file, from 0.
    pub ordinal: u32,
    /// The text.
    pub text: String,
    /// How many tokens that is.
    pub tokens: u32,
    /// Bytes at its beginning that are the end of the chunk before it.
    #[serde(default)]
    pub shared: u32,
    /// Where it begins in the file.
    #[serde(default)]
    pub place: Place,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

    use super::*;
    use crate::Section;

    fn one(text: &str) -> Document {
        Document { sections: vec![Section { text: text.into(), place: Place::default() }] }
    }

    fn chunking(max: u32, overlap: u32) -> Chunking {
        Chunking { max_chunk_size_tokens: max, chunk_overlap_tokens: overlap }
    }

    fn counters() -> [(TokenCounter, &'static CoreBPE); 2] {
        [
            (TokenCounter::of_model("gpt-4o"), o200k_base_singleton()),
            (TokenCounter::of_model("gpt-4"), cl100k_base_singleton()),
        ]
    }

    /// Every piece fits by the tokenizer's own count, goes on where the last one ended, and overlaps as asked
    /// for.
    fn check(text: &str, how: Chunking) {
        for (counter, real) in counters() {
            let mut end = 0;
            for piece in Cutter::new(text, how, &counter) {
                let count = |start, end| real.count_ordinary(&text[start..end]);
                assert_eq!(piece.tokens as usize, count(piece.start, piece.end));
                assert!(piece.tokens <= how.max_chunk_size_tokens, "{piece:?}");
                assert!(piece.start <= end && end < piece.end, "{piece:?} after {end}");
                assert!(
                    count(piece.start, end) <= how.chunk_overlap_tokens as usize,
                    "{piece:?} after {end}"
                );
                end = piece.end;
            }
            assert_eq!(end, text.len());
        }
    }

    const STORY: &str = "The keeper climbed the stairs. It was late.\n\nNobody had lit the lamp, and the sea \
                         was loud. He counted: one, two, three hundred and twelve steps.\nThen he slept.\n";

    #[test]
    fn a_small_text_is_one_chunk() {
        let [(counter, _), _] = counters();
        let chunks = Chunking::default().cut(&one(STORY), &counter).unwrap();
        assert_eq!(chunks.len(), 1);
        assert_eq!((chunks[0].ordinal, chunks[0].text.as_str()), (0, STORY));
    }

    #[test]
    fn a_text_of_blanks_has_no_chunks() {
        let [(counter, _), _] = counters();
        assert_eq!(Chunking::default().cut(&one(" \n\t\n"), &counter).unwrap(), []);
    }

    #[test]
    fn what_chunks_do_not_share_is_the_text_also_where_it_repeats_itself() {
        let text = STORY.repeat(40);
        let [(counter, _), _] = counters();
        let chunks = chunking(100, 30).cut(&one(&text), &counter).unwrap();
        assert!(chunks.iter().skip(1).all(|chunk| chunk.shared > 0));
        let own = chunks.iter().map(|chunk| &chunk.text[chunk.shared as usize..]);
        assert_eq!(own.collect::<String>(), text);
    }

    #[test]
    fn neighbours_share_as_many_tokens_as_asked() {
        let text: String = (0..2000).map(|number| format!(" {}", number % 1000)).collect();
        let [(counter, real), _] = counters();
        let chunks = chunking(800, 400).cut(&one(&text), &counter).unwrap();
        assert!(chunks.len() > 5);
        for pair in chunks.windows(2) {
            let longest = (1..pair[1].text.len())
                .rev()
                .find(|length| pair[0].text.ends_with(&pair[1].text[..*length]))
                .unwrap();
            assert_eq!(real.count_ordinary(&pair[1].text[..longest]), 400);
        }
    }

    #[test]
    fn a_chunk_ends_with_its_paragraph_where_that_is_near() {
        let [(counter, _), _] = counters();
        let text = format!("{}\n\n{}", "word ".repeat(90).trim_end(), "next ".repeat(90));
        let chunks = chunking(100, 0).cut(&one(&text), &counter).unwrap();
        assert!(chunks[0].text.ends_with("word\n\n"), "{:?}", chunks[0].text);
        assert!(chunks[1].text.starts_with("next"));
    }

    #[test]
    fn a_chunk_says_where_it_begins() {
        let section = |page: u32, text: String| Section {
            text,
            place: Place { page: Some(page), heading: Some(format!("Page {page}")) },
        };
        let document = Document {
            sections: vec![
                section(1, "short".into()),
                section(2, "few".into()),
                section(3, "word ".repeat(500)),
            ],
        };
        let [(counter, _), _] = counters();
        let chunks = chunking(200, 0).cut(&document, &counter).unwrap();
        let pages: Vec<_> = chunks.iter().map(|chunk| chunk.place.page.unwrap()).collect();
        assert_eq!(pages, [1, 3, 3, 3]);
        assert_eq!(chunks[0].text, "short\n\nfew");
        assert_eq!(chunks[3].ordinal, 3);
    }

    #[test]
    fn words_of_any_length_are_cut() {
        let how = chunking(100, 20);
        for letters in ["a", "中", "=", "🦀", " ", "\n", "e\u{301}", "/\n"] {
            check(&format!("before {} after", letters.repeat(2000)), how);
        }
        check(&"q9Zx/".repeat(2000), how);
    }

    #[test]
    fn a_document_of_more_tokens_than_allowed_is_not_cut() {
        let [(counter, _), _] = counters();
        let cut = |words| Chunking::default().cut_at_most(2000, &one(&" a".repeat(words)), &counter);
        assert!(cut(2000).is_some_and(|chunks| chunks.len() == 4));
        assert_eq!(cut(2001), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_text_is_in_chunks_that_are_small_enough(
            text in "(\\PC|[ \n\r\t.]|the |word|中文|1234|\\PC{30}){0,400}", max in 16u32..120, half in 0u32..60
        ) {
            check(&text, chunking(max, half.min(max / 2)));
        }
    }
}
