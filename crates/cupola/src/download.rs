//! A file of the service becomes a file of this machine, or goes to standard output.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use cupola_client::ByteStream;
use futures_util::TryStreamExt as _;

use crate::failure::Failure;

/// Where a download goes.
#[derive(Debug)]
pub enum Target {
    /// Standard output.
    Output,
    /// This file, which is replaced.
    File(PathBuf),
}

impl Target {
    /// What somebody has asked for: '-' is standard output, and what has this `name` goes into a folder under it.
    pub fn of(asked: Option<&Path>, name: &str) -> Self {
        match asked {
            Some(to) if to == Path::new("-") => Self::Output,
            Some(to) if to.is_dir() => Self::File(to.join(name)),
            Some(to) => Self::File(to.to_owned()),
            None => Self::File(PathBuf::from(name)),
        }
    }

    /// Writes all bytes; how many there were. What breaks off leaves no file behind.
    pub async fn write(&self, bytes: ByteStream) -> Result<usize, Trouble> {
        match self {
            Self::Output => to_output(bytes).await,
            Self::File(path) => to_file(path, bytes).await,
        }
    }
}

/// What went wrong: on this machine, or at the service.
#[derive(Debug)]
pub enum Trouble {
    /// On this machine.
    Here(Failure),
    /// At the service.
    There(cupola_client::Error),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

impl From<cupola_client::Error> for Trouble {
    fn from(error: cupola_client::Error) -> Self {
        Self::There(error)
    }
}

async fn to_output(mut bytes: ByteStream) -> Result<usize, Trouble> {
    let mut out = std::io::stdout().lock();
    let mut size = 0;
    while let Some(piece) = bytes.try_next().await? {
        out.write_all(&piece).map_err(Failure::from)?;
        size += piece.len();
    }
    out.flush().map_err(Failure::from)?;
    Ok(size)
}

async fn to_file(to: &Path, mut bytes: ByteStream) -> Result<usize, Trouble> {
    let failed =
        |error: std::io::Error| Failure::plain(format!("{} can't be written: {error}", to.display()));
    let beside = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut half = tempfile::Builder::new().permissions(mode()).tempfile_in(beside).map_err(failed)?;
    let mut size = 0;
    while let Some(piece) = bytes.try_next().await? {
        half.write_all(&piece).map_err(failed)?;
        size += piece.len();
    }
    half.persist(to).map_err(|error| failed(error.error))?;
    Ok(size)
}

/// Like any new file; the user's mask is taken off by the system.
fn mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
