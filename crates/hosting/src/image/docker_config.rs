//! The Docker configuration file, where `docker login` and its like keep what registries are told.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use base64::Engine as _;
use serde::Deserialize;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use super::Credentials;
use crate::{Code, Failure};

/// How long a credential helper may take. One that asks its user something has nobody to ask.
const HELPER_PATIENCE: Duration = Duration::from_secs(15);

/// The name that means "the secret is an identity token".
const TOKEN_USER: &str = "<token>";

/// A Docker configuration file, which need not exist. It is read anew each time, so that a `docker login` is
/// seen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    file: PathBuf,
    helpers: Option<OsString>,
}

#[derive(Default, Deserialize)]
struct Contents {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

#[derive(Deserialize)]
struct Helped {
    #[serde(rename = "Username")]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl DockerConfig {
    /// The file of this user: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    pub fn of_this_user() -> Option<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let folder = match set("DOCKER_CONFIG") {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(&set("HOME")?).join(".docker"),
        };
        Some(Self::at(folder.join("config.json")))
    }

    /// This file.
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), helpers: None }
    }

    /// Finds credential helpers in these folders (as in `PATH`), and not in those of this process.
    #[must_use]
    pub fn with_helpers_in(self, path: impl Into<OsString>) -> Self {
        Self { helpers: Some(path.into()), ..self }
    }

    /// What `registry` is told, by its name as in `docker.io` or `localhost:5000`.
    pub async fn credentials(&self, registry: &str) -> Result<Credentials, Failure> {
        let contents = self.read()?;
        let key = contents.key_of(registry);
        let helper =
            contents.helpers.iter().find(|(name, _)| is_of(name, registry)).map(|(_, helper)| helper);
        if let Some(helper) = helper.or(contents.store.as_ref()).filter(|helper| !helper.is_empty())
            && let Some(found) = self.ask(helper, key).await?
        {
            return Ok(found);
        }
        match contents.auths.get(key) {
            Some(entry) => {
                entry.read().ok_or_else(|| self.failure(format!("its entry for {key} is damaged")))
            }
            None => Ok(Credentials::Anonymous),
        }
    }

    fn read(&self) -> Result<Contents, Failure> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(error) => return Err(self.failure(error.to_string())),
        };
        // What serde says could quote a secret.
        serde_json::from_slice(&text).map_err(|error| {
            self.failure(format!(
                "line {}, column {}: not what is expected there",
                error.line(),
                error.column()
            ))
        })
    }

    /// Runs `docker-credential-HELPER get`. `None` if it knows nothing of the registry.
    async fn ask(&self, helper: &str, key: &str) -> Result<Option<Credentials>, Failure> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !helper.bytes().all(is_plain) {
            return Err(self.failure("a credential helper's name has characters that none has"));
        }
        let program = format!("docker-credential-{helper}");
        let about = |what: String| self.failure(format!("{program}: {what}"));
        let answer = match timeout(HELPER_PATIENCE, self.run(&program, key)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(about("it is not installed".into()));
            }
            Ok(Err(error)) => return Err(about(error.to_string())),
            Err(_) => return Err(about(format!("no answer within {} s", HELPER_PATIENCE.as_secs()))),
        };
        if !answer.status.success() {
            // Helpers have no other way of saying this. Their words may hold secrets and are not passed on.
            let unknown = String::from_utf8_lossy(&answer.stdout).contains("credentials not found");
            return if unknown { Ok(None) } else { Err(about(format!("it failed: {}", answer.status))) };
        }
        let helped: Helped =
            serde_json::from_slice(&answer.stdout).map_err(|_| about("it answered no JSON".into()))?;
        Ok(Some(match helped.user.as_str() {
            TOKEN_USER => Credentials::Identity(helped.secret),
            _ => Credentials::Basic { user: helped.user, password: helped.secret },
        }))
    }

    async fn run(&self, program: &str, key: &str) -> io::Result<std::process::Output> {
        let mut command = Command::new(self.find(program).ok_or(io::ErrorKind::NotFound)?);
        command
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read its input says why by its exit code.
            let _ = input.write_all(format!("{key}\n").as_bytes()).await;
        }
        child.wait_with_output().await
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        let path = self.helpers.clone().or_else(|| env::var_os("PATH"))?;
        env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
    }

    fn failure(&self, what: impl fmt::Display) -> Failure {
        let file = self.file.display();
        Failure::new(
            Code::ImagePullBackOff,
            format!(
                "The registry's credentials can't be read from the Docker configuration file {file}: {what}."
            ),
        )
    }
}

impl Contents {
    /// The key under which the file has a registry, or would have it.
    fn key_of<'a>(&'a self, registry: &'a str) -> &'a str {
        let keys = || self.auths.keys().chain(self.helpers.keys());
        let exact = keys().find(|key| *key == registry);
        let key = exact.or_else(|| keys().find(|key| is_of(key, registry))).map(String::as_str);
        key.unwrap_or(if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry })
    }
}

/// Keys come as hosts and as addresses, and Docker's own registry has three names.
fn is_of(key: &str, registry: &str) -> bool {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = key.split('/').next().unwrap_or(key);
    match host {
        "index.docker.io" | "registry-1.docker.io" => registry == "docker.io",
        _ => host.eq_ignore_ascii_case(registry),
    }
}

