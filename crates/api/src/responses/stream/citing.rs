//! Citations in a text: the marker is left out, and an annotation says where it stood.

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
            Piece::Citation { source, .. } => self.cite(&source),
        });
        frames.collect()
    }

    /// What was held back because it might have become a citation.
    pub(super) fn say_rest(&mut self) -> Vec<Frame> {
        let rest = self.reader.rest();
        if rest.is_empty() { Vec::new() } else { self.say_words(Voice::Text, &rest) }
    }

    fn cite(&mut self, source: &Source) -> Vec<Frame> {
        let mut frames = match self.seen.begins(&Strand::Citation(source.file_id.clone())) {
            Heard::Again => return Vec::new(),
            Heard::New(_) => Vec::new(),
            Heard::Other(_) => self.turn_away(),
        };
        frames.extend(self.open_part(Voice::Text));
        let Some((_, mut place)) = self.place() else { return frames };
        let Some(Open::Spoken(spoken)) = &mut self.open else { return frames };
        let index = spoken.part().map_or(0, |(.., text)| length(text));
        let annotation = json!({
            "type": "file_citation", "file_id": source.file_id, "index": index, "filename": source.filename,
        });
        place["annotation_index"] = json!(spoken.annotate(annotation.clone()));
        place["annotation"] = annotation;
        frames.push(self.event("response.output_text.annotation.added", place));
        frames
    }
}
