//! Lists the pages of docs/errors, so that the binary carries every page that is written.

use std::{env, fmt::Write, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let directory =
        PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../docs/errors").canonicalize()?;
    println!("cargo::rerun-if-changed={}", directory.display());
    let entries = fs::read_dir(&directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut pages: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut list = String::from("&[\n");
    for path in pages {
        let code = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(list, "Page {{ code: {code:?}, text: include_str!({path:?}) }},")
            .map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(variable("OUT_DIR")?).join("error_pages.rs"), list)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