impl Entry {
    /// `None` if it is damaged.
    fn read(&self) -> Option<Credentials> {
        let some = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        if let Some(token) = some(&self.identitytoken) {
            return Some(Credentials::Identity(token));
        }
        if let Some(token) = some(&self.registrytoken) {
            return Some(Credentials::Bearer(token));
        }
        if let Some(auth) = some(&self.auth) {
            let decoded = base64::engine::general_purpose::STANDARD.decode(auth.trim()).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (user, password) = decoded.split_once(':')?;
            let password = password.trim_end_matches('\0');
            return Some(Credentials::Basic { user: user.to_owned(), password: password.to_owned() });
        }
        Some(match (some(&self.username), some(&self.password)) {
            (Some(user), Some(password)) => Credentials::Basic { user, password },
            _ => Credentials::Anonymous,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;

    /// A configuration file, and credential helpers beside it that are shell scripts.
    fn written(contents: &Value, helpers: &[(&str, &str)]) -> (TempDir, DockerConfig) {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("config.json"), contents.to_string()).unwrap();
        for (name, script) in helpers {
            let file = folder.path().join(format!("docker-credential-{name}"));
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let config = DockerConfig::at(folder.path().join("config.json")).with_helpers_in(folder.path());
        (folder, config)
    }

    fn basic(user: &str, password: &str) -> Credentials {
        Credentials::Basic { user: user.into(), password: password.into() }
    }

    #[tokio::test]
    async fn no_file_means_nobody() {
        let config = DockerConfig::at("/nowhere/config.json");
        assert_eq!(config.credentials("r.io").await.unwrap(), Credentials::Anonymous);
    }

    #[tokio::test]
    async fn a_login_is_found_under_every_form_of_its_key() {
        let entry = |name: &str| json!({"auth": STANDARD.encode(format!("{name}:pass:word\0"))});
        let (_folder, config) = written(
            &json!({"auths": {
                "https://index.docker.io/v1/": entry("hub"),
                "r.io": entry("bare"),
                "https://s.io/v2/": entry("address"),
                "localhost:5000": {"username": "plain", "password": "p"},
                "token.io": {"identitytoken": "idt"},
                "bearer.io": {"registrytoken": "rt"},
                "empty.io": {},
            }}),
            &[],
        );
        for (registry, expected) in [
            ("docker.io", basic("hub", "pass:word")),
            ("r.io", basic("bare", "pass:word")),
            ("s.io", basic("address", "pass:word")),
            ("localhost:5000", basic("plain", "p")),
            ("token.io", Credentials::Identity("idt".into())),
            ("bearer.io", Credentials::Bearer("rt".into())),
            ("empty.io", Credentials::Anonymous),
            ("localhost:5001", Credentials::Anonymous),
        ] {
            assert_eq!(config.credentials(registry).await.unwrap(), expected, "{registry}");
        }
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_its_registry() {
        let answer = r#"read key; echo "{\"ServerURL\":\"$key\",\"Username\":\"of $key\",\"Secret\":\"s\"}""#;
        let token = r#"echo '{"Username":"<token>","Secret":"idt"}'"#;
        let unknown = "echo 'credentials not found in native keychain'; exit 1";
        let (_folder, config) = written(
            &json!({
                "credsStore": "all",
                "credHelpers": {"r.io": "token", "t.io": "unknown"},
                "auths": {"t.io": {"username": "u", "password": "p"}},
            }),
            &[("all", answer), ("token", token), ("unknown", unknown)],
        );
        assert_eq!(config.credentials("r.io").await.unwrap(), Credentials::Identity("idt".into()));
        assert_eq!(config.credentials("s.io").await.unwrap(), basic("of s.io", "s"));
        assert_eq!(
            config.credentials("docker.io").await.unwrap(),
            basic("of https://index.docker.io/v1/", "s")
        );
        assert_eq!(config.credentials("t.io").await.unwrap(), basic("u", "p"));
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_without_secrets() {
        let helpers = json!({
            "credHelpers": {"a.io": "missing", "b.io": "fails", "c.io": "../evil", "d.io": "babbles"},
            "auths": {"e.io": {"auth": "hunter2"}},
        });
        let scripts = [("fails", "echo hunter2; exit 3"), ("babbles", "echo hunter2")];
        let (_folder, config) = written(&helpers, &scripts);
        for (registry, what) in [
            ("a.io", "docker-credential-missing: it is not installed"),
            ("b.io", "it failed: exit status: 3"),
            ("c.io", "characters that none has"),
            ("d.io", "it answered no JSON"),
            ("e.io", "its entry for e.io is damaged"),
        ] {
            let failure = config.credentials(registry).await.unwrap_err();
            assert_eq!(failure.code, Code::ImagePullBackOff);
            assert!(failure.message.contains(what), "{failure}");
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
        let (_folder, config) = written(&json!({"auths": {"r.io": "hunter2"}}), &[]);
        let failure = config.credentials("r.io").await.unwrap_err();
        assert!(failure.message.contains("line 1") && !failure.message.contains("hunter2"), "{failure}");
        assert!(!format!("{:?}", basic("user", "hunter2")).contains("hunter2"));
    }
}
