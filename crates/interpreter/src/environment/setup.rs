//! Making an environment: a virtual environment of an installed Python, and the packages from its index.
//! What an earlier attempt has brought stays, so that the next one goes on where it stopped.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use super::{CARD, Card, Environment, FONTS, PACKAGES, digest, python_in};

/// The oldest Python for which all packages exist.
const OLDEST: (u32, u32) = (3, 11);
/// What tells about a Python.
const WHO: &str = "import sys; print(sys.version_info[0], sys.version_info[1], sys.version_info[2]); \
                   print(sys.base_prefix)";
/// Has everything compiled and the fonts found that code will begin with.
const TRY: &str = "import numpy, pandas, matplotlib.pyplot, openpyxl, PIL.Image; \
                   matplotlib.pyplot.figure().savefig('/dev/null', format='png')";
/// How much of what a program says is repeated.
const LAST_WORDS: usize = 2000;

/// What is to be made.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The Python; the one on `PATH` where none is named.
    pub python: Option<PathBuf>,
    /// Packages beside the usual ones, as pip names them.
    pub packages: Vec<String>,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// All is there already.
    Found,
    /// The virtual environment is made.
    Making,
    /// Packages are fetched and installed; this is what pip says it does.
    Installing(String),
    /// Everything is tried once.
    Trying,
}

