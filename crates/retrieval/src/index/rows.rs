//! The vectors of chunks: one row each, in two files.
//!
//! The exact file has the components as little-endian `f32`. The small file has the scale and the codes of each row;
//! it is what a search of many rows reads, and therefore kept in memory from the first such search on.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::IndexError;
use super::log::{Appender, Log};
use super::quantise::Quantised;

/// Rows are kept in memory in blocks of this many, so that growing copies little.
const BLOCK: usize = 1024;

/// The rows on disk, and as many of them in memory as were asked for.
#[derive(Debug)]
pub(super) struct Rows {
    dimensions: usize,
    exact: Log,
    small: Log,
    resident_exact: RwLock<Arc<ExactRows>>,
    resident_small: RwLock<Arc<SmallRows>>,
}

/// Exact rows in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct ExactRows {
    blocks: Vec<Arc<Vec<f32>>>,
    rows: u64,
}

/// Small rows in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct SmallRows {
    blocks: Vec<Arc<SmallBlock>>,
    rows: u64,
}

#[derive(Clone, Debug, Default)]
struct SmallBlock {
    scales: Vec<f32>,
    codes: Vec<i8>,
}

impl Rows {
    /// Opens files of which `rows` are committed.
    pub(super) fn open(
        dir: &Path,
        generation: u64,
        dimensions: usize,
        rows: u64,
    ) -> Result<Self, IndexError> {
        let exact = Log::open(dir.join(exact_name(generation)), rows * exact_bytes(dimensions))?;
        let small = Log::open(dir.join(small_name(generation)), rows * small_bytes(dimensions))?;
        Ok(Self::over(dimensions, exact, small))
    }

    /// Makes empty files.
    pub(super) fn create(dir: &Path, generation: u64, dimensions: usize) -> Result<Self, IndexError> {
        let exact = Log::create(dir.join(exact_name(generation)))?;
        let small = Log::create(dir.join(small_name(generation)))?;
        Ok(Self::over(dimensions, exact, small))
    }

