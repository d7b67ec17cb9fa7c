//! The real binary on a data directory: started, killed and started again on the same port.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a start or an end may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The builtin model's script. Every answer takes a moment, so that a kill can come in the middle of it.
const SCRIPT: &str = r"
rules:
  - when: { user: { regex: '^plain (\w+)' } }
    then: { say: 'A plain answer to {{1}}.', delay: { first: 5ms, between: 3ms } }

  - when: { user: { regex: '^ask (\w+)' }, tools: [lookup] }
    then: { call: { name: lookup, arguments: { key: '{{1}}' } }, delay: { first: 5ms } }
  - when: { user: { regex: '^ask (\w+)' }, tool_output: { name: lookup } }
    then: { say: 'Looked up: {{tool_output}}', delay: { first: 5ms, between: 3ms } }

  - when: { user: { regex: '^both (\w+)' }, tools: [lookup, measure] }
    then:
      call:
        - { name: lookup, arguments: { key: '{{1}}' } }
        - { name: measure, arguments: { key: '{{1}}' } }
      delay: { first: 5ms }
  - when: { user: { regex: '^both (\w+)' }, tool_output: { name: lookup } }
    then: { say: 'Looked up: {{tool_output}}', delay: { first: 5ms } }

  - when: { user: slow }
    then: { say: one two three four five six seven eight nine ten, delay: { between: 150ms } }

  - when: { user: ponder }
    then: { reason: let me think of it, say: one two three four, delay: { between: 150ms } }

otherwise: { say: Done. }
";

/// A running server. It is killed when this is dropped.
pub struct Server {
    child: Child,
    data: PathBuf,
    listen: String,
}

impl Server {
    /// Starts on any free port.
    pub fn start(data: &Path) -> Self {
        Self::start_on(data, "127.0.0.1:0")
    }

    /// Starts on an address and returns once it serves there.
    pub fn start_on(data: &Path, listen: &str) -> Self {
        // The configuration lies beside the data directory: a full disk must not touch it.
        let settings = data.with_extension("settings");
        fs::create_dir_all(&settings).unwrap();
        let script = settings.join("script.yaml");
        fs::write(&script, SCRIPT).unwrap();
        let config = settings.join("cupola.toml");
        fs::write(
            &config,
            format!(
                "[runs]\ndrain_grace = \"200ms\"\n[models]\ndiscover = false\ndefault = \"scripted\"\n\
                 [models.providers.scripted]\nkind = \"builtin\"\nscript = {script:?}\n"
            ),
        )
        .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_cupola"))
            .args(["up", "--listen", listen, "--data"])
            .arg(data)
            .arg("--config")
            .arg(&config)
            .env_clear()
            .env("CUPOLA_LOG", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut server = Self { child, data: data.to_owned(), listen: listen.to_owned() };
        server.listen = server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) -> String {
        let began = Instant::now();
        loop {
            let serving = fs::read(self.data.join("serving.json")).ok();
            let serving = serving.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            if let Some(serving) = serving.filter(|serving| serving["pid"] == self.child.id()) {
                return serving["listen"].as_str().unwrap().to_owned();
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended before it served: {status}");
            }
            assert!(began.elapsed() < PATIENCE, "the server is not ready after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `ADDRESS:PORT`.
    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as an init system does, and says how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the server still runs {PATIENCE:?} after SIGTERM");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
