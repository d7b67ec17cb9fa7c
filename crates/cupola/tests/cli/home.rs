//! A home directory of its own for each test, and the binary run in it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
};

use cupola_client::{AgentsClient, ClientOptions, ProjectClient};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A home directory with a configuration that finds nothing on this machine and takes a free port.
pub struct Home {
    directory: tempfile::TempDir,
}

/// What a command that has ended left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A server that runs until it is dropped.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub said: String,
}

impl Home {
    pub fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.configure("listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\n");
        home
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join(".local/share/cupola")
    }

    pub fn configure(&self, toml: &str) {
        fs::write(self.path().join("cupola.toml"), toml).unwrap();
    }

    /// Lets a script answer for every model.
    pub fn script(&self, yaml: &str) {
        fs::write(self.path().join("script.yaml"), yaml).unwrap();
        self.configure(
            "listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\ndefault = \"scripted\"\n\
             [models.providers.scripted]\nkind = \"builtin\"\nscript = \"script.yaml\"\n",
        );
    }

    /// Puts a file into the directory where the commands run.
    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The binary with nothing of this process's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cupola"));
        command.args(arguments).current_dir(self.path()).env_clear().env("HOME", self.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments))
    }

    /// Runs a command that reads this text from its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that ends before it has read everything closes the pipe, which is fine.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Runs a command that must succeed, and gives its output.
    pub fn output_of(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Runs a command with `--json` that must succeed, and reads its output.
    pub fn json_of(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.output_of(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Starts a server and waits until it says the last line of its greeting.
    pub fn serve(&self) -> Server {
        self.start(&["up"], "cupola env")
    }

    /// Starts a command that goes on, and reads what it says up to a line with `last` in it.
    pub fn start(&self, arguments: &[&str], last: &str) -> Server {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, out, said: String::new() };
        while !server.said.contains(last) {
            let read = server.out.read_line(&mut server.said).unwrap();
            assert_ne!(read, 0, "it ended before it said {last:?}: {}", server.said);
        }
        server
    }

    /// A client of the older API for the server that runs here.
    pub fn client(&self) -> AgentsClient {
        self.project().classic()
    }

    /// A client for the server that runs here.
    pub fn project(&self) -> ProjectClient {
        let variables: Value = serde_json::from_str(&self.output_of(&["env", "--shell", "json"])).unwrap();
        let variable = |name: &str| variables[name].as_str().map(str::to_owned);
        ProjectClient::from_variables(variable, ClientOptions::default()).unwrap()
    }
}

impl Ended {
    pub fn of(mut command: Command) -> Self {
        Self::from(command.stdin(Stdio::null()).output().unwrap())
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Server {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Reads what else it says, until it has ended.
    pub fn wait(mut self) -> (ExitStatus, String) {
        self.out.read_to_string(&mut self.said).unwrap();
        (self.child.wait().unwrap(), std::mem::take(&mut self.said))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already can't be killed, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
