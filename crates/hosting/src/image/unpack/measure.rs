//! Measures what is unpacked while it is read: its digest, and that it does not get too much.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest as _, Sha256};

use super::super::{digest::Digest, manifest::invalid};
use crate::Failure;

/// How many bytes the layers of an image may have together. A few bytes can unpack to very many.
#[derive(Debug)]
pub(in super::super) struct Allowance {
    limit: u64,
    used: AtomicU64,
}

impl Allowance {
    pub fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Takes back what is left: whoever still unpacks comes to an end, and publishes nothing.
    pub fn withdraw(&self) {
        self.used.store(self.limit.saturating_add(1), Ordering::Relaxed);
    }

    /// Fails once more was used than there is.
    pub fn check(&self) -> Result<(), Failure> {
        if self.used.load(Ordering::Relaxed) <= self.limit {
            return Ok(());
        }
        Err(invalid(format!("Unpacked, it has more than {} bytes, which is the limit.", self.limit)))
    }
}

/// Bytes that are hashed and counted on their way.
pub(super) struct Measured<'a, R> {
    bytes: R,
    hasher: Sha256,
    allowance: &'a Allowance,
}

impl<'a, R: Read> Measured<'a, R> {
    pub fn new(bytes: R, allowance: &'a Allowance) -> Self {
        Self { bytes, hasher: Sha256::new(), allowance }
    }

    /// The digest of all that was read.
    pub fn digest(self) -> Digest {
        Digest::finish(self.hasher)
    }
}

impl<R: Read> Read for Measured<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let used = self.allowance.used.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if used > self.allowance.limit {
            return Err(io::Error::other("too much"));
        }
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
