//! The chunks of a file with their texts, packed.
//!
//! Neighbours overlap, so they are packed in groups: the shared text costs next to nothing, and one hit costs to unpack
//! one group. The passages of a file are the ends of its groups (little-endian `u32` each), then the groups.

use std::io::Read;

use super::catalog::Entry;
use super::log::Log;
use super::{Chunk, IndexError};

/// How many chunks are packed together.
const GROUP: usize = 8;
/// Fast; the overlap is found all the same.
const LEVEL: i32 = 1;

/// Packs the chunks of a file.
pub(super) fn pack(chunks: &[Chunk]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let head = chunks.len().div_ceil(GROUP) * size_of::<u32>();
    let mut packed = vec![0; head];
    for (number, group) in chunks.chunks(GROUP).enumerate() {
        packed.extend(compressor.compress(&serde_json::to_vec(group)?)?);
        let end = u32::try_from(packed.len() - head).map_err(std::io::Error::other)?;
        packed[number * size_of::<u32>()..][..size_of::<u32>()].copy_from_slice(&end.to_le_bytes());
    }
    Ok(packed)
}

/// All chunks of a file, in their order.
pub(super) fn all(log: &Log, entry: &Entry) -> Result<Vec<Chunk>, IndexError> {
    let mut chunks = Vec::with_capacity(entry.chunks as usize);
    for group in 0..(entry.chunks as usize).div_ceil(GROUP) {
        chunks.extend(unpack_group(log, entry, group)?);
    }
    if chunks.len() == entry.chunks as usize { Ok(chunks) } else { Err(log.damaged("misses chunks")) }
}

/// Some chunks of a file: those at the sorted `places`.
pub(super) fn some(log: &Log, entry: &Entry, places: &[u32]) -> Result<Vec<Chunk>, IndexError> {
    let mut found = Vec::with_capacity(places.len());
    for places in places.chunk_by(|a, b| *a as usize / GROUP == *b as usize / GROUP) {
        let group = places[0] as usize / GROUP;
        let mut chunks: Vec<Option<Chunk>> = unpack_group(log, entry, group)?.into_iter().map(Some).collect();
        for place in places {
            let chunk = chunks.get_mut(*place as usize % GROUP).and_then(Option::take);
            found.push(chunk.ok_or_else(|| log.damaged("misses chunks"))?);
        }
    }
    Ok(found)
}

fn unpack_group(log: &Log, entry: &Entry, group: usize) -> Result<Vec<Chunk>, IndexError> {
    let head = (entry.chunks as usize).div_ceil(GROUP) * size_of::<u32>();
    let (start, end) = group_bounds(log, entry, group)?;
    if start > end || head as u64 + u64::from(end) > entry.passages_bytes {
        return Err(log.damaged("has groups of impossible length"));
    }
    let packed = log.read(entry.passages_at + head as u64 + u64::from(start), (end - start) as usize)?;
    unpack(&packed).map_err(|_| log.damaged("has groups that can't be unpacked"))
}

/// Where a group begins and ends behind the ends of groups.
fn group_bounds(log: &Log, entry: &Entry, group: usize) -> Result<(u32, u32), IndexError> {
    let mut ends = [[0; size_of::<u32>()]; 2];
    let known = if group == 0 { &mut ends[1..] } else { &mut ends[..] };
    let first = (group + 1 - known.len()) * size_of::<u32>();
    log.read_into(entry.passages_at + first as u64, known.as_flattened_mut())?;
    Ok((u32::from_le_bytes(ends[0]), u32::from_le_bytes(ends[1])))
}

fn unpack(packed: &[u8]) -> Result<Vec<Chunk>, std::io::Error> {
    let mut json = Vec::with_capacity(packed.len() * 4);
    zstd::stream::Decoder::with_buffer(packed)?.read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}
