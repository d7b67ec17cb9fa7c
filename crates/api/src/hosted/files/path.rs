//! A path inside of a home, as a client writes it.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

use crate::ApiError;

/// The longest path that the kernel takes.
const LONGEST: usize = 4095;

/// A path inside of a home: relative, without `..`. Links on the way are another matter, and the kernel's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomePath(PathBuf);

impl HomePath {
    /// Reads a path; a leading `/` means the home itself.
    pub fn read(text: &str) -> Result<Self, ApiError> {
        let refused = |reason: &str| {
            let message = format!("Invalid 'path': {reason}. Paths are relative to the home of the session.");
            Err(ApiError::invalid(message).code("invalid_value").param("path"))
        };
        if text.len() > LONGEST {
            return refused("it is longer than 4095 bytes");
        }
        if text.contains('\0') {
            return refused("it holds a zero byte");
        }
        let mut inside = PathBuf::new();
        for component in Path::new(text.trim_start_matches('/')).components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return refused("it holds '..'");
                }
            }
        }
        Ok(Self(inside))
    }

    /// Reads a path that has to name something in the home.
    pub fn of_something(text: Option<&str>) -> Result<Self, ApiError> {
        let path = Self::read(text.unwrap_or_default())?;
        if path.is_home() {
            return Err(ApiError::invalid("Missing required parameter: 'path'.")
                .code("missing_required_parameter")
                .param("path"));
        }
        Ok(path)
    }

    /// Whether it is the home itself.
    pub fn is_home(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// The path for the kernel.
    pub fn as_path(&self) -> &Path {
        if self.is_home() { Path::new(".") } else { &self.0 }
    }

    /// The last name in it.
    pub fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folders that it lies in, outermost first.
    pub fn folders(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = self.0.ancestors().skip(1).collect();
        // The last of the ancestors is the home.
        folders.pop();
        folders.reverse();
        folders
    }
}

impl fmt::Display for HomePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_slash_means_the_home() {
        for text in ["/remote/a", "remote/a", "//remote//a", "./remote/./a/"] {
            assert_eq!(HomePath::read(text).unwrap().to_string(), "remote/a", "{text}");
        }
        assert!(HomePath::read("/").unwrap().is_home());
    }

    #[test]
    fn a_path_that_climbs_is_refused() {
        for text in ["..", "a/../..", "/../etc/passwd", "a/../b", "a\0b"] {
            let error = HomePath::read(text).unwrap_err();
            assert_eq!(error.detail().param.as_deref(), Some("path"), "{text:?}");
        }
        assert!(HomePath::read(&"a/".repeat(3000)).is_err());
    }

    #[test]
    fn the_folders_of_a_path_come_outermost_first() {
        let path = HomePath::read("a/b/c").unwrap();
        assert_eq!(path.folders(), [Path::new("a"), Path::new("a/b")]);
        assert!(HomePath::read("a").unwrap().folders().is_empty());
    }
}
