//! The same without root: what holds then, too.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    process::Command,
};

/// Somebody without rights, who owns nothing.
const NOBODY: u32 = 65_534;

/// What does not hold without root: the user that an image names, and limits that need control groups. And
/// one that looks at its whole process, which here is that of all tests.
const NOT_HERE: [&str; 6] = [
    "cage::it_runs_as_the_user_that_the_image_names",
    "life::no_sandbox_survives_the_death_of_the_service",
    "life::thirty_starts_in_a_row_leave_nothing_behind",
    "limits::",
    "oci::",
    "rootless::",
];

#[test]
fn a_service_without_root_has_the_same_cage() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Then all tests are this test.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (program, temporary) = (folder.path().join("tests"), folder.path().join("tmp"));
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::create_dir(&temporary).unwrap();
    chown(&temporary, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut tests = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    tests.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(program);
    tests.args(NOT_HERE.iter().flat_map(|test| ["--skip", test])).env("TMPDIR", temporary).current_dir("/");
    let said = tests.output().unwrap();
    let words = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{words}\n{}", String::from_utf8_lossy(&said.stderr));
    assert!(words.contains("cage::it_can_neither_mount_nor_unmount ... ok"), "{words}");
}
