//! Code packages run on the system of this machine: what of it they see, and which interpreter runs them.

use std::{
    collections::{BTreeMap, HashMap},
    env, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tokio::process::Command;

use crate::{Code, Failure, Program};

/// Who runs code packages.
pub(super) const USER: &str = "session";

/// What programs need of a system. What is not here does not exist for them.
const VISIBLE: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Where the programs of this machine are that a path may name.
const SYSTEM: &str = "/usr";

/// What tells a Python where it is: its program, and the folders it needs.
const WHERE: &str = "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sep='\\n')";

/// What runs a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// The program to start, where it is not the one that the entry point names.
    pub program: Option<String>,
    /// Folders of this machine that it needs, beside the system's.
    pub folders: Vec<PathBuf>,
}

/// The interpreters that were asked where they are. That takes long enough to remember it.
#[derive(Debug, Default)]
pub(super) struct Interpreters(Mutex<HashMap<PathBuf, Interpreter>>);

impl Interpreters {
    /// Finds what runs a code package, and says what is wrong with its entry point.
    pub async fn find(&self, program: &Program) -> Result<Interpreter, Failure> {
        let name = program
            .entry_point
            .first()
            .ok_or_else(|| bad("The code package has no entry point to start."))?;
        if name.contains('/') {
            check_path(&program.folder, name)?;
            return Ok(Interpreter::default());
        }
        let path = which(name)
            .ok_or_else(|| bad(format!("`{name}` is not installed on the machine of this service.")))?;
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&path) {
            return Ok(known.clone());
        }
        let found = if is_python(&path) {
            ask(&path).await.map_err(|error| bad(format!("`{name}` can't be started here: {error}.")))?
        } else if path.starts_with("/usr") {
            Interpreter::default()
        } else {
            Interpreter { program: Some(path.display().to_string()), folders: vec![path.clone()] }
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path, found.clone());
        Ok(found)
    }
}

/// Makes sure that a program that is named by its path is where a sandbox sees it: in the package, or in the
/// system. What comes with a package, or lies where others may have put it, is never started outside of a sandbox.
fn check_path(package: &Path, name: &str) -> Result<(), Failure> {
    let within = if name.starts_with('/') { Path::new(SYSTEM) } else { package };
    let path = package.join(name).canonicalize();
    let is_there = path.is_ok_and(|path| {
        path.is_file() && within.canonicalize().is_ok_and(|within| path.starts_with(within))
    });
    match (is_there, name.starts_with('/')) {
        (true, _) => Ok(()),
        (false, false) => Err(bad(format!("`{name}` is not in the code package."))),
        (false, true) => Err(bad(format!(
            "`{name}` is not among the programs that sandboxes see, which are those below {SYSTEM}."
        ))),
    }
}

/// What of this machine is shown.
pub(super) fn visible(others: Vec<PathBuf>) -> Vec<PathBuf> {
    let shown = VISIBLE.iter().map(PathBuf::from).chain(others);
    shown.filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// The people that a code package knows.
pub(super) fn people() -> BTreeMap<PathBuf, String> {
    let users = format!("root:x:0:0:root:/:/usr/sbin/nologin\n{USER}:x:1000:1000::/home/session:/bin/sh\n");
    let groups = format!("root:x:0:\n{USER}:x:1000:\n");
    [("/etc/passwd", users), ("/etc/group", groups)].map(|(path, text)| (path.into(), text)).into()
}

async fn ask(python: &Path) -> io::Result<Interpreter> {
    let output = Command::new(python).args(["-I", "-c", WHERE]).output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines();
    let program = lines.next().filter(|_| output.status.success()).map(str::to_owned);
    if program.is_none() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let mut folders: Vec<PathBuf> = lines.map(PathBuf::from).collect();
    folders.sort();
    folders.dedup();
    folders.retain(|folder| !["/usr", "/usr/local"].map(Path::new).contains(&folder.as_path()));
    Ok(Interpreter { program, folders })
}

fn is_python(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"python"))
}

fn which(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Code::CodeError, message)
}
