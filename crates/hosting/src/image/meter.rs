//! How far a pull is, over all layers of it.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::{Progress, ProgressSink};

/// Adds up what the layers' downloads report.
pub(super) struct Meter<'a> {
    sink: &'a dyn ProgressSink,
    total: u64,
    layers: usize,
    done: AtomicI64,
    layers_done: AtomicUsize,
}

impl<'a> Meter<'a> {
    /// Of layers that have so many bytes in all.
    pub fn begin(sink: &'a dyn ProgressSink, total: u64, layers: usize) -> Self {
        let meter = Self { sink, total, layers, done: AtomicI64::new(0), layers_done: AtomicUsize::new(0) };
        meter.report();
        meter
    }

    /// So many bytes more are here; less than none where a download begins anew.
    pub fn received(&self, bytes: i64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.report();
    }

    /// A layer is here, and about to be unpacked. That is worth telling once there is nothing left to fetch.
    pub fn unpacking(&self) {
        let layers_done = self.layers_done.fetch_add(1, Ordering::Relaxed) + 1;
        match layers_done >= self.layers {
            true => self.sink.report(Progress::Unpacking),
            false => self.report(),
        }
    }

    fn report(&self) {
        self.sink.report(Progress::Pulling {
            done: u64::try_from(self.done.load(Ordering::Relaxed)).unwrap_or(0),
            total: Some(self.total),
            layers_done: self.layers_done.load(Ordering::Relaxed),
            layers: self.layers,
        });
    }
}
