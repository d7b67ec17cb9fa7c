//! The other side: this binary, started again, makes a sandbox and becomes the program in it.
//!
//! There are two steps, since a process can't move into a new process namespace itself. The first process
//! makes the namespaces, starts the second one in them, and ends. The second one is a child of the service;
//! it builds the file system, gives up what it may do, and becomes the program.

use std::{
    env,
    ffi::CString,
    fs::OpenOptions,
    io,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::exit,
};

use rustix::{
    fs::Mode,
    net::{AddressFamily, SocketFlags, SocketType},
    process::Signal,
    thread::{LinkNameSpaceType, UnshareFlags},
};

use super::{
    channel::{self, Go, Order, Report},
    door, identity,
    kernel::{self, Forked},
    oci_config, privileges,
    root::{self, Built},
    syscalls,
};
use crate::{
    StartError,
    spec::{Runner, Spec},
};

/// The name under which the binary is started again.
pub(crate) const ASKED: &str = "__sandbox";

/// Becomes a sandbox, if that is what this process was started for; it does not return then. To be called
/// first in `main`, before there is a second thread.
pub fn enter_if_asked() {
    if env::args_os().nth(1).is_none_or(|name| name != ASKED) {
        return;
    }
    let told = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).map(UnixStream::from);
    let Ok(channel) = told else { exit(2) };
    match first_process(&channel) {
        Ok(None) => exit(0),
        Ok(Some(door)) => {
            drop(channel);
            exit(i32::from(door::keep(&door).is_err()))
        }
        Err(failure) => {
            // If nobody listens any more, there is nobody to tell.
            let _ = channel::send(&channel, &Report::Failed(failure));
            exit(1)
        }
    }
}

/// Returns the door to keep, if somebody has to.
fn first_process(channel: &UnixStream) -> Result<Option<UnixStream>, StartError> {
    let order: Option<Order> =
        channel::receive(channel).map_err(|error| StartError::machine("Reading what to start", error))?;
    // The service went away.
    let Some(order) = order else { return Ok(None) };
    rustix::process::umask(Mode::empty());
    kernel::close_on_exec_from(3).map_err(|error| StartError::machine("Closing descriptors", error))?;
    if !order.privileged {
        identity::enter_own_namespace().map_err(|error| {
            StartError::machine(
                "Making a user namespace (a service that is not root needs a kernel that allows them: \
                 kernel.apparmor_restrict_unprivileged_userns and kernel.unprivileged_userns_clone)",
                error,
            )
        })?;
    }
    kernel::unshare(namespaces(&order.spec.runner))
        .map_err(|error| StartError::machine("Making namespaces", error))?;
    loopback_up().map_err(|error| StartError::machine("Switching the loopback device on", error))?;
    let door = if order.privileged {
        None
    } else {
        Some(door::hand_out(channel).map_err(|error| StartError::machine("Handing the door out", error))?)
    };
    let started = kernel::clone_process(libc::CLONE_PARENT);
    match started.map_err(|error| StartError::machine("Starting the first process", error))? {
        Forked::Child => {
            let failure = second_process(channel, &order);
            let _ = channel::send(channel, &Report::Failed(failure));
            exit(1);
        }
        Forked::Parent(child) => {
            channel::send(channel, &Report::Process(child.as_raw_nonzero().get()))
                .map_err(|error| StartError::machine("Telling the first process", error))?;
            Ok(door)
        }
    }
}

fn namespaces(runner: &Runner) -> UnshareFlags {
    let all = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNET;
    match runner {
        Runner::Builtin => all | UnshareFlags::NEWCGROUP,
        // It makes this one itself, and has to find its own place among the groups of the machine before.
        Runner::Oci(_) => all,
    }
}

fn loopback_up() -> io::Result<()> {
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    kernel::loopback_up(&socket)
}

/// Returns only if it fails.
fn second_process(channel: &UnixStream, order: &Order) -> StartError {
    let become_program = || -> Result<StartError, StartError> {
        let spec = &order.spec;
        let tell = |error: io::Error| StartError::machine("Preparing the process", error);
        rustix::process::setsid().map_err(|error| tell(error.into()))?;
        rustix::system::sethostname(spec.name.as_bytes()).map_err(|error| tell(error.into()))?;
        let mut warn = |text| {
            // If nobody listens any more, that is noticed below.
            let _ = channel::send(channel, &Report::Warning(text));
        };
        let built = root::build(spec, order.privileged, &mut warn)?;
        let counted = if order.processes_are_counted { None } else { Some(spec.limits.processes) };
        match &spec.runner {
            Runner::Builtin => cage(spec, &built, order.privileged, counted, channel),
            Runner::Oci(runtime) => oci_config::hand_over(spec, &built, runtime, &order.group, || {
                no_input()?;
                die_with_parent(channel, &built)
            }),
        }
    };
    become_program().unwrap_or_else(|failure| failure)
}

