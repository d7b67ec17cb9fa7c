//! What was measured: numbers, each with what it should be and what it is compared with.

use std::collections::BTreeMap;

use serde::Serialize;

/// One number.
#[derive(Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it should be.
    pub target: Option<Target>,
    /// What it is compared with.
    pub baseline: Option<Baseline>,
}

/// What a number should be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

/// Something that does less, measured in the same run.
#[derive(Serialize)]
pub struct Baseline {
    /// What it is.
    pub name: &'static str,
    /// Its number, in the unit of the figure.
    pub value: f64,
}

impl Figure {
    /// A number on its own.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, target: None, baseline: None }
    }

    /// It should be `limit` or less.
    pub fn at_most(mut self, limit: f64) -> Self {
        self.target = Some(Target::AtMost(limit));
        self
    }

    /// It should be `limit` or more.
    pub fn at_least(mut self, limit: f64) -> Self {
        self.target = Some(Target::AtLeast(limit));
        self
    }

    /// It is compared with this.
    pub fn beside(mut self, name: &'static str, value: f64) -> Self {
        self.baseline = Some(Baseline { name, value });
        self
    }

    /// How far it is from its target: 1 is on it, below 1 is better.
    pub fn to_target(&self) -> Option<f64> {
        match self.target? {
            // It may be nothing, which divides nothing.
            Target::AtMost(limit) if self.value == limit => Some(1.0),
            Target::AtMost(limit) => Some(self.value / limit),
            Target::AtLeast(limit) => Some(limit / self.value),
        }
    }

    /// The number as a multiple of its baseline.
    pub fn to_baseline(&self) -> Option<f64> {
        self.baseline.as_ref().map(|baseline| self.value / baseline.value)
    }
}

/// Numbers that belong together.
#[derive(Serialize)]
pub struct Section {
    /// What they are about.
    pub title: &'static str,
    /// The numbers, the most important first.
    pub figures: Vec<Figure>,
    /// The share of the machine that other programs used meanwhile, where that is known.
    pub others: Option<f64>,
    /// What else is to be said, such as why there are no numbers.
    pub note: Option<String>,
}

/// Everything.
#[derive(Serialize)]
pub struct Report {
    /// Whether it was the short form.
    pub quick: bool,
    /// Where and with what it was measured.
    pub machine: BTreeMap<&'static str, String>,
    /// What was measured.
    pub sections: Vec<Section>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_one_is_better_for_limits_of_both_kinds() {
        assert_eq!(Figure::new("latency", 1.5, "ms").at_most(3.0).to_target(), Some(0.5));
        assert_eq!(Figure::new("rate", 2000.0, "/s").at_least(1000.0).to_target(), Some(0.5));
        assert_eq!(Figure::new("plain", 1.0, "ms").to_target(), None);
    }

    #[test]
    fn nothing_is_on_a_target_of_nothing_and_anything_misses_it() {
        let to_target = |value| Figure::new("idle", value, "ms").at_most(0.0).to_target();
        assert_eq!(to_target(0.0), Some(1.0));
        assert_eq!(to_target(0.1), Some(f64::INFINITY));
    }

    #[test]
    fn a_baseline_is_divided_by() {
        assert_eq!(Figure::new("call", 3.0, "ms").beside("echo", 1.5).to_baseline(), Some(2.0));
    }
}
