//! Registries that the tests start themselves.

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Who may put images into a registry that is not for everybody.
pub const PUBLISHER: (&str, &str) = ("publisher", "publishes");

/// The publisher's password as the registry keeps it.
const PUBLISHER_HASH: &str = "$2b$04$rXUFAH0gp9LrmYAGR9Xqy.AQw8ckM2rIQZaLn.xoLqRuGHBaAnZna";

/// A registry that ends with this value.
pub struct Registry {
    folder: TempDir,
    process: Child,
    address: String,
}

impl Registry {
    /// One that everybody may use.
    pub fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), "")
    }

    /// One that knows the user `agent` with this password, given as the registry keeps it.
    pub fn start_for_one_user(password_hash: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        fs::write(&users, format!("agent:{password_hash}\n{}:{PUBLISHER_HASH}\n", PUBLISHER.0)).unwrap();
        let auth = format!("auth:\n  htpasswd:\n    realm: tests\n    path: {}\n", users.display());
        Self::start_with(folder, &auth)
    }

    fn start_with(folder: TempDir, auth: &str) -> Self {
        let data = folder.path().join("data");
        let config = folder.path().join("config.yml");
        let storage = format!("storage:\n  filesystem:\n    rootdirectory: {}\n", data.display());
        let text = format!("version: 0.1\nlog:\n  level: info\n{storage}http:\n  addr: 127.0.0.1:0\n{auth}");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("docker-registry is not installed; install the package docker-registry")
            }
            Err(error) => panic!("docker-registry can't be started: {error}"),
        };
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| address_in(&line.unwrap())).unwrap();
        // Somebody has to read on, or the registry stands still.
        std::thread::spawn(move || lines.for_each(drop));
        Self { folder, process, address }
    }

    /// What stands before the slash in the names of its images.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The files of its layers and manifests.
    pub fn blobs(&self) -> Vec<PathBuf> {
        let root = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        let below = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        below(root).flat_map(below).map(|folder| folder.join("data")).collect()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn address_in(line: &str) -> Option<String> {
    let rest = line.split_once("listening on ")?.1;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}
