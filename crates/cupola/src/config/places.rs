//! Where the data and the configuration file are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::error::ConfigError;

/// Where data is kept unless the user or the desktop says otherwise.
pub(super) const DEFAULT_DATA: &str = "~/.local/share/cupola";

/// The data directory as an absolute path; nothing where it hangs on a home that is not known.
pub(super) fn data_directory<'a>(
    given: Option<&str>,
    variable: &impl Fn(&str) -> Option<&'a str>,
) -> Option<PathBuf> {
    // The desktop's rule: a relative XDG directory is as good as none.
    let desktop = variable("XDG_DATA_HOME").map(Path::new).filter(|path| path.is_absolute());
    let path = match (given, desktop) {
        (Some(given), _) => expand_home(given, variable)?,
        (None, Some(desktop)) => desktop.join("cupola"),
        (None, None) => expand_home(DEFAULT_DATA, variable)?,
    };
    std::path::absolute(path).ok()
}

fn expand_home<'a>(path: &str, variable: &impl Fn(&str) -> Option<&'a str>) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(rest) => variable("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(home).join(rest)),
        None => Some(PathBuf::from(path)),
    }
}

/// The file named by the user, else the one in the data directory, else the one right here.
pub(super) fn config_file(named: Option<PathBuf>, data: Option<&Path>, here: &Path) -> Option<PathBuf> {
    let found = || {
        let places = data.into_iter().chain([here]);
        places.map(|directory| directory.join("cupola.toml")).find(|path| path.exists())
    };
    named.or_else(found)
}

pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.into(), source })
}
