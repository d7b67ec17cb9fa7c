//! The Python that interpreters run: a virtual environment with packages for numbers, tables, plots and
//! documents. It is made once, by `cupola setup code-interpreter`, and shared by all services of a user.

mod setup;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use setup::{Setup, SetupFault, Step};

/// The packages, each in the version that was tried with the others.
const PACKAGES: &str = include_str!("requirements.txt");
/// Says that an environment is complete, and what is in it.
const CARD: &str = "environment.json";
/// Where in it is noted which fonts there are.
pub(crate) const FONTS: &str = "fonts";

/// An environment that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    folder: PathBuf,
    card: Card,
}

/// What an environment says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    /// Its Python's version.
    version: String,
    /// Where the Python is that it was made from.
    base: PathBuf,
    /// What of the packages it was made from.
    packages: String,
    /// What else was asked for.
    more: Vec<String>,
}

/// There is no environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The code interpreter has no Python environment in {}. Make it once with: cupola setup code-interpreter",
    folder.display()
)]
pub struct NotSetUp {
    folder: PathBuf,
}

impl NotSetUp {
    /// What `cupola explain` knows it by.
    pub const CODE: &'static str = "code_interpreter_not_set_up";
}

impl Environment {
    /// The environment in this folder.
    pub fn open(folder: &Path) -> Result<Self, NotSetUp> {
        let missing = || NotSetUp { folder: folder.to_owned() };
        let card = fs::read(folder.join(CARD)).map_err(|_| missing())?;
        let card = serde_json::from_slice(&card).map_err(|_| missing())?;
        let environment = Self { folder: folder.to_owned(), card };
        // The Python that it was made from may have been removed since.
        if environment.python().exists() { Ok(environment) } else { Err(missing()) }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its Python.
    pub fn python(&self) -> PathBuf {
        python_in(&self.folder)
    }

    /// The version of its Python.
    pub fn version(&self) -> &str {
        &self.card.version
    }

    /// Whether it was made from the packages of this version of Cupola.
    pub fn is_current(&self) -> bool {
        self.card.packages == digest(PACKAGES)
    }

    /// What it needs of this machine beside the system's own folders.
    pub(crate) fn outside_of_system(&self) -> Option<PathBuf> {
        let base = &self.card.base;
        (!base.starts_with("/usr")).then(|| base.clone())
    }
}

/// Where the environment of a user is, unless somebody says otherwise. `variable` looks up a variable of the
/// process.
pub fn usual_folder<'a>(variable: &impl Fn(&str) -> Option<&'a str>) -> Option<PathBuf> {
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || variable("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(home).join(".cache"));
    Some(cache.or_else(home)?.join("cupola/code-interpreter"))
}

fn python_in(folder: &Path) -> PathBuf {
    folder.join("bin/python3")
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}