/// Why there is no environment now.
#[derive(Debug, thiserror::Error)]
pub enum SetupFault {
    /// There is no usable Python.
    #[error("{0}")]
    Python(String),
    /// A program failed.
    #[error("{what} failed: {said}")]
    Failed {
        /// What was to be done.
        what: &'static str,
        /// What the program said.
        said: String,
    },
    /// The folder can't be written.
    #[error("{} can't be written: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A Python that is installed.
struct Found {
    program: PathBuf,
    version: (u32, u32, u32),
    base: PathBuf,
}

impl Setup {
    /// Makes the environment in this folder, unless it is there. Two at a time wait for each other.
    pub async fn run(&self, folder: &Path, mut tell: impl FnMut(Step)) -> Result<Environment, SetupFault> {
        let unwritable = |error| SetupFault::Folder { folder: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let folder = &folder.canonicalize().map_err(unwritable)?;
        let _turn = lock(folder).await.map_err(unwritable)?;
        let python = self.find().await?;
        let card = self.card(&python);
        if let Ok(environment) = Environment::open(folder)
            && environment.card == card
        {
            tell(Step::Found);
            return Ok(environment);
        }
        // From here on it is not complete.
        match fs::remove_file(folder.join(CARD)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        tell(Step::Making);
        self.make(&python, folder).await?;
        self.install(folder, &mut tell).await?;
        tell(Step::Trying);
        attempt(folder).await?;
        let text = serde_json::to_vec_pretty(&card).map_err(|error| unwritable(error.into()))?;
        fs::write(folder.join(CARD), text).map_err(unwritable)?;
        Environment::open(folder).map_err(|fault| SetupFault::Python(fault.to_string()))
    }

    fn card(&self, python: &Found) -> Card {
        let (major, minor, patch) = python.version;
        let mut more = self.packages.clone();
        more.sort();
        Card {
            version: format!("{major}.{minor}.{patch}"),
            base: python.base.clone(),
            packages: digest(PACKAGES),
            more,
        }
    }

    async fn find(&self) -> Result<Found, SetupFault> {
        let program = self.python.clone().unwrap_or_else(|| "python3".into());
        let named = program.display().to_string();
        let output = Command::new(&program).args(["-I", "-c", WHO]).stdin(Stdio::null()).output().await;
        let output = output.map_err(|error| {
            SetupFault::Python(format!(
                "{named} can't be started: {error}. Install Python {}.{} or newer, or name one with --python.",
                OLDEST.0, OLDEST.1
            ))
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        let found = read(&said).ok_or_else(|| SetupFault::Failed {
            what: "Asking Python for its version",
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })?;
        let (version, base) = found;
        if (version.0, version.1) < OLDEST {
            return Err(SetupFault::Python(format!(
                "{named} is Python {}.{}, and the code interpreter needs {}.{} or newer. Name one with --python.",
                version.0, version.1, OLDEST.0, OLDEST.1
            )));
        }
        Ok(Found { program, version, base })
    }

    async fn make(&self, python: &Found, folder: &Path) -> Result<(), SetupFault> {
        let mut command = Command::new(&python.program);
        command.args(["-I", "-m", "venv"]);
        // Another Python's packages are of no use to this one.
        let is_another = fs::read_to_string(folder.join("pyvenv.cfg")).is_ok_and(|about| {
            let (major, minor, patch) = python.version;
            !about.contains(&format!("version = {major}.{minor}.{patch}\n"))
        });
        command.args(is_another.then_some("--clear")).arg(folder);
        finish(
            "Making a virtual environment (on Debian and Ubuntu it needs the package python3-venv)",
            command,
        )
        .await
    }

    async fn install(&self, folder: &Path, tell: &mut impl FnMut(Step)) -> Result<(), SetupFault> {
        let requirements = folder.join("requirements.txt");
        let packages = PACKAGES.lines().map(str::to_owned).chain(self.packages.iter().cloned());
        let packages = packages.collect::<Vec<_>>().join("\n");
        fs::write(&requirements, packages)
            .map_err(|error| SetupFault::Folder { folder: folder.to_owned(), error })?;
        let mut pip = Command::new(python_in(folder));
        pip.args(["-I", "-m", "pip", "install", "--no-input", "--progress-bar=off", "--prefer-binary"]);
        pip.args(["--disable-pip-version-check", "--root-user-action=ignore"]);
        pip.arg("--requirement").arg(&requirements);
        follow("Installing the packages", pip, |line| {
            if let Some(doing) = doing(line) {
                tell(Step::Installing(doing));
            }
        })
        .await
    }
}

fn read(said: &str) -> Option<((u32, u32, u32), PathBuf)> {
    let mut lines = said.lines();
    let mut numbers = lines.next()?.split(' ').map(|number| number.parse().ok());
    let version = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some((version, PathBuf::from(lines.next()?)))
}

/// What pip is doing, in few words.
fn doing(line: &str) -> Option<String> {
    let words = |rest: &str| rest.split([' ', '=', '(']).find(|word| !word.is_empty()).map(str::to_owned);
    if let Some(package) = line.strip_prefix("Collecting ") {
        return words(package);
    }
    line.starts_with("Installing collected").then(|| "all that was fetched".to_owned())
}

async fn attempt(folder: &Path) -> Result<(), SetupFault> {
    let fonts = folder.join(FONTS);
    let mut python = Command::new(python_in(folder));
    python.args(["-I", "-c", TRY]).env("MPLBACKEND", "Agg").env("MPLCONFIGDIR", fonts);
    finish("Trying the packages", python).await
}

/// Whoever makes an environment at the same time waits. The file stays: removing it would let two in.
async fn lock(folder: &Path) -> io::Result<fs::File> {
    // Beside it: the folder may be emptied.
    let path = folder.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = fs::File::create(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await.map_err(io::Error::other)?
}

async fn finish(what: &'static str, command: Command) -> Result<(), SetupFault> {
    follow(what, command, |_| {}).await
}

/// Runs a program to its end and hears each of its lines.
async fn follow(
    what: &'static str,
    mut command: Command,
    mut hear: impl FnMut(&str),
) -> Result<(), SetupFault> {
    let failed = |error: io::Error| SetupFault::Failed { what, said: error.to_string() };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = String::new();
    let heard = async {
        let Some(stdout) = stdout else { return };
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            hear(&line);
        }
    };
    let complaint = async {
        if let Some(mut stderr) = stderr {
            // What is no text is no complaint that anybody could read.
            let _ = stderr.read_to_string(&mut said).await;
        }
    };
    let ((), ()) = tokio::join!(heard, complaint);
    if child.wait().await.map_err(failed)?.success() {
        return Ok(());
    }
    let said = said.trim();
    let from = said.ceil_char_boundary(said.len().saturating_sub(LAST_WORDS));
    Err(SetupFault::Failed { what, said: said[from..].to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_python_says_of_itself_is_read() {
        assert_eq!(read("3 11 2\n/usr\n"), Some(((3, 11, 2), PathBuf::from("/usr"))));
        assert_eq!(read("Python 3\n"), None);
    }

    #[test]
    fn of_what_pip_says_the_package_is_told() {
        assert_eq!(doing("Collecting numpy==2.4.6 (from -r x)").as_deref(), Some("numpy"));
        assert_eq!(doing("Installing collected packages: a, b").as_deref(), Some("all that was fetched"));
        assert_eq!(doing("  Downloading numpy.whl"), None);
    }

    #[tokio::test]
    async fn a_python_that_is_not_there_is_named() {
        let place = tempfile::tempdir().unwrap();
        let setup = Setup { python: Some("/no/python".into()), ..Setup::default() };
        let fault = setup.run(place.path(), |_| {}).await.unwrap_err().to_string();
        assert!(fault.starts_with("/no/python can't be started") && fault.contains("--python"), "{fault}");
        let fault = Environment::open(place.path()).unwrap_err().to_string();
        assert!(fault.ends_with("cupola setup code-interpreter"), "{fault}");
    }
}
