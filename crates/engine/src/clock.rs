//! The time of day, which never goes backwards within one process.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::Millis;

/// A clock. When the system's clock is set back, this one stands still until the other has caught up, so
/// that no step ends before it began.
#[derive(Debug, Default)]
pub struct Clock {
    latest: AtomicI64,
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Millis {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        self.observe(system)
    }

    /// Now, in seconds: what the wire shows.
    pub fn seconds(&self) -> i64 {
        self.now() / 1000
    }

    fn observe(&self, system: Millis) -> Millis {
        self.latest.fetch_max(system, Ordering::Relaxed).max(system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let clock = Clock::default();
        assert_eq!(clock.observe(5_000), 5_000);
        assert_eq!(clock.observe(1_000), 5_000);
        assert_eq!(clock.observe(6_000), 6_000);
    }
}
