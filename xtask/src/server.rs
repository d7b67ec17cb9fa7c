//! A running service with its data in a temporary directory, for suites that only bring a client.
//! It listens on a free loopback port and tells its clients everything by environment variables.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process;
use crate::workspace::Workspace;

/// How long a service may take to stop once it is told to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Variables that begin so would send a client elsewhere, or configure the service behind the suite's back.
const MISLEADING: [&str; 5] = ["AZURE_", "CUPOLA_", "IDENTITY_", "MSI_", "OPENAI_"];

/// A service that ends with this value.
pub struct Server {
    process: Child,
    environment: BTreeMap<String, String>,
    data: TempDir,
}

impl Server {
    /// Starts the service that the SDK suites are written for and waits until it listens.
    pub fn start(workspace: &Workspace) -> Result<Self> {
        let data = tempfile::tempdir().context("no temporary directory for the service's data")?;
        let binary = workspace.binary();
        let mut up = Command::new(&binary);
        up.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
        up.current_dir(workspace.root.join("tests/sdk")).args(["--config", "cupola.toml"]);
        let mut process = sanitized(&mut up)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let ready = process.stdout.take().context("the service's output is lost").and_then(wait_until_ready);
        // From here on dropping the value ends the process.
        let mut server = Self { process, environment: BTreeMap::new(), data };
        ready?;
        let mut env = Command::new(&binary);
        env.args(["env", "--shell", "json", "--data"]).arg(server.data.path());
        server.environment = serde_json::from_str(&process::output(sanitized(&mut env))?)
            .context("`cupola env --shell json` printed no JSON object of strings")?;
        Ok(server)
    }

    /// Gives a client the service's environment and nothing that leads elsewhere.
    pub fn apply<'c>(&self, client: &'c mut Command) -> &'c mut Command {
        sanitized(client).envs(&self.environment)
    }

    /// Ends the service as an operator would, and fails if it does not end well.
    pub fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM).context("the service cannot be told to stop")?;
        let limit = Instant::now() + STOP_LIMIT;
        while Instant::now() < limit {
            match self.process.try_wait().context("the service's end cannot be observed")? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("after SIGTERM the service ended with {status}"),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
        bail!("the service was still running {} s after SIGTERM", STOP_LIMIT.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and nothing to report.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Removes what would lead a service or a client away from the loopback interface.
fn sanitized(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if MISLEADING.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost")
}

/// Reads the service's first words up to its address, then keeps reading so that it never blocks.
fn wait_until_ready(stdout: ChildStdout) -> Result<()> {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let mut words = String::new();
    for line in lines.by_ref() {
        if line.contains("https://") {
            thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        words.push_str(&line);
        words.push('\n');
    }
    bail!("the service ended before it printed its address\n{words}")
}
