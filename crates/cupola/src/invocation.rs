//! How somebody at another terminal calls this very program.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// `cupola NAME`, with the flags that lead to the same data directory, ready to paste into a shell.
pub fn command(name: &str, config: &Config) -> String {
    let program = match std::env::current_exe() {
        Ok(own) if !is_on_the_path(&own) => quoted(&own.to_string_lossy()),
        _ => "cupola".to_owned(),
    };
    match Config::usual_data() {
        Some(usual) if usual == config.data => format!("{program} {name}"),
        _ => format!("{program} {name} --data {}", quoted(&config.data.to_string_lossy())),
    }
}

/// Whether a shell that is told `cupola` finds this program.
fn is_on_the_path(own: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|directory| directory.join("cupola")).find(|file| file.is_file());
    let real = |path: PathBuf| path.canonicalize().ok();
    found.is_some_and(|found| real(found).is_some_and(|found| Some(found) == real(own.to_owned())))
}

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_stays_one_word() {
        assert_eq!(quoted("/data/cupola"), "/data/cupola");
        assert_eq!(quoted("/my data/it's"), r"'/my data/it'\''s'");
    }
}
