//! Durations of the same thing, and their percentiles.

use std::time::Duration;

/// Durations in milliseconds; negative where something came earlier than expected.
#[derive(Default)]
pub struct Samples {
    millis: Vec<f64>,
}

impl Samples {
    /// One more.
    pub fn push(&mut self, duration: Duration) {
        self.push_millis(duration.as_secs_f64() * 1e3);
    }

    /// One more, in milliseconds.
    pub fn push_millis(&mut self, millis: f64) {
        self.millis.push(millis);
    }

    /// Puts them in order; percentiles are read from that.
    pub fn ordered(mut self) -> Ordered {
        self.millis.sort_by(f64::total_cmp);
        Ordered { millis: self.millis }
    }
}

/// Durations in order.
pub struct Ordered {
    millis: Vec<f64>,
}

impl Ordered {
    /// The duration that `percent` of all do not exceed, in milliseconds; NaN if there are none.
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.millis.len() as f64).ceil() as usize;
        self.millis.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() {
        let mut samples = Samples::default();
        (1..=100).rev().for_each(|value| samples.push_millis(f64::from(value)));
        let ordered = samples.ordered();
        assert_eq!(ordered.percentile(50.0), 50.0);
        assert_eq!(ordered.percentile(99.0), 99.0);
        assert_eq!(ordered.percentile(100.0), 100.0);
        assert_eq!(ordered.percentile(0.0), 1.0);
    }

    #[test]
    fn no_samples_have_no_percentile() {
        assert!(Samples::default().ordered().median().is_nan());
    }
}
