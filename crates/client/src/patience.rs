//! Waiting for what the service does in its own time. It tells nobody when it is done, so it is asked again and
//! again: at the pace that it names, else less and less often.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Error, Result};

/// How something is waited for that the service does in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long in all; ten minutes by default.
    pub deadline: Duration,
    /// How long until the second look; 100 ms by default. Then twice as long, and so on.
    pub first_pause: Duration,
    /// The longest pause; two seconds by default.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(600),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Patience {
    /// The pauses between looks, from now on.
    pub(crate) fn begin(self) -> Pauses {
        Pauses { patience: self, began: Instant::now(), next: self.first_pause }
    }
}

/// The pauses between looks at one thing.
#[derive(Debug)]
pub(crate) struct Pauses {
    patience: Patience,
    began: Instant,
    next: Duration,
}

impl Pauses {
    /// Waits until the next look: as long as the service says, where it does. An error where the deadline has
    /// passed, with what is waited for and where it stands.
    pub(crate) async fn pause(&mut self, pace: Option<Duration>, id: &str, status: &str) -> Result<()> {
        let left = self.patience.deadline.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return Err(Error::Deadline {
                id: id.to_owned(),
                status: status.to_owned(),
                after: self.patience.deadline,
            });
        }
        sleep(pace.unwrap_or(self.next).min(left)).await;
        self.next = (self.next * 2).min(self.patience.longest_pause);
        Ok(())
    }
}
