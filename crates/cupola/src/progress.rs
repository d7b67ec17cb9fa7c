//! A progress line for whatever takes longer than a second: on standard error, on a terminal only.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(1);

/// Does the work and says `what` it is for as long as it takes.
pub async fn during<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(PATIENCE, &mut work).await {
        return done;
    }
    // It draws on standard error, and not at all where that is no terminal.
    let line = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        line.set_style(style);
    }
    line.enable_steady_tick(Duration::from_millis(100));
    let done = work.await;
    line.finish_and_clear();
    done
}

/// A line that says how far something is. Where standard error is no terminal, each step is a line of its
/// own.
#[derive(Debug)]
pub struct Steps {
    line: ProgressBar,
    step: &'static str,
}

impl Steps {
    /// Nothing is done yet.
    pub fn new() -> Self {
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            line.set_style(style);
        }
        line.enable_steady_tick(Duration::from_millis(100));
        Self { line, step: "" }
    }

    /// This is being done; `more` may change while it is.
    pub fn reach(&mut self, step: &'static str, more: &str) {
        if self.line.is_hidden() && self.step != step {
            anstream::eprintln!("{step}{more}");
        }
        self.step = step;
        self.line.set_message(format!("{step}{more}"));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

/// A line that counts through many objects, shown once it takes longer than a second.
#[derive(Debug)]
pub struct Count {
    line: ProgressBar,
    began: Instant,
}

impl Count {
    /// None is counted yet.
    pub fn of(what: &'static str, all: usize) -> Self {
        let line = ProgressBar::hidden().with_message(what);
        line.set_length(all as u64);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}/{len} ({elapsed})") {
            line.set_style(style);
        }
        Self { line, began: Instant::now() }
    }

    /// The next object's turn.
    pub fn next(&self) {
        if self.line.is_hidden() && self.began.elapsed() > PATIENCE {
            self.line.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.line.inc(1);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
