//! The real binary, serving from a data directory, with the stub as its model.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::header::HeaderValue;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::client::{self, Client, Target};

/// How long it may take to answer for the first time, or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two attempts to reach a service that is starting.
const PAUSE: Duration = Duration::from_micros(250);

/// A running service. It ends with this value.
pub struct Service {
    process: Child,
    data: PathBuf,
    address: SocketAddr,
    /// From its execution to its first answer.
    pub answered_after: Duration,
    /// What it says itself about the time that it needed, in milliseconds.
    pub says_ready_after: f64,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl Service {
    /// Starts it and waits for its first answer over HTTPS.
    pub fn start(binary: &Path, data: &Path, model: SocketAddr) -> Result<Self> {
        Self::start_with(binary, data, model, "")
    }

    /// The same, with more in its configuration.
    pub fn start_with(binary: &Path, data: &Path, model: SocketAddr, more: &str) -> Result<Self> {
        let config = data.with_extension("toml");
        let text = configuration(model) + "\n" + more;
        fs::write(&config, text).context("the configuration cannot be written")?;
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.arg("up").arg("--data").arg(data).arg("--config").arg(&config);
        command.args(["--listen", &address.to_string()]);
        // What is set in this terminal must not choose another model or another place.
        command.env_clear().env("HOME", data).stdin(Stdio::null()).stdout(Stdio::piped());

        let began = Instant::now();
        let process = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let data = data.to_owned();
        // From here on dropping the value ends the process.
        let mut service =
            Self { process, data, address, answered_after: Duration::ZERO, says_ready_after: 0.0 };
        service.until_answer(began)?;
        service.answered_after = began.elapsed();
        let stdout = service.process.stdout.take().context("the service's output is lost")?;
        service.says_ready_after = read_banner(stdout)?;
        Ok(service)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What a client needs to know, with a token from the service's own identity endpoint.
    pub fn target(&self) -> Result<Target> {
        let mut target = self.anonymous()?;
        let secret = fs::read_to_string(self.data.join("identity/header.secret"))
            .context("the identity header cannot be read")?;
        let answer = Client::connect(target.clone())?.get_with(
            "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fai.azure.com",
            ("x-identity-header", secret.trim()),
        )?;
        let token: Token = serde_json::from_slice(&answer).context("the service gave no token")?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.access_token))?;
        bearer.set_sensitive(true);
        target.bearer = Some(bearer);
        Ok(target)
    }

    /// Ends it as an operator would.
    pub fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)
            .context("the service cannot be told to stop")?;
        let limit = Instant::now() + PATIENCE;
        while Instant::now() < limit {
            match self.process.try_wait().context("the service's end cannot be observed")? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("after SIGTERM the service ended with {status}"),
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
        bail!("the service was still running {} s after SIGTERM", PATIENCE.as_secs())
    }

    fn anonymous(&self) -> Result<Target> {
        let tls = client::trust(&self.data.join("tls/ca.pem"))?;
        Ok(Target { address: self.address, tls: Some(tls), bearer: None })
    }

    fn until_answer(&mut self, began: Instant) -> Result<()> {
        loop {
            let answer =
                self.anonymous().and_then(Client::connect).and_then(|mut client| client.get("/healthz"));
            let error = match answer {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.process.try_wait().context("the service cannot be observed")? {
                bail!("the service ended while it started, with {status}");
            }
            if began.elapsed() > PATIENCE {
                return Err(error.context("the service did not answer in time"));
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and nothing to report.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(model: SocketAddr) -> String {
    format!(
        "[store]\ndurability = \"full\"\n\n[models]\ndiscover = false\ndefault = \"stub\"\n\n\
         [models.providers.stub]\nkind = \"openai\"\nbase_url = \"http://{model}/v1\"\n"
    )
}

/// An address that was free a moment ago; the clients have to know it before the service says it.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    listener.local_addr().context("no free port")
}

/// The time in the first line, as in `Cupola 1.2.3 is ready (45 ms)`. Then keeps reading, so that the
/// service never blocks.
fn read_banner(stdout: ChildStdout) -> Result<f64> {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let first =
        lines.find(|line| line.contains("is ready")).context("the service never said that it is ready")?;
    thread::spawn(move || lines.for_each(drop));
    millis_of_banner(&first).with_context(|| format!("the service's first line has no time in it: {first}"))
}

fn millis_of_banner(line: &str) -> Option<f64> {
    let (_, behind) = line.rsplit_once('(')?;
    behind.split_once(" ms)")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_says_how_long_the_start_took() {
        assert_eq!(millis_of_banner("Cupola 0.1.0 is ready (45 ms)"), Some(45.0));
        assert_eq!(millis_of_banner("Cupola 0.1.0 is ready"), None);
    }
}