    fn over(dimensions: usize, exact: Log, small: Log) -> Self {
        Self {
            dimensions,
            exact,
            small,
            resident_exact: RwLock::default(),
            resident_small: RwLock::default(),
        }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Some exact vectors, one behind the other.
    pub(super) fn read_exact(&self, first: u64, count: usize) -> Result<Vec<f32>, IndexError> {
        let width = exact_bytes(self.dimensions);
        let bytes = self.exact.read(first * width, count * width as usize)?;
        let (components, _) = bytes.as_chunks::<4>();
        Ok(components.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The first `rows` exact rows, from now on in memory.
    pub(super) fn exact_in_memory(&self, rows: u64) -> Result<Arc<ExactRows>, IndexError> {
        at_least(&self.resident_exact, rows, |resident: &mut ExactRows| {
            while resident.rows < rows {
                let (first, count) = next_block(resident.rows, rows);
                let block = self.read_exact(first, count)?;
                resident.blocks.truncate(first as usize / BLOCK);
                resident.blocks.push(Arc::new(block));
                resident.rows = first + count as u64;
            }
            Ok(())
        })
    }

    /// The first `rows` small rows, from now on in memory.
    pub(super) fn small_in_memory(&self, rows: u64) -> Result<Arc<SmallRows>, IndexError> {
        at_least(&self.resident_small, rows, |resident: &mut SmallRows| {
            while resident.rows < rows {
                let (first, count) = next_block(resident.rows, rows);
                let block = self.read_small(first, count)?;
                resident.blocks.truncate(first as usize / BLOCK);
                resident.blocks.push(Arc::new(block));
                resident.rows = first + count as u64;
            }
            Ok(())
        })
    }

    fn read_small(&self, first: u64, count: usize) -> Result<SmallBlock, IndexError> {
        let width = small_bytes(self.dimensions);
        let bytes = self.small.read(first * width, count * width as usize)?;
        let mut block = SmallBlock { scales: Vec::with_capacity(count), codes: Vec::new() };
        block.codes.reserve_exact(count * self.dimensions);
        for row in bytes.chunks_exact(width as usize) {
            if let Some((scale, codes)) = row.split_first_chunk() {
                block.scales.push(f32::from_le_bytes(*scale));
                block.codes.extend(codes.iter().map(|code| code.cast_signed()));
            }
        }
        Ok(block)
    }
}

/// The block in which the row `known` stands: its first row and how many rows it has, of `rows` altogether.
fn next_block(known: u64, rows: u64) -> (u64, usize) {
    let first = known - known % BLOCK as u64;
    (first, (rows - first).min(BLOCK as u64) as usize)
}

/// What can be kept in memory row by row.
trait Resident: Clone {
    fn rows(&self) -> u64;
}

impl Resident for ExactRows {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Resident for SmallRows {
    fn rows(&self) -> u64 {
        self.rows
    }
}

/// What is in memory, after reading what is missing of the first `rows`.
fn at_least<T: Resident>(
    resident: &RwLock<Arc<T>>,
    rows: u64,
    read: impl FnOnce(&mut T) -> Result<(), IndexError>,
) -> Result<Arc<T>, IndexError> {
    let now = resident.read().unwrap_or_else(PoisonError::into_inner).clone();
    if now.rows() >= rows {
        return Ok(now);
    }
    drop(now);
    let mut resident = resident.write().unwrap_or_else(PoisonError::into_inner);
    if resident.rows() < rows {
        read(Arc::make_mut(&mut resident))?;
    }
    Ok(resident.clone())
}

impl ExactRows {
    /// The rows in runs, each with its first row and the components. At the end may be more than was asked for.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u64, &[f32])> {
        (0..).step_by(BLOCK).zip(&self.blocks).map(|(first, block)| (first, &block[..]))
    }
}

impl SmallRows {
    /// The rows in runs, each with its first row, the scales and the codes. At the end may be more than was
    /// asked for.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u64, &[f32], &[i8])> {
        (0..)
            .step_by(BLOCK)
            .zip(&self.blocks)
            .map(|(first, block)| (first, &block.scales[..], &block.codes[..]))
    }
}

/// Appends rows.
#[derive(Debug)]
pub(super) struct RowAppender {
    exact: Appender,
    small: Appender,
    dimensions: usize,
}

impl RowAppender {
    /// Goes on behind the committed rows.
    pub(super) fn new(rows: &Rows, committed: u64) -> Self {
        Self {
            exact: Appender::new(rows.exact.clone(), committed * exact_bytes(rows.dimensions)),
            small: Appender::new(rows.small.clone(), committed * small_bytes(rows.dimensions)),
            dimensions: rows.dimensions,
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.exact.length() / exact_bytes(self.dimensions)
    }

    /// Appends vectors that stand one behind the other, and gives the row of the first.
    pub(super) fn append(&mut self, vectors: &[f32]) -> Result<u64, IndexError> {
        let first = self.rows();
        let mut exact = Vec::with_capacity(size_of_val(vectors));
        let mut small =
            Vec::with_capacity(vectors.len() + vectors.len() / self.dimensions * size_of::<f32>());
        for vector in vectors.chunks_exact(self.dimensions) {
            exact.extend(vector.iter().flat_map(|component| component.to_le_bytes()));
            let Quantised { scale, codes } = Quantised::new(vector);
            small.extend(scale.to_le_bytes());
            small.extend(codes.into_iter().map(i8::cast_unsigned));
        }
        self.exact.append(&exact)?;
        self.small.append(&small)?;
        Ok(first)
    }

    pub(super) fn sync(&mut self) -> Result<(), IndexError> {
        self.exact.sync()?;
        self.small.sync()
    }
}

fn exact_bytes(dimensions: usize) -> u64 {
    (dimensions * size_of::<f32>()) as u64
}

fn small_bytes(dimensions: usize) -> u64 {
    (size_of::<f32>() + dimensions) as u64
}

/// The name of the file of exact rows.
pub(super) fn exact_name(generation: u64) -> String {
    format!("vectors-{generation}.f32")
}

/// The name of the file of small rows.
pub(super) fn small_name(generation: u64) -> String {
    format!("vectors-{generation}.i8")
}