/// Gives everything up and becomes the program.
fn cage(
    spec: &Spec,
    built: &Built,
    privileged: bool,
    processes: Option<u32>,
    channel: &UnixStream,
) -> Result<StartError, StartError> {
    root::add_kernel_places(built, spec)?;
    root::enter(built)?;
    let step = |what: &'static str| move |error: io::Error| StartError::machine(what, error);
    no_input().map_err(step("Opening /dev/null"))?;
    if let Some(users) = &built.users {
        rustix::thread::move_into_link_name_space(
            std::os::fd::AsFd::as_fd(users),
            Some(LinkNameSpaceType::User),
        )
        .map_err(|error| StartError::machine("Entering the user namespace", error))?;
    }
    privileges::limit(processes).map_err(step("Setting limits"))?;
    privileges::become_user(&built.user, privileged).map_err(step("Becoming the user"))?;
    let program = Program::find(spec)?;
    rustix::process::chdir(&spec.folder).map_err(|error| {
        StartError::Program(format!("The working folder {} can't be entered: {error}", spec.folder.display()))
    })?;
    privileges::drop_capabilities().map_err(step("Giving capabilities up"))?;
    die_with_parent(channel, built).map_err(step("Binding its life to the service's"))?;
    let filters = syscalls::filters().map_err(|error| StartError::machine("Making the filters", error))?;
    for filter in &filters {
        seccompiler::apply_filter(filter)
            .map_err(|error| StartError::machine("Filtering system calls", error))?;
    }
    let error = kernel::execute(&program.path, &program.arguments, &program.environment);
    Ok(StartError::Program(why_not(&spec.command, &error)))
}

/// From here on, the death of the service is the death of this process, and with it of all in its namespace.
fn die_with_parent(channel: &UnixStream, built: &Built) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Had the service died before, that would not be heard of any more: but then nobody answers here.
    channel::send(channel, &Report::Ready)?;
    let go: Option<Go> = channel::receive(channel)?;
    go.ok_or_else(|| io::Error::other("the service is gone"))?;
    // Only now is nobody else speaking, so that the descriptor can't get among the words of another.
    built.shared.as_ref().map_or(Ok(()), |shared| door::send_descriptor(channel, shared))
}

/// What is to be executed, found and checked while that can still be told in full.
struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Program {
    fn find(spec: &Spec) -> Result<Self, StartError> {
        let name = spec.command.first();
        let name = name.ok_or_else(|| StartError::Program("The image names nothing to start.".into()))?;
        let path = find_program(name, &spec.folder, spec.environment.get("PATH").map(String::as_str));
        let path = path.ok_or_else(|| {
            StartError::Program(format!(
                "`{name}` can't be started: there is no such program in the file system of the sandbox."
            ))
        })?;
        let variables = spec.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let text = |text: String| {
            CString::new(text)
                .map_err(|_| StartError::Program("The command or the environment has a NUL in it.".into()))
        };
        Ok(Self {
            path: text(path.to_string_lossy().into_owned())?,
            arguments: spec.command.iter().cloned().map(text).collect::<Result<_, _>>()?,
            environment: variables.map(text).collect::<Result<_, _>>()?,
        })
    }
}

/// The program reads nothing, and its output is the service's already.
fn no_input() -> io::Result<()> {
    let null = OpenOptions::new().read(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdin(&null)?)
}

fn find_program(name: &str, folder: &Path, path: Option<&str>) -> Option<PathBuf> {
    let may_run = |path: &PathBuf| {
        path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(folder.join(name)).filter(|path| path.metadata().is_ok());
    }
    let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(|place| folder.join(place).join(name))
        .find(may_run)
}

fn why_not(command: &[String], error: &io::Error) -> String {
    let name = command.first().map_or("", String::as_str);
    let why = match error.raw_os_error() {
        Some(libc::ENOEXEC) => "it is no program that this machine's processor can run".to_owned(),
        Some(libc::ENOENT) => "the interpreter that it names is not there".to_owned(),
        Some(libc::EACCES) => "its user may not start it".to_owned(),
        _ => error.to_string(),
    };
    format!("`{name}` can't be started: {why}.")
}
