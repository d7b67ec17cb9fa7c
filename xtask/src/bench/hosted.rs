//! Programs that use the hosted agent: they deploy it as a code package, ask it through the service or
//! directly, and stop and delete its sessions.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::agent::{self, ANSWER, CHORE, STREAMED};
use super::client::{Client, Target};
use super::flow::BASE;

/// The name of the agent.
const NAME: &str = "bench";
/// The program in the code package.
const PROGRAM: &str = "agent";
/// What separates the parts of the form; no program contains it by accident.
const BOUNDARY: &str = "bench-0f3d8a5c71e94b26";
/// How long the service may take to try the version.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two questions whether it has.
const PAUSE: Duration = Duration::from_millis(10);
/// Where the agent itself answers.
pub const DIRECTLY: &str = "/responses";

#[derive(Deserialize)]
struct Version {
    version: String,
    status: String,
}

/// Where the agent answers through the service.
pub fn path() -> String {
    format!("{BASE}/agents/{NAME}/endpoint/protocols/openai/v1/responses")
}

/// A question to the agent in a session.
pub fn question(session: &str) -> String {
    format!(r#"{{"input":"What is the capital of France?","agent_session_id":"{session}"}}"#)
}

/// The same, with a streamed answer.
pub fn streamed_question(session: &str) -> String {
    format!(r#"{{"input":"What is the capital of France?","agent_session_id":"{session}",{STREAMED}}}"#)
}

/// Creates the agent from a code package with this program in it, and waits until it can be used.
pub fn deploy(client: &mut Client) -> Result<()> {
    let versions = format!("{BASE}/agents/{NAME}/versions");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let answer = client.post_form(&versions, &kind, form(&package()?))?;
    let mut made: Version = serde_json::from_slice(&answer).context("no version")?;
    let path = format!("{versions}/{}", made.version);
    let began = Instant::now();
    loop {
        let answer = client.get(&path)?;
        made = serde_json::from_slice(&answer).context("no version")?;
        match made.status.as_str() {
            "active" => return Ok(()),
            "creating" => {}
            other => bail!("the hosted agent is {other}: {}", String::from_utf8_lossy(&answer)),
        }
        ensure!(began.elapsed() < PATIENCE, "the hosted agent is not active after {} s", PATIENCE.as_secs());
        thread::sleep(PAUSE);
    }
}

/// Asks in a session, which begins if there is none, and checks that the agent's answer arrived.
pub fn ask(client: &mut Client, path: &str, session: &str) -> Result<()> {
    let answer = client.post(path, question(session))?;
    ensure!(answer == ANSWER, "the agent answered {}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// Asks for a streamed answer, and says how long its first event was on its way from the agent.
pub fn relay(client: &mut Client, path: &str, session: &str) -> Result<Duration> {
    let mut relayed = None;
    client.stream(path, streamed_question(session), |event| {
        let now = agent::now();
        let written = agent::written_at(event);
        relayed = relayed.or(written.map(|written| now.saturating_sub(written)));
    })?;
    relayed.context("the agent streamed no event that says when it was written")
}

/// Stops the sandbox of a session.
pub fn stop(client: &mut Client, session: &str) -> Result<()> {
    client.post(&format!("{BASE}/agents/{NAME}/endpoint/sessions/{session}:stop"), "{}").map(drop)
}

/// Deletes a session with its sandbox.
pub fn delete(client: &mut Client, session: &str) -> Result<()> {
    client.delete(&format!("{BASE}/agents/{NAME}/endpoint/sessions/{session}")).map(drop)
}

/// A zip file with this program in it.
fn package() -> Result<Vec<u8>> {
    let program = env::current_exe().context("this program does not know where it is")?;
    let program = fs::read(&program).with_context(|| format!("{} cannot be read", program.display()))?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(PROGRAM, stored.unix_permissions(0o755)).context("no code package")?;
    zip.write_all(&program).context("no code package")?;
    Ok(zip.finish().context("no code package")?.into_inner())
}

fn form(package: &[u8]) -> Vec<u8> {
    let metadata = format!(
        "{{\"definition\":{{\"kind\":\"hosted\",\"cpu\":\"1\",\"memory\":\"1Gi\",\
         \"protocol_versions\":[{{\"protocol\":\"responses\",\"version\":\"2.0.0\"}}],\
         \"code_configuration\":{{\"runtime\":\"python_3_13\",\
         \"entry_point\":[\"./{PROGRAM}\",\"{CHORE}\"],\"dependency_resolution\":\"bundled\"}}}}}}"
    );
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
         Content-Type: application/json\r\n\r\n{metadata}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"code\"; filename=\"code.zip\"\r\n\
         Content-Type: application/zip\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    [head.as_bytes(), package, tail.as_bytes()].concat()
}

/// The same agent as a plain process. It ends with this value.
pub struct Plain {
    process: Child,
    address: SocketAddr,
}

impl Plain {
    /// Starts it and waits until it listens.
    pub fn start() -> Result<Self> {
        let program = env::current_exe().context("this program does not know where it is")?;
        let mut command = Command::new(program);
        command.arg(CHORE).env_clear().env("PORT", "0").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().context("the agent cannot be started")?;
        let stdout = process.stdout.take();
        // From here on dropping the value ends the process.
        let mut plain = Self { process, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut line = String::new();
        BufReader::new(stdout.context("the agent's output is lost")?).read_line(&mut line)?;
        plain.address = line.trim().parse().context("the agent did not say where it listens")?;
        Ok(plain)
    }

    /// A connection to it.
    pub fn connect(&self) -> Result<Client> {
        Client::connect(Target { address: self.address, tls: None, bearer: None })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and nothing to report.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_form_holds_the_definition_as_json() {
        let form = String::from_utf8(form(b"zip")).unwrap();
        let json = form.lines().find(|line| line.starts_with('{')).unwrap();
        let metadata: serde_json::Value = serde_json::from_str(json).unwrap();
        let code = &metadata["definition"]["code_configuration"];
        assert_eq!(code["entry_point"], serde_json::json!(["./agent", "hosted-agent"]));
    }

    #[test]
    fn questions_are_json_and_only_one_asks_for_a_stream() {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&question("s"))["stream"], serde_json::Value::Null);
        assert_eq!(read(&streamed_question("s"))["stream"], true);
        assert_eq!(read(&question("s"))["agent_session_id"], "s");
    }
}
