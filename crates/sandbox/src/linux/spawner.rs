//! Starting a sandbox, from the side of the service.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    sync::{OnceLock, mpsc},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions};

use super::{
    cgroup::{self, Groups},
    channel::{self, Go, Order, Report},
    child::{Child, Known, Started},
    door::{self, Door},
    helper::ASKED,
};
use crate::{
    StartError,
    spec::{Runner, Spec},
};

/// A start takes some milliseconds. A machine that is this slow has another problem.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a sandbox. When this returns, the program runs.
pub async fn spawn(spec: Spec) -> Result<Child, StartError> {
    let started = tokio::task::spawn_blocking(move || start(spec));
    let started = started.await.map_err(|error| StartError::machine("Starting a sandbox", error))??;
    Child::watch(started).map_err(|error| StartError::machine("Watching a sandbox", error))
}

fn start(spec: Spec) -> Result<Started, StartError> {
    let group = cgroup::name(&spec.name);
    let by_oci_runtime = matches!(spec.runner, Runner::Oci(_));
    let (groups, warnings) = Groups::make(&group, &spec.limits, by_oci_runtime);
    let (ours, theirs) =
        UnixStream::pair().map_err(|error| StartError::machine("Making a channel", error))?;
    ours.set_read_timeout(Some(PATIENCE))
        .and_then(|()| ours.set_write_timeout(Some(PATIENCE)))
        .map_err(|error| StartError::machine("Making a channel", error))?;
    let helper = start_helper(theirs).map_err(|error| StartError::machine("Starting the helper", error))?;
    let mut attempt = Attempt { helper: Some(helper), process: None, warnings };
    match attempt.carry_out(&ours, &groups, group, spec) {
        Ok(met) => {
            Ok(Started { groups, by_oci_runtime, warnings: std::mem::take(&mut attempt.warnings), ..met })
        }
        Err(_) if groups.was_out_of_memory(true) => {
            Err(StartError::Machine("The memory limit of the sandbox is too small to start it.".into()))
        }
        Err(error) => Err(error),
    }
}

/// A start under way. What it has started is gone when it is dropped, unless it was taken over.
struct Attempt {
    helper: Option<std::process::Child>,
    process: Option<Pid>,
    warnings: Vec<String>,
}

impl Attempt {
    fn carry_out(
        &mut self,
        channel: &UnixStream,
        groups: &Groups,
        group: String,
        spec: Spec,
    ) -> Result<Started, StartError> {
        let told = |error: io::Error| StartError::machine("Talking to the helper", error);
        let gone = || StartError::Machine("The helper ended before the sandbox was started.".into());
        let helper = self.helper.as_mut().ok_or_else(gone)?;
        groups
            .add(helper.id())
            .map_err(|error| StartError::machine("Putting the sandbox under its limits", error))?;
        let (stdout, stderr) = helper.stdout.take().zip(helper.stderr.take()).ok_or_else(gone)?;
        let privileged = rustix::process::geteuid().is_root();
        let ports = spec.listen.clone();
        let shares = spec.shared.is_some();
        let order = Order { spec, privileged, group, processes_are_counted: groups.count_processes() };
        channel::send(channel, &order).map_err(told)?;
        let kept = if privileged { None } else { Some(self.receive_door(channel)?) };
        let kept = kept.map(Door::kept);
        let (known, shared) = self.listen(channel, kept, &ports, shares)?;
        self.process = None;
        let keeper = self.helper.take_if(|_| !privileged);
        Ok(Started {
            known,
            shared,
            keeper,
            stdout: stdout.into(),
            stderr: stderr.into(),
            groups: Groups::default(),
            by_oci_runtime: false,
            warnings: Vec::new(),
        })
    }

    /// Where the helper fails before it hands the door out, it says why in its place.
    fn receive_door(&mut self, channel: &UnixStream) -> Result<UnixStream, StartError> {
        match door::receive_descriptor(channel) {
            Ok(door) => Ok(door.into()),
            Err(error) => Err(StartError::machine("Receiving the door of the sandbox", error)),
        }
    }

    /// Hears the helper out, and lets the program start once it is known and watched.
    fn listen(
        &mut self,
        channel: &UnixStream,
        kept: Option<Door>,
        ports: &[u16],
        shares: bool,
    ) -> Result<(Known, Option<OwnedFd>), StartError> {
        let told = |error: io::Error| StartError::machine("Talking to the first process", error);
        let mut known = None;
        let mut shared = None;
        while let Some(report) = channel::receive(channel).map_err(told)? {
            match report {
                Report::Process(number) => self.process = Pid::from_raw(number),
                Report::Warning(warning) => self.warnings.push(warning),
                Report::Failed(failure) => return Err(failure),
                Report::Ready => {
                    let process = self.wait_for_its_number(channel).map_err(told)?;
                    known = Some(Known::of(process, kept.clone(), ports).map_err(told)?);
                    channel::send(channel, &Go).map_err(told)?;
                    if shares {
                        shared = Some(door::receive_descriptor(channel).map_err(told)?);
                    }
                }
            }
        }
        let known = known.ok_or_else(|| {
            StartError::Machine("The first process ended before the program was started.".into())
        })?;
        Ok((known, shared))
    }

    /// The two processes of the helper speak independently, so the second may be ready before the first has
    /// said its number.
    fn wait_for_its_number(&mut self, channel: &UnixStream) -> io::Result<Pid> {
        loop {
            if let Some(process) = self.process {
                return Ok(process);
            }
            match channel::receive(channel)? {
                Some(Report::Process(number)) => self.process = Pid::from_raw(number),
                _ => return Err(io::Error::other("the helper did not say its number")),
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // It is a child that nobody else waits for, so its number is still its own.
            let _ = rustix::process::kill_process(process, Signal::KILL);
            let _ = rustix::process::waitpid(Some(process), WaitOptions::empty());
        }
        if let Some(mut helper) = self.helper.take() {
            // After a success it ends by itself; to make sure does no harm.
            let _ = helper.kill();
            let _ = helper.wait();
        }
    }
}

type Reply = mpsc::Sender<io::Result<std::process::Child>>;

/// Starts the helper from the one thread that starts all of them. The kernel tells a process of its parent's
/// death when the very thread ends that started it, and this thread ends with the service.
fn start_helper(channel: UnixStream) -> io::Result<std::process::Child> {
    static STARTER: OnceLock<mpsc::Sender<(UnixStream, Reply)>> = OnceLock::new();
    let starter = match STARTER.get() {
        Some(starter) => starter,
        None => {
            let starter = starter_thread()?;
            STARTER.get_or_init(|| starter)
        }
    };
    let (reply, started) = mpsc::channel();
    starter.send((channel, reply)).map_err(io::Error::other)?;
    started.recv().map_err(io::Error::other)?
}

fn starter_thread() -> io::Result<mpsc::Sender<(UnixStream, Reply)>> {
    let (sender, orders) = mpsc::channel::<(UnixStream, Reply)>();
    std::thread::Builder::new().name("sandbox-starter".into()).spawn(move || {
        for (channel, reply) in orders {
            // Whoever asked waits for the answer.
            let _ = reply.send(helper_command(channel).spawn());
        }
    })?;
    Ok(sender)
}

fn helper_command(channel: UnixStream) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(ASKED).env_clear().current_dir("/");
    command.stdin(OwnedFd::from(channel)).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
