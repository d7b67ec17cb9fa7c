//! How far a pull is, over all layers of it.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Progress, ProgressSink};

/// Adds up what the layers' downloads report.
pub(super) struct Meter<'a> {
    sink: &'a dyn ProgressSink,
    total: u64,
    done: AtomicI64,
}

impl<'a> Meter<'a> {
    pub fn new(sink: &'a dyn ProgressSink, total: u64) -> Self {
        Self { sink, total, done: AtomicI64::new(0) }
    }

    /// So many bytes more are here; less than none where a download begins anew.
    pub fn received(&self, bytes: i64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let done = u64::try_from(done).unwrap_or(0);
        self.sink.report(Progress::Pulling { done, total: Some(self.total) });
    }

    /// A layer is about to be unpacked. That is worth telling once there is nothing left to fetch.
    pub fn unpacking(&self) {
        if u64::try_from(self.done.load(Ordering::Relaxed)).is_ok_and(|done| done >= self.total) {
            self.sink.report(Progress::Unpacking);
        }
    }
}
