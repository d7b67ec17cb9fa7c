//! Code packages: a zip file with a program, kept by its digest.

mod download;
mod install;
mod unpack;
mod upload;

use std::path::{Path, PathBuf};

use cupola_hosting::{Code, Failure, Program};

pub use download::download;
pub use upload::receive;

use super::hosting::Hosting;

/// Where dependencies are put, relative to the program. Programs find them through `PYTHONPATH`.
const DEPENDENCIES: &str = ".python_packages/lib/site-packages";

/// Where a Python program looks for modules: beside itself, and in its dependencies.
pub const PYTHONPATH: &str = ".:.python_packages/lib/site-packages";

/// A package in its folder.
#[derive(Clone, Debug)]
pub struct Package {
    folder: PathBuf,
}

impl Package {
    /// The package with this digest.
    pub fn of(packages: &Path, digest: &str) -> Self {
        Self { folder: packages.join(digest) }
    }

    /// Where all of it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file as it was sent.
    pub fn zip(&self) -> PathBuf {
        self.folder.join("code.zip")
    }

    /// The program, with the dependencies that were installed for this language, if any were.
    fn code(&self, built_for: Option<&str>) -> PathBuf {
        match built_for {
            None => self.folder.join("code"),
            Some(language) => self.folder.join(format!("built-{language}")),
        }
    }
}

/// The program of a package, unpacked and with what it needs. What is there already is not made again.
pub async fn program(
    hosting: &Hosting,
    digest: Option<&str>,
    (language, entry_point): (&str, &[String]),
    is_bundled: bool,
) -> Result<Program, Failure> {
    let digest = digest.ok_or_else(|| {
        let message = "The version has no code package. Send one as multipart/form-data with the parts 'metadata' \
                       and 'code'.";
        Failure::new(Code::CodeError, message)
    })?;
    let package = Package::of(&hosting.packages(), digest);
    let mut entry_point = entry_point.to_vec();
    // Most systems know the interpreter by this name alone.
    if language.starts_with("python") && entry_point.first().is_some_and(|word| word == "python") {
        entry_point[0] = "python3".to_owned();
    }
    let built_for = (!is_bundled).then_some(language);
    let code = package.code(built_for);
    if !tokio::fs::try_exists(&code).await.unwrap_or(false) {
        make(hosting, &package, built_for).await?;
    }
    Ok(Program { folder: code, entry_point, language: language.to_owned() })
}

/// Unpacks beside the place, and moves there once all is well: what is there is complete.
async fn make(hosting: &Hosting, package: &Package, built_for: Option<&str>) -> Result<(), Failure> {
    let half = tempfile::Builder::new().prefix("making-").tempdir_in(&package.folder).map_err(unavailable)?;
    let (zip, into) = (package.zip(), half.path().join("code"));
    let unpacked = tokio::task::spawn_blocking({
        let into = into.clone();
        move || unpack::unpack(&zip, &into)
    });
    unpacked.await.unwrap_or_else(|error| Err(Failure::new(Code::CodeError, error.to_string())))?;
    if let Some(language) = built_for.filter(|language| language.starts_with("python")) {
        install::dependencies(hosting, &into, half.path(), language).await?;
    }
    match tokio::fs::rename(&into, package.code(built_for)).await {
        Ok(()) => Ok(()),
        // Somebody else has made the same meanwhile.
        Err(_) if package.code(built_for).exists() => Ok(()),
        Err(error) => Err(unavailable(error)),
    }
}

fn unavailable(error: std::io::Error) -> Failure {
    let message = format!("The code package could not be kept on this machine: {error}.");
    Failure::new(Code::SandboxUnavailable, message)
}
