//! Processor time and memory, as the kernel counts them under `/proc`.
//! Threads of this process are told apart by their names: the model, the echo server, the rest.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{baseline, stub};

/// The places of two times in `/proc/PID/stat`.
const OWN: usize = 11;
const CHILDREN: usize = 13;

/// Processor time so far.
#[derive(Clone, Copy)]
pub struct Reading {
    at: Instant,
    server: Duration,
    own: Duration,
    /// By programs that this one has started and that have ended.
    children: Duration,
    stub: Duration,
    echo: Duration,
    machine: Duration,
}

/// Processor time between two readings.
pub struct Spent {
    /// How long it took.
    pub elapsed: Duration,
    /// By the service.
    pub server: Duration,
    /// By the clients, which are this process without the next two.
    pub client: Duration,
    /// By the model.
    pub stub: Duration,
    /// By the echo server.
    pub echo: Duration,
    /// By everybody else, as a share of the machine.
    pub others: f64,
}

impl Reading {
    /// Now. `server` is the service's process, if there is one.
    pub fn now(server: Option<u32>) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            server: server.map_or(Ok(Duration::ZERO), |pid| of_stat(&format!("/proc/{pid}/stat")))?,
            own: of_stat("/proc/self/stat")?,
            children: of_ended_children()?,
            stub: of_own_threads(stub::THREAD)?,
            echo: of_own_threads(baseline::ECHO_THREAD)?,
            machine: of_machine()?,
        })
    }

    /// What was spent since `earlier`.
    pub fn since(&self, earlier: &Self) -> Spent {
        let elapsed = self.at - earlier.at;
        let server = self.server.saturating_sub(earlier.server);
        let own = self.own.saturating_sub(earlier.own);
        let stub = self.stub.saturating_sub(earlier.stub);
        let echo = self.echo.saturating_sub(earlier.echo);
        let children = self.children.saturating_sub(earlier.children);
        let machine = self.machine.saturating_sub(earlier.machine);
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let others = machine.saturating_sub(server + own + children);
        Spent {
            elapsed,
            server,
            client: own.saturating_sub(stub + echo),
            stub,
            echo,
            others: others.as_secs_f64() / (elapsed.as_secs_f64() * cores),
        }
    }
}

/// The memory that a process occupies, in MiB.
pub fn resident_mib(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().context("VmRSS is no number")?;
    Ok(kib / 1024.0)
}

fn of_own_threads(name: &str) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task").context("/proc/self/task cannot be read")? {
        let task = task.context("/proc/self/task cannot be read")?.path();
        // A thread may end while the list is read.
        let Ok(comm) = fs::read_to_string(task.join("comm")) else { continue };
        if comm.trim_end() == name
            && let Ok(spent) = of_stat(&task.join("stat").to_string_lossy())
        {
            total += spent;
        }
    }
    Ok(total)
}

fn of_stat(path: &str) -> Result<Duration> {
    let text = fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    ticks_of_stat(&text, OWN).map(ticks).with_context(|| format!("{path} has another form than expected"))
}

fn of_ended_children() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat").context("/proc/self/stat cannot be read")?;
    ticks_of_stat(&text, CHILDREN).map(ticks).context("/proc/self/stat has another form than expected")
}

/// Behind the name, which may hold blanks and brackets, `utime` and `stime` are the 12th and 13th field, and those of
/// children come next.
fn ticks_of_stat(text: &str, first: usize) -> Option<u64> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(first).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn of_machine() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat cannot be read")?;
    ticks_of_machine(&text).map(ticks).context("/proc/stat has another form than expected")
}

/// All but idle and waiting for input and output; guests are part of user already.
fn ticks_of_machine(text: &str) -> Option<u64> {
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = fields.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7];
    Some(busy.iter().filter_map(|index| times.get(*index)).sum())
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_behind_any_name() {
        let stat = "7 (odd) name) S 1 7 7 0 -1 4194560 500 0 0 0 12 34 5 6 20 0 1 0 99 1000 200";
        assert_eq!(ticks_of_stat(stat, OWN), Some(46));
        assert_eq!(ticks_of_stat(stat, CHILDREN), Some(11));
    }

    #[test]
    fn idle_time_is_not_busy_time() {
        let stat = "cpu  100 1 20 9999 8888 3 2 4 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(ticks_of_machine(stat), Some(130));
    }
}
