//! The chunks of a file with their texts, packed.
//!
//! Neighbours overlap, so they are packed in groups: the shared text costs next to nothing, and one hit costs to unpack
//! one group. The passages of a file are a table of its groups, then the groups. A group is packed as a whole: a line
//! of JSON about its chunks, then their texts.

use std::io;

use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use super::catalog::Entry;
use super::log::Log;
use super::{Chunk, IndexError};
use crate::Place;

/// How many chunks are packed together.
const GROUP: usize = 4;
/// Fast; the overlap is found all the same.
const LEVEL: i32 = 1;
/// Bytes of a row of the table: where the group ends behind the table, how long it is unpacked (`u32`, little-endian).
const ROW: usize = 8;

/// What is said about a chunk before the texts.
#[derive(Serialize, Deserialize)]
struct Head {
    ordinal: u32,
    tokens: u32,
    #[serde(default)]
    shared: u32,
    #[serde(default, skip_serializing_if = "is_nowhere")]
    place: Place,
    /// Bytes of its text.
    bytes: usize,
}

fn is_nowhere(place: &Place) -> bool {
    *place == Place::default()
}

/// Packs the chunks of a file.
pub(super) fn pack(chunks: &[Chunk]) -> io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let groups = chunks.chunks(GROUP);
    let table = groups.len() * ROW;
    let mut packed = vec![0; table];
    for (number, group) in groups.enumerate() {
        let plain = plain_group(group)?;
        packed.extend(compressor.compress(&plain)?);
        let end = u32::try_from(packed.len() - table).map_err(io::Error::other)?;
        let unpacked = u32::try_from(plain.len()).map_err(io::Error::other)?;
        let row = u64::from(unpacked) << 32 | u64::from(end);
        packed[number * ROW..][..ROW].copy_from_slice(&row.to_le_bytes());
    }
    Ok(packed)
}

fn plain_group(group: &[Chunk]) -> io::Result<Vec<u8>> {
    let head = |chunk: &Chunk| Head {
        ordinal: chunk.ordinal,
        tokens: chunk.tokens,
        shared: chunk.shared,
        place: chunk.place.clone(),
        bytes: chunk.text.len(),
    };
    let mut plain = serde_json::to_vec(&group.iter().map(head).collect::<Vec<_>>())?;
    plain.push(b'\n');
    group.iter().for_each(|chunk| plain.extend(chunk.text.as_bytes()));
    Ok(plain)
}

/// Reads packed chunks.
pub(super) struct Unpacker<'a> {
    log: &'a Log,
    decompressor: Decompressor<'static>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(log: &'a Log) -> Result<Self, IndexError> {
        let decompressor = Decompressor::new().map_err(|error| log.failed("unpack", error))?;
        Ok(Self { log, decompressor })
    }

    /// All chunks of a file, in their order.
    pub(super) fn all(&mut self, entry: &Entry) -> Result<Vec<Chunk>, IndexError> {
        let places: Vec<u32> = (0..entry.chunks).collect();
        self.some(entry, &places)
    }

    /// Some chunks of a file: those at the sorted `places`.
    pub(super) fn some(&mut self, entry: &Entry, places: &[u32]) -> Result<Vec<Chunk>, IndexError> {
        let mut found = Vec::with_capacity(places.len());
        for places in places.chunk_by(|a, b| *a as usize / GROUP == *b as usize / GROUP) {
            let plain = self.unpack(entry, places[0] as usize / GROUP)?;
            let wanted = |number: usize| places.iter().any(|place| *place as usize % GROUP == number);
            let chunks = chunks_of(&plain, wanted).filter(|chunks| chunks.len() == places.len());
            found.extend(chunks.ok_or_else(|| self.log.damaged("has a group that can't be read"))?);
        }
        Ok(found)
    }

    fn unpack(&mut self, entry: &Entry, group: usize) -> Result<Vec<u8>, IndexError> {
        let table = (entry.chunks as usize).div_ceil(GROUP) * ROW;
        let (start, end, unpacked) = self.bounds(entry, group)?;
        if start > end || table as u64 + u64::from(end) > entry.passages_bytes {
            return Err(self.log.damaged("has a group of impossible length"));
        }
        let packed =
            self.log.read(entry.passages_at + table as u64 + u64::from(start), (end - start) as usize)?;
        // Two sources of the length keep a changed byte from asking for gigabytes.
        if !matches!(get_frame_content_size(&packed), Ok(Some(length)) if length == u64::from(unpacked)) {
            return Err(self.log.damaged("has a group of impossible length"));
        }
        let plain = self.decompressor.decompress(&packed, unpacked as usize);
        plain.map_err(|_| self.log.damaged("has a group that can't be unpacked"))
    }

    /// Where a group begins and ends behind the table, and how long it is unpacked.
    fn bounds(&self, entry: &Entry, group: usize) -> Result<(u32, u32, u32), IndexError> {
        let mut rows = [[0; ROW]; 2];
        let known = if group == 0 { &mut rows[1..] } else { &mut rows[..] };
        let first = (group + 1 - known.len()) * ROW;
        self.log.read_into(entry.passages_at + first as u64, known.as_flattened_mut())?;
        let [before, row] = rows.map(u64::from_le_bytes);
        Ok((before as u32, row as u32, (row >> 32) as u32))
    }
}

/// The wanted chunks of a group, if it is as it should be.
fn chunks_of(plain: &[u8], wanted: impl Fn(usize) -> bool) -> Option<Vec<Chunk>> {
    let line = plain.iter().position(|byte| *byte == b'\n')?;
    let heads: Vec<Head> = serde_json::from_slice(&plain[..line]).ok()?;
    let mut texts = &plain[line + 1..];
    let mut chunks = Vec::new();
    for (number, Head { ordinal, tokens, shared, place, bytes }) in heads.into_iter().enumerate() {
        let (text, rest) = texts.split_at_checked(bytes)?;
        texts = rest;
        if wanted(number) {
            let text = str::from_utf8(text).ok()?.to_owned();
            chunks.push(Chunk { ordinal, text, tokens, shared, place });
        }
    }
    Some(chunks)
}
