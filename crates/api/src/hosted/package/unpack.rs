//! From a zip file to a folder. The file comes from outside: nothing in it leads out of the folder, and it can't
//! fill the disk.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use cupola_hosting::{Code, Failure};
use zip::{ZipArchive, result::ZipError};

/// The most files in a package.
const MOST_FILES: usize = 50_000;

/// The most bytes in a package, unpacked.
const MOST_BYTES: u64 = 2 << 30;

/// Unpacks a package.
pub fn unpack(zip: &Path, into: &Path) -> Result<(), Failure> {
    let file = File::open(zip).map_err(|error| broken(&format!("it can't be read: {error}")))?;
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(|error| of_zip(&error))?;
    if archive.len() > MOST_FILES {
        return Err(broken(&format!("it holds {} files, and {MOST_FILES} are the most", archive.len())));
    }
    fs::create_dir_all(into).map_err(|error| of_disk(&error))?;
    let mut left = MOST_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| of_zip(&error))?;
        let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let Some(path) = entry.enclosed_name() else {
            return Err(broken(&format!("the entry '{name}' leads out of the package")));
        };
        if entry.is_symlink() {
            return Err(broken(&format!("the entry '{name}' is a link; packages hold files alone")));
        }
        let to = into.join(path);
        if entry.is_dir() {
            fs::create_dir_all(&to).map_err(|error| of_disk(&error))?;
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| of_disk(&error))?;
        }
        let mut file = File::create(&to).map_err(|error| of_disk(&error))?;
        // What an entry says of its size is not to be believed.
        let copied =
            io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(|error| of_copy(&error))?;
        left = left
            .checked_sub(copied)
            .ok_or_else(|| broken(&format!("it holds more than {} GiB of files", MOST_BYTES >> 30)))?;
        keep_mode(&file, entry.unix_mode());
    }
    Ok(())
}

/// Programs stay programs.
fn keep_mode(file: &File, mode: Option<u32>) {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program = mode.is_some_and(|mode| mode & 0o111 != 0);
    let mode = if is_program { 0o755 } else { 0o644 };
    let _ = file.set_permissions(fs::Permissions::from_mode(mode));
}

fn of_zip(error: &ZipError) -> Failure {
    broken(&format!("it is no zip file that can be read: {error}"))
}

fn of_copy(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => of_disk(error),
        _ => broken(&format!("it is damaged: {error}")),
    }
}

fn of_disk(error: &io::Error) -> Failure {
    let message = format!("The code package could not be unpacked on this machine: {error}.");
    Failure::new(Code::SandboxUnavailable, message)
}

fn broken(why: &str) -> Failure {
    Failure::new(Code::CodeError, format!("The code package can't be used: {why}."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn package(entries: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut zip = ZipWriter::new(File::create(folder.path().join("code.zip")).unwrap());
        for (name, text) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        folder
    }

    fn unpacked(folder: &tempfile::TempDir) -> Result<(), Failure> {
        unpack(&folder.path().join("code.zip"), &folder.path().join("code"))
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let folder = package(&[("main.py", "print(1)"), ("lib/a.py", "x = 1")]);
        unpacked(&folder).unwrap();
        let text = fs::read_to_string(folder.path().join("code/lib/a.py")).unwrap();
        assert_eq!(text, "x = 1");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for name in ["../evil", "a/../../evil", "/etc/evil"] {
            let folder = package(&[(name, "x")]);
            let result = unpacked(&folder);
            assert!(!folder.path().join("evil").exists());
            assert!(!Path::new("/etc/evil").exists());
            // An absolute name may also be taken as one within the folder.
            assert!(result.is_err() || folder.path().join("code/etc/evil").exists(), "{name}");
        }
    }

    #[test]
    fn what_is_no_zip_file_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("code.zip"), "hello").unwrap();
        let failure = unpacked(&folder).unwrap_err();
        assert_eq!(failure.code, Code::CodeError);
        assert!(failure.message.contains("no zip file"), "{}", failure.message);
    }
}
