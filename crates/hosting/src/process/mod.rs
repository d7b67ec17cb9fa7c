//! Code packages as plain processes of this machine, for development: at once, with no isolation at all.

mod record;
mod running;

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    net::TcpListener,
    process::Command,
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use self::{record::Record, running::Running};
use crate::{
    Code, Exit, Failure, LogBook, LogStream, Mount, Prepared, Program, Progress, ProgressSink, Runtime,
    Sandbox, SandboxSpec, Source,
};

/// The longest line that is read as one.
const LONGEST_LINE: usize = 64 * 1024;

/// How long the last words of a program that has ended may take to come.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs code packages as processes of this machine.
#[derive(Debug)]
pub struct ProcessRuntime {
    records: PathBuf,
}

impl ProcessRuntime {
    /// A runtime that remembers in this folder what it has started.
    pub fn open(records: PathBuf) -> std::io::Result<Self> {
        fs::create_dir_all(&records)?;
        Ok(Self { records })
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn name(&self) -> &'static str {
        "process"
    }

    async fn prepare(&self, source: &Source, progress: &dyn ProgressSink) -> Result<Prepared, Failure> {
        let program = program_of(source)?;
        if program.entry_point.is_empty() {
            return Err(Failure::new(Code::CodeError, "The code package has no entry point to start."));
        }
        progress.report(Progress::Present { cached: true });
        let digest = program.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Prepared { source: source.clone(), digest })
    }

    async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Result<Arc<dyn Sandbox>, Failure> {
        let program = program_of(&prepared.source)?;
        let port = free_port().await.map_err(|error| unavailable("no free port was found", &error))?;
        let [command, arguments @ ..] = &program.entry_point[..] else {
            return Err(Failure::new(Code::CodeError, "The code package has no entry point to start."));
        };
        let mut child = Command::new(command)
            .args(arguments)
            .current_dir(&program.folder)
            // What the service's own environment holds is none of its business.
            .env_clear()
            .envs(["PATH", "LANG", "TZ"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(spec.environment.iter().map(|(name, value)| (name, as_seen(value, &spec.mounts))))
            .env("HOME", &spec.home)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let message = format!("'{command}' can't be started: {error}.");
                Failure::new(Code::CodeError, message)
            })?;
        spec.logs.add(LogStream::Platform, b"Runs as a plain process: without isolation and without limits.");
        let record = child.id().and_then(|pid| Record::of(pid, &spec.id));
        let record = record.ok_or_else(|| Failure::new(Code::CodeError, "The program ended at once."))?;
        if let Err(error) = record.keep(&self.records) {
            tracing::warn!(%error, "a process is not remembered; it stays if this service is killed");
        }
        let output = [
            follow(child.stdout.take(), LogStream::Stdout, &spec.logs),
            follow(child.stderr.take(), LogStream::Stderr, &spec.logs),
        ];

        let (exit, news) = watch::channel(None);
        let records = self.records.clone();
        let id = spec.id.clone();
        tokio::spawn(async move {
            let ended = child.wait().await;
            // Its last words come before the news of its end; what it has started may keep its output open.
            let _ = timeout(LAST_WORDS, futures_util::future::join_all(output)).await;
            Record::forget(&records, &id);
            exit.send_replace(Some(ended.map(exit_of).unwrap_or_default()));
        });
        Ok(Arc::new(Running { port, record, exit: news }))
    }

    fn address_of_service(&self, service: SocketAddr) -> String {
        service.to_string()
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        let found = Record::all(&self.records);
        let found = found.map_err(|error| unavailable("what ran before can't be read", &error))?;
        let mut ended = Vec::new();
        for record in found {
            if record.end() {
                ended.push(record.id.clone());
            }
            Record::forget(&self.records, &record.id);
        }
        Ok(ended)
    }

    async fn forget(&self, _: &Prepared) -> Result<(), Failure> {
        Ok(())
    }
}

fn program_of(source: &Source) -> Result<&Program, Failure> {
    match source {
        Source::Code(program) => Ok(program),
        Source::Image(image) => Err(Failure::new(
            Code::CapabilityHostNotFound,
            format!(
                "The image {} can't be run: this service runs hosted agents as plain processes \
                 (hosting.runtime = \"process\"), which works for code packages only.",
                image.reference
            ),
        )),
    }
}

/// A process sees no mounts: a variable that names one names what is behind it.
fn as_seen<'a>(value: &'a str, mounts: &'a [Mount]) -> &'a OsStr {
    let mount = mounts.iter().find(|mount| mount.to == Path::new(value));
    mount.map_or(OsStr::new(value), |mount| mount.from.as_os_str())
}

async fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port())
}

fn unavailable(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Code::SandboxUnavailable, format!("The sandbox could not be started: {what}: {error}."))
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    Exit { code: status.code(), signal: status.signal(), out_of_memory: false }
}

/// Brings lines into the log until the program closes its end.
fn follow(
    output: Option<impl AsyncRead + Send + Unpin + 'static>,
    stream: LogStream,
    logs: &Arc<LogBook>,
) -> JoinHandle<()> {
    let logs = Arc::clone(logs);
    tokio::spawn(async move {
        let Some(output) = output else { return };
        let mut lines = BufReader::with_capacity(LONGEST_LINE, output);
        loop {
            let Ok(available) = lines.fill_buf().await else { return };
            if available.is_empty() {
                return;
            }
            // A line that is too long to wait for is taken in pieces.
            let mut line = Vec::new();
            if tokio::io::AsyncReadExt::take(&mut lines, LONGEST_LINE as u64)
                .read_until(b'\n', &mut line)
                .await
                .is_err()
            {
                return;
            }
            logs.add(stream, &line);
        }
    })
}
