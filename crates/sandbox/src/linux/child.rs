//! A sandbox that was started, and the watch over its end.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::{
    io::unix::AsyncFd,
    net::{TcpListener, unix::pipe},
    sync::watch,
};

use super::{
    cgroup::Groups,
    door::Door,
    kernel,
    trace::{self, Trace},
};

/// What a start brings.
pub(crate) struct Started {
    pub known: Known,
    pub shared: Option<OwnedFd>,
    pub keeper: Option<std::process::Child>,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub groups: Groups,
    pub by_oci_runtime: bool,
    pub warnings: Vec<String>,
}

/// What is known of a first process before it becomes the program.
pub(crate) struct Known {
    process: Pid,
    watch: OwnedFd,
    door: Door,
    listeners: Vec<std::net::TcpListener>,
    started: u64,
}

impl Known {
    /// Looks a process up that waits to become the program, and listens inside of its network.
    pub(crate) fn of(process: Pid, kept: Option<Door>, ports: &[u16]) -> io::Result<Self> {
        let watch = rustix::process::pidfd_open(process, PidfdFlags::empty())?;
        let door = kept.map_or_else(|| Door::of_process(process), Ok)?;
        let listeners = ports.iter().map(|port| door.listen(*port)).collect::<io::Result<_>>()?;
        let gone = || io::Error::other("the first process ended");
        let started = trace::started(process).ok_or_else(gone)?;
        Ok(Self { process, watch, door, listeners, started })
    }
}

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, where the program ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it ended because it wanted more memory than it may have.
    pub out_of_memory: bool,
}

/// A sandbox that was started. When it is dropped, the sandbox ends.
#[derive(Debug)]
pub struct Child {
    trace: Trace,
    watch: Arc<AsyncFd<OwnedFd>>,
    door: Door,
    listeners: Vec<TcpListener>,
    exit: watch::Receiver<Option<Exit>>,
    asked_to_end: Arc<AtomicBool>,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    warnings: Vec<String>,
    shared: Option<OwnedFd>,
}

impl Child {
    /// Takes a start over. Whatever happens, the process is waited for and its groups are removed.
    pub(crate) fn watch(started: Started) -> io::Result<Self> {
        let Started { known, shared, keeper, stdout, stderr, groups, by_oci_runtime, warnings } = started;
        let Known { process, watch, door, listeners, started } = known;
        let watch = Arc::new(kernel::watch_readable(watch)?);
        let (ended, exit) = watch::channel(None);
        let asked_to_end = Arc::new(AtomicBool::new(false));
        let child = Self {
            trace: Trace { process: process.as_raw_nonzero().get(), started, groups: groups.folders() },
            watch: Arc::clone(&watch),
            door,
            listeners: listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<_>>()?,
            exit,
            asked_to_end: Arc::clone(&asked_to_end),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
            warnings,
            shared,
        };
        tokio::spawn(async move {
            let mut exit = wait(&watch, by_oci_runtime).await;
            let by_itself = !asked_to_end.load(Ordering::Acquire) && exit.code != Some(0);
            exit.out_of_memory =
                by_itself && groups.was_out_of_memory(exit.signal == Some(Signal::KILL.as_raw()));
            if let Some(keeper) = keeper {
                dismiss(keeper);
            }
            drop(groups);
            ended.send_replace(Some(exit));
        });
        Ok(child)
    }

    /// What is left of it if this process is killed, and how to find it.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Becomes `Some` when everything in the sandbox has ended.
    pub fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    /// The way into its network.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// What could not be had, in sentences.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The listeners on [`Spec::listen`](crate::Spec::listen), in that order. Can be taken once.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// What it writes to its standard output. Can be taken once.
    pub fn take_stdout(&mut self) -> Option<pipe::Receiver> {
        self.stdout.take()
    }

    /// What it writes to its standard error. Can be taken once.
    pub fn take_stderr(&mut self) -> Option<pipe::Receiver> {
        self.stderr.take()
    }

    /// The folder that it shares with this process; see [`Spec::shared`](crate::Spec::shared). It is a path to
    /// look things up below, and what is there is the sandbox's: it may be anything. Can be taken once.
    pub fn take_shared(&mut self) -> Option<OwnedFd> {
        self.shared.take()
    }

    /// Tells the program to stop what it does (SIGINT). One that does not care is not disturbed.
    pub fn interrupt(&self) {
        if self.cares_for(Signal::INT) {
            self.signal(Signal::INT);
        }
    }

    /// Asks the program to end (SIGTERM). A program that does not care would be ended by that, were it not
    /// the first process of its namespace, which the kernel spares; so it is ended at once.
    pub fn terminate(&self) {
        self.asked_to_end.store(true, Ordering::Release);
        self.signal(if self.cares_for(Signal::TERM) { Signal::TERM } else { Signal::KILL });
    }

    /// Ends everything in the sandbox.
    pub fn kill(&self) {
        self.asked_to_end.store(true, Ordering::Release);
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // If it has ended, there is nobody to signal.
        let _ = rustix::process::pidfd_send_signal(self.watch.get_ref(), signal);
    }

    /// Whether the first process handles a signal, or keeps it waiting to fetch it.
    fn cares_for(&self, signal: Signal) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.trace.process)).unwrap_or_default();
        let bit = 1_u64 << (signal.as_raw() - 1);
        status
            .lines()
            .filter_map(|line| line.strip_prefix("SigCgt:").or_else(|| line.strip_prefix("SigBlk:")))
            .filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .any(|mask| mask & bit != 0)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn wait(watch: &AsyncFd<OwnedFd>, by_oci_runtime: bool) -> Exit {
    let exited =
        || match rustix::process::waitid(WaitId::PidFd(watch.get_ref().as_fd()), WaitIdOptions::EXITED) {
            Ok(Some(status)) => exit_of(status, by_oci_runtime),
            _ => Exit::default(),
        };
    // Readable means that it can be waited for without waiting.
    let _ = watch.readable().await;
    exited()
}

fn exit_of(status: WaitIdStatus, by_oci_runtime: bool) -> Exit {
    let exit = Exit { code: status.exit_status(), signal: status.terminating_signal(), out_of_memory: false };
    match exit.code {
        // An OCI runtime ends as the program did, and tells signals as shells do.
        Some(code) if by_oci_runtime && code > 128 => Exit { code: None, signal: Some(code - 128), ..exit },
        _ => exit,
    }
}

fn dismiss(mut keeper: std::process::Child) {
    // It waits to be asked for sockets, of a network in which nobody is left.
    let _ = keeper.kill();
    let _ = keeper.wait();
}
