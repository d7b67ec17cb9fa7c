//! The program of the example, built as its README says: static, whatever this machine has.

use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The program.
pub fn built() -> Vec<u8> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hosted-echo-rust");
    // Beside the other things that are built, so that the next test finds it there.
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hosted-echo-rust");
    let mut cargo = Command::new(env!("CARGO"));
    // The flags of others would take the place of the example's own.
    cargo.current_dir(example).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.args(["build", "--release", "--locked", "--quiet", "--target-dir"]).arg(&target);
    let musl = format!("{ARCH}-unknown-linux-musl");
    let mut release = target;
    if is_installed(&musl) {
        cargo.args(["--target", &musl]);
        release.push(musl);
    }
    assert!(cargo.status().unwrap().success());
    fs::read(release.join("release/hosted-echo")).unwrap()
}

fn is_installed(target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    let asked = rustc.args(["--print", "target-libdir", "--target", target]).output().unwrap();
    asked.status.success() && Path::new(String::from_utf8(asked.stdout).unwrap().trim()).exists()
}
