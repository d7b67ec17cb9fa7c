//! The same cage by an installed OCI runtime: its configuration, and the handing over.
//!
//! The runtime runs as the first process of the outer shell, so that it and its container end with the
//! service whatever happens. The file system, the network and the limits are the shell's.

use std::{
    ffi::CString,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    identity::{RANGE, User},
    kernel, privileges,
    root::{self, Built, STAGE},
    syscalls,
    tree::{self, Tree},
};
use crate::{
    StartError,
    spec::{Root, Spec},
};

/// Starts the runtime in place of this process. Returns only if that fails.
pub(crate) fn hand_over(
    spec: &Spec,
    built: &Built,
    runtime: &Path,
    group: &str,
    ready: impl FnOnce() -> io::Result<()>,
) -> Result<StartError, StartError> {
    if built.users.is_none() {
        return Err(StartError::Machine("An OCI runtime is only used by a service that is root.".into()));
    }
    let step = |what: &'static str| move |error: io::Error| StartError::machine(what, error);
    let stage = Path::new(STAGE);
    let bundle = stage.join("bundle");
    show_processes(stage).map_err(step("Showing the runtime its processes"))?;
    fs::create_dir(&bundle)
        .and_then(|()| fs::write(bundle.join("config.json"), config(spec, built, group).to_string()))
        .map_err(step("Writing the configuration of the OCI runtime"))?;
    let arguments: [PathBuf; 7] = [
        runtime.into(),
        "--root".into(),
        stage.join("state"),
        "run".into(),
        "--bundle".into(),
        bundle,
        spec.name.as_str().into(),
    ];
    let texts: Result<Vec<CString>, _> =
        arguments.iter().map(|text| CString::new(text.as_os_str().as_encoded_bytes())).collect();
    let texts = texts.map_err(|error| StartError::machine("Naming the OCI runtime", error))?;
    let path = c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    ready().map_err(step("Binding its life to the service's"))?;
    let error = kernel::execute(&texts[0], &texts, &[path]);
    Ok(StartError::machine(format_args!("Starting {}", runtime.display()), error))
}

/// The runtime looks itself up in `/proc`, which still shows the processes of the machine.
fn show_processes(stage: &Path) -> io::Result<()> {
    let processes = tree::copy_of(&stage.join("proc"))?;
    tree::put(processes, Tree::open(Path::new("/proc"), 0)?.root())
}

fn config(spec: &Spec, built: &Built, group: &str) -> Value {
    let range = json!([{"containerID": 0, "hostID": spec.first_id, "size": RANGE}]);
    let namespaces = ["pid", "mount", "ipc", "uts", "cgroup", "user"].map(|kind| json!({"type": kind}));
    json!({
        "ociVersion": "1.0.2",
        "hostname": spec.name,
        "root": {"path": built.path, "readonly": matches!(spec.root, Root::Host(_))},
        "process": process(spec, &built.user),
        "mounts": mounts(spec),
        "linux": {
            "namespaces": namespaces,
            "uidMappings": range,
            "gidMappings": range,
            // Below the group of the shell, which has the limits.
            "cgroupsPath": group,
            "maskedPaths": root::HIDDEN,
            "readonlyPaths": root::READ_ONLY,
            "seccomp": syscalls::as_oci(),
        },
    })
}

fn process(spec: &Spec, user: &User) -> Value {
    let environment: Vec<String> =
        spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let none: [&str; 0] = [];
    let files = privileges::most_open_files();
    json!({
        "terminal": false,
        "user": {"uid": user.user, "gid": user.group, "additionalGids": user.others, "umask": 0o022},
        "args": spec.command,
        "env": environment,
        "cwd": spec.folder,
        "noNewPrivileges": true,
        "capabilities": {
            "bounding": none, "effective": none, "inheritable": none, "permitted": none, "ambient": none
        },
        "rlimits": [
            {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
            {"type": "RLIMIT_NOFILE", "soft": files, "hard": files},
        ],
    })
}

fn mounts(spec: &Spec) -> Value {
    let size = format!("size={}", root::disk_bytes(spec));
    json!([
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "noexec", "strictatime", "mode=755", "size=64k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", size]},
    ])
}
