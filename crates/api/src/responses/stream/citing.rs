//! Citations in a text: words stand in the place of the marker, or nothing, and an annotation says where.

use cupola_engine::Frame;
use serde_json::json;

use super::{
    Stream,
    open::Open,
    seen::{Heard, Strand},
    voice::Voice,
};
use crate::citations::{Piece, Source, length};

impl Stream {
    /// More text, in which there may be citations.
    pub(super) fn say_and_cite(&mut self, text: &str) -> Vec<Frame> {
        let pieces = self.reader.read(text, &self.sources);
        let frames = pieces.into_iter().flat_map(|piece| match piece {
            Piece::Words(words) => self.say_words(Voice::Text, &words),
            Piece::Citation { marker, source } => self.cite(&marker, &source),
        });
        frames.collect()
    }

    /// What was held back because it might have become a citation.
    pub(super) fn say_rest(&mut self) -> Vec<Frame> {
        let rest = self.reader.rest();
        if rest.is_empty() { Vec::new() } else { self.say_words(Voice::Text, &rest) }
    }

    /// Pictures of which the answer does not speak are cited at its end.
    pub(super) fn cite_figures(&mut self) -> Vec<Frame> {
        let is_message = matches!(&self.open, Some(Open::Spoken(spoken)) if spoken.is_message);
        if !is_message {
            return Vec::new();
        }
        let figures = std::mem::take(&mut self.figures);
        figures.iter().flat_map(|figure| self.cite("", figure)).collect()
    }

    fn cite(&mut self, marker: &str, source: &Source) -> Vec<Frame> {
        self.figures.retain(|figure| figure.key() != source.key());
        let words = source.words(marker);
        let mut frames = match words.as_str() {
            "" => Vec::new(),
            words => self.say_words(Voice::Text, words),
        };
        match self.seen.begins(&Strand::Citation(source.key().to_owned())) {
            Heard::Again => return frames,
            Heard::New(_) => {}
            Heard::Other(_) => frames.extend(self.turn_away()),
        }
        frames.extend(self.open_part(Voice::Text));
        let Some((_, mut place)) = self.place() else { return frames };
        let Some(Open::Spoken(spoken)) = &mut self.open else { return frames };
        let end = spoken.part().map_or(0, |(.., text)| length(text));
        let annotation = source.in_response(end, &words);
        place["annotation_index"] = json!(spoken.annotate(annotation.clone()));
        place["annotation"] = annotation;
        frames.push(self.event("response.output_text.annotation.added", place));
        frames
    }
}
