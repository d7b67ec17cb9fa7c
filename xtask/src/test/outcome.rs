//! How many tests passed and how many failed.

use std::fmt;
use std::ops::AddAssign;

use anyhow::Result;

/// The count of a step, or of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Tests and checks that passed.
    pub passed: u64,
    /// Tests and checks that failed.
    pub failed: u64,
}

impl Outcome {
    /// A step that only prepares others has nothing to count.
    pub const NONE: Self = Self { passed: 0, failed: 0 };
    /// One check that passed.
    pub const SUCCESS: Self = Self { passed: 1, failed: 0 };
    /// One check that failed.
    pub const FAILURE: Self = Self { passed: 0, failed: 1 };

    /// One check, from how it ended. What went wrong is printed.
    pub fn of(ended: Result<()>) -> Self {
        match ended {
            Ok(()) => Self::SUCCESS,
            Err(error) => {
                println!("error: {error:#}");
                Self::FAILURE
            }
        }
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
