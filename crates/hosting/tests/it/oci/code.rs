//! Code packages on the system of this machine, in a cage.

use std::{fs, sync::Arc, time::Duration};

use cupola_hosting::{
    Code, Egress, Limits, LogBook, OciRuntime, OciSettings, Program, Progress, RunnerChoice, Runtime,
    SandboxSpec, Source,
};

use super::root::Busybox;
use crate::runtime_suite::{Bench, COMMAND, runtime_suite};

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let images = Arc::new(Busybox::make(folder.path()));
    let settings = OciSettings { state: folder.path().join("state"), runner: RunnerChoice::Builtin };
    let program = Program {
        folder: folder.path().join("layer"),
        entry_point: COMMAND.map(str::to_owned).into(),
        language: "shell".into(),
    };
    Bench {
        source: Source::Code(program),
        runtime: Arc::new(OciRuntime::open(settings, images).await.unwrap()),
        isolates: true,
        _keeps: vec![Box::new(folder)],
    }
}

runtime_suite!(bench);

/// A runtime, and a folder for a package.
async fn runtime() -> (OciRuntime, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("package")).unwrap();
    fs::create_dir(folder.path().join("home")).unwrap();
    let settings = OciSettings { state: folder.path().join("state"), runner: RunnerChoice::Builtin };
    let images = Arc::new(Busybox::make(folder.path()));
    (OciRuntime::open(settings, images).await.unwrap(), folder)
}

fn package(folder: &tempfile::TempDir, entry_point: &[&str]) -> Source {
    Source::Code(Program {
        folder: folder.path().join("package"),
        entry_point: entry_point.iter().map(|word| (*word).to_owned()).collect(),
        language: "python_3_13".into(),
    })
}

#[tokio::test]
async fn a_python_package_runs_on_the_python_of_this_machine() {
    let (runtime, folder) = runtime().await;
    let main = "import os, json, ssl, sys, getpass\nimport beside\n\
                print(getpass.getuser(), os.getcwd(), beside.word, sys.argv[1:], flush=True)\n\
                open(os.path.expanduser('~/note'), 'w').write('kept')\n\
                open('/app/x', 'w')\n";
    fs::write(folder.path().join("package/main.py"), main).unwrap();
    fs::write(folder.path().join("package/beside.py"), "word = 'found'").unwrap();
    let prepared = runtime.prepare(&package(&folder, &["python3", "main.py", "-v"]), &|_: Progress| {}).await;
    let logs = Arc::new(LogBook::default());
    let spec = SandboxSpec {
        id: format!("python-{}", std::process::id()),
        environment: [("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned())].into(),
        port: 8088,
        home: folder.path().join("home"),
        mounts: Vec::new(),
        limits: Limits {
            cpu_millis: 1000,
            memory_bytes: 256 << 20,
            processes: 32,
            disk_bytes: 8 << 20,
            home_bytes: 1 << 30,
        },
        egress: Egress::None,
        service: "127.0.0.1:1".parse().unwrap(),
        logs: Arc::clone(&logs),
    };
    let sandbox = runtime.start(&prepared.unwrap(), spec).await.unwrap();
    let mut exit = sandbox.exit();
    assert_eq!(exit.wait_for(Option::is_some).await.unwrap().unwrap().code, Some(1));
    sandbox.stop(Duration::ZERO).await;
    let lines: Vec<String> = logs.since(0).into_iter().map(|line| line.text).collect();
    assert!(lines.contains(&"session /app found ['-v']".to_owned()), "{lines:?}");
    // What comes on two ways comes in no certain order.
    assert!(lines.iter().any(|line| line.contains("Read-only file system")), "{lines:?}");
    assert_eq!(fs::read_to_string(folder.path().join("home/note")).unwrap(), "kept");
}

#[tokio::test]
async fn an_entry_point_that_is_not_there_is_said_when_the_package_is_prepared() {
    let (runtime, folder) = runtime().await;
    for entry_point in [&["no-such-program"][..], &[]] {
        let failure = runtime.prepare(&package(&folder, entry_point), &|_: Progress| {}).await.unwrap_err();
        assert_eq!(failure.code, Code::CodeError, "{failure}");
    }
    let prepared = runtime.prepare(&package(&folder, &["./missing"]), &|_: Progress| {}).await;
    assert!(prepared.is_err_and(|failure| failure.message.contains("missing")));
}

#[tokio::test]
async fn what_comes_with_a_package_is_never_started_outside_of_a_sandbox() {
    use std::os::unix::fs::PermissionsExt as _;
    let (runtime, folder) = runtime().await;
    let outside = folder.path().join("outside");
    let script = format!("#!/bin/sh\ntouch {}\n", outside.display());
    // The one is part of the package; the others lie where sessions and other packages write.
    for place in ["package/python", "home/python"] {
        let program = folder.path().join(place);
        fs::write(&program, &script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let home = folder.path().join("home/python");
    std::os::unix::fs::symlink(&home, folder.path().join("package/python3")).unwrap();
    for (entry_point, is_seen) in
        [("./python", true), ("./python3", false), ("../home/python", false), (home.to_str().unwrap(), false)]
    {
        let prepared = runtime.prepare(&package(&folder, &[entry_point]), &|_: Progress| {}).await;
        assert_eq!(prepared.is_ok(), is_seen, "{entry_point}: {prepared:?}");
        assert!(!outside.exists(), "{entry_point} was started");
    }
}

#[tokio::test]
async fn a_program_of_the_system_may_be_named_by_its_path() {
    let (runtime, folder) = runtime().await;
    for (path, is_seen) in [("/usr/bin/env", true), ("/bin/sh", true), ("/etc/passwd", false)] {
        let prepared = runtime.prepare(&package(&folder, &[path]), &|_: Progress| {}).await;
        assert_eq!(prepared.is_ok(), is_seen, "{path}: {prepared:?}");
    }
}
