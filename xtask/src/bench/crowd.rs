//! Many clients at once: each on its own thread with its own connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::client::{Client, Target};

/// Connects `clients` clients, then lets each do `act` again and again until it was done `count` times by
/// all together or the time is over. Returns what came of it, and how long it took.
pub fn run<T: Send>(
    target: &Target,
    clients: usize,
    count: usize,
    limit: Duration,
    act: impl Fn(&mut Client) -> Result<T> + Sync,
) -> Result<(Vec<T>, Duration)> {
    let connected = (0..clients).map(|_| Client::connect(target.clone())).collect::<Result<Vec<_>>>()?;
    let left = AtomicUsize::new(count);
    let began = Instant::now();
    let done = thread::scope(|scope| {
        let workers: Vec<_> = connected
            .into_iter()
            .map(|mut client| {
                let (left, act) = (&left, &act);
                scope.spawn(move || {
                    let mut done = Vec::new();
                    while began.elapsed() < limit && take_one(left) {
                        done.push(act(&mut client)?);
                    }
                    Ok::<_, anyhow::Error>(done)
                })
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for worker in workers {
            all.extend(worker.join().ok().context("a client panicked")??);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    Ok((done, began.elapsed()))
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let left = AtomicUsize::new(2);
        assert_eq!([take_one(&left), take_one(&left), take_one(&left)], [true, true, false]);
    }
}
