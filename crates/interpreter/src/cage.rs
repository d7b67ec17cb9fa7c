//! Kernels in sandboxes of this machine: the system read-only, a folder of their own, no network, and limits.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use cupola_sandbox::{Bind, Child, Limits, Root, Runner, Shared, Spec};
use tokio::time::timeout;

use crate::{
    environment::{Environment, FONTS},
    folder::Folder,
    runtime::{Room, Runtime, Size, StartFault, Started},
    traces::{Remembered, Traces},
};

/// What runs in the cage.
const KERNEL: &str = include_str!("kernel.py");
const KERNEL_PLACE: &str = "/opt/cupola/kernel.py";
/// Where its files are.
const DATA: &str = "/mnt/data";
/// The port of the cage's own loopback on which the service listens.
const PORT: u16 = 8765;
/// How many files and folders there may be.
const MOST_FILES: u64 = 20_000;
/// What may be written to /tmp.
const SCRATCH: u64 = 128 * 1024 * 1024;
/// Its user.
const USER: &str = "sandbox";
/// How long a process may take until it connects. It imports what most code begins with before.
const CONNECT: Duration = Duration::from_secs(60);
/// Ranges of user numbers, as far from those of hosted agents as from those of people.
const FIRST_ID: u32 = 0x6000_0000;
const RANGE: u32 = 0x1_0000;
const RANGES: u32 = 0x1000;

/// What of this machine a kernel sees: programs and libraries, and nothing that says who uses it.
const VISIBLE: &[&str] = &[
    "/bin",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/lib",
    "/lib32",
    "/lib64",
    "/sbin",
    "/usr",
];

/// Starts kernels in sandboxes.
pub struct Cage {
    environment: PathBuf,
    traces: Traces,
    started: AtomicU32,
}

impl Cage {
    /// Kernels in the environment in this folder; it need not be there yet. `traces` is where is remembered what
    /// was started.
    pub fn open(environment: PathBuf, traces: PathBuf) -> std::io::Result<Self> {
        Ok(Self { environment, traces: Traces::open(traces)?, started: AtomicU32::new(0) })
    }
}

#[async_trait]
impl Runtime for Cage {
    async fn start(&self, size: Size) -> Result<Started, StartFault> {
        let environment = Environment::open(&self.environment)?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let spec = spec(&environment, number, size);
        let name = spec.name.clone();
        let mut child = cupola_sandbox::spawn(spec).await.map_err(failed)?;
        let trace = self.traces.keep(&name, child.trace()).map_err(failed)?;
        for warning in child.warnings() {
            tracing::debug!(name, warning, "a sandbox has less than it should have");
        }
        let (folder, output) = child.take_shared().zip(child.take_stdout()).ok_or_else(lost)?;
        let listener = child.take_listeners().pop().ok_or_else(lost)?;
        let mut room = CageRoom { child, _trace: trace };
        let connected = tokio::select! {
            connected = timeout(CONNECT, listener.accept()) => connected,
            _ = room.ended() => {
                let said = first_words(&output);
                return Err(StartFault::Failed(format!("Python ended at once. It said: {said}")));
            }
        };
        let (channel, _) = connected
            .map_err(|_| StartFault::Failed(format!("it was not ready after {} s.", CONNECT.as_secs())))?
            .map_err(failed)?;
        channel.set_nodelay(true).map_err(failed)?;
        let folder = Folder::new(folder, size.disk, usize::try_from(MOST_FILES).unwrap_or(usize::MAX));
        Ok(Started { room: Box::new(room), channel: Box::new(channel), output, folder })
    }

    fn check(&self) -> Result<(), StartFault> {
        Environment::open(&self.environment)?;
        Ok(())
    }
}

fn first_words(output: &tokio::net::unix::pipe::Receiver) -> String {
    let mut said = [0; 4096];
    let length = output.try_read(&mut said).unwrap_or(0);
    let said = String::from_utf8_lossy(&said[..length]);
    said.lines().next_back().unwrap_or("nothing").to_owned()
}

fn spec(environment: &Environment, number: u32, size: Size) -> Spec {
    let name = format!("code-{number}");
    let folder = environment.folder();
    let visible = VISIBLE.iter().map(PathBuf::from).filter(|path| path.symlink_metadata().is_ok());
    Spec {
        files: files(&name),
        name,
        root: Root::Host(visible.chain(environment.outside_of_system()).collect()),
        binds: vec![Bind { from: folder.into(), to: folder.into(), writable: false }],
        shared: Some(Shared { to: DATA.into(), bytes: size.disk, files: MOST_FILES }),
        command: [environment.python().as_path(), Path::new("-I"), Path::new(KERNEL_PLACE)]
            .map(|part| part.display().to_string())
            .into(),
        environment: variables(environment, size),
        folder: DATA.into(),
        user: USER.to_owned(),
        listen: vec![PORT],
        limits: Limits {
            cpu_millis: size.cpu_millis,
            memory_bytes: size.memory,
            processes: size.processes,
            disk_bytes: SCRATCH,
        },
        first_id: FIRST_ID + number % RANGES * RANGE,
        runner: Runner::Builtin,
    }
}

fn files(name: &str) -> BTreeMap<PathBuf, String> {
    let users = format!("root:x:0:0:root:/:/usr/sbin/nologin\n{USER}:x:1000:1000::{DATA}:/bin/sh\n");
    let hosts = format!("127.0.0.1\tlocalhost {name}\n");
    [
        (KERNEL_PLACE, KERNEL.to_owned()),
        ("/etc/passwd", users),
        ("/etc/group", format!("root:x:0:\n{USER}:x:1000:\n")),
        ("/etc/hosts", hosts),
    ]
    .map(|(path, text)| (path.into(), text))
    .into()
}

fn variables(environment: &Environment, size: Size) -> BTreeMap<String, String> {
    let threads = size.cpu_millis.div_ceil(1000).to_string();
    let programs = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", environment.folder().display());
    [
        ("PATH", programs),
        ("HOME", "/tmp".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("MPLBACKEND", "Agg".to_owned()),
        ("MPLCONFIGDIR", "/tmp/matplotlib".to_owned()),
        ("OMP_NUM_THREADS", threads.clone()),
        ("OPENBLAS_NUM_THREADS", threads.clone()),
        ("MKL_NUM_THREADS", threads),
        ("CUPOLA_PORT", PORT.to_string()),
        ("CUPOLA_FONTS", environment.folder().join(FONTS).display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A sandbox.
struct CageRoom {
    child: Child,
    _trace: Remembered,
}

#[async_trait]
impl Room for CageRoom {
    fn interrupt(&self) {
        self.child.interrupt();
    }

    fn end(&self) {
        self.child.kill();
    }

    fn has_ended(&self) -> bool {
        self.child.exit().borrow().is_some()
    }

    async fn ended(&mut self) -> bool {
        let mut exit = self.child.exit();
        let ended = exit.wait_for(Option::is_some).await;
        ended.is_ok_and(|exit| exit.is_some_and(|exit| exit.out_of_memory))
    }

    fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.trace().process);
        let said = fs::read_to_string(path).ok()?;
        let line = said.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
}

fn failed(error: impl std::fmt::Display) -> StartFault {
    StartFault::Failed(error.to_string())
}

fn lost() -> StartFault {
    StartFault::Failed("the sandbox has no way out.".to_owned())
}
