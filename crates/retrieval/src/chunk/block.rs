//! What is cut at a time: a section, or several small ones that stand next to each other.

use std::borrow::Cow;

use crate::{Document, Place, Section};

/// Bytes of text for which a token is surely enough room.
const BYTES_PER_TOKEN: usize = 3;
/// What stands between two sections that share a chunk.
const BETWEEN: &str = "\n\n";

/// A text, and the places of its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Where each place begins, in their order.
    places: Vec<(usize, &'a Place)>,
}

impl Block<'_> {
    /// The place of what stands here.
    pub(super) fn place(&self, position: usize) -> Place {
        let after = self.places.partition_point(|(start, _)| *start <= position);
        after.checked_sub(1).map(|index| self.places[index].1.clone()).unwrap_or_default()
    }
}

impl<'a> From<&'a Section> for Block<'a> {
    fn from(section: &'a Section) -> Self {
        Self { text: Cow::Borrowed(&section.text), places: vec![(0, &section.place)] }
    }
}

/// The blocks of a document. Sections that fit into one chunk together are one block.
pub(super) fn blocks(document: &Document, tokens: u32) -> impl Iterator<Item = Block<'_>> {
    let room = (tokens as usize).saturating_mul(BYTES_PER_TOKEN);
    let mut sections = document.sections.iter().filter(|section| !section.text.trim().is_empty()).peekable();
    std::iter::from_fn(move || {
        let mut block = Block::from(sections.next()?);
        let fits =
            |block: &Block<'_>, next: &&Section| block.text.len() + BETWEEN.len() + next.text.len() <= room;
        while let Some(next) = sections.next_if(|next| fits(&block, next)) {
            let text = block.text.to_mut();
            if !text.ends_with(BETWEEN) {
                text.push_str(if text.ends_with('\n') { "\n" } else { BETWEEN });
            }
            block.places.push((text.len(), &next.place));
            text.push_str(&next.text);
        }
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str, page: u32) -> Section {
        Section { text: text.into(), place: Place { page: Some(page), heading: None } }
    }

    #[test]
    fn small_neighbours_share_a_block_and_large_ones_stand_alone() {
        let long = "x".repeat(40);
        let document = Document {
            sections: vec![
                section("a", 1),
                section("b\n", 2),
                section("", 3),
                section("c", 4),
                section(&long, 5),
            ],
        };
        let blocks: Vec<Block<'_>> = blocks(&document, 10).collect();
        let texts: Vec<&str> = blocks.iter().map(|block| &*block.text).collect();
        assert_eq!(texts, ["a\n\nb\n\nc", long.as_str()]);
        let pages: Vec<_> = (0..7).map(|position| blocks[0].place(position).page).collect();
        assert_eq!(pages, [Some(1), Some(1), Some(1), Some(2), Some(2), Some(2), Some(4)]);
    }
}
