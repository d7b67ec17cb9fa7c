//! A file system of busybox, and sandboxes in it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use cupola_sandbox::{Bind, Child, Exit, Limits, Root, Runner, Spec, StartError, spawn};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

pub const MIB: u64 = 1024 * 1024;

/// What keeps the folders of a test.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let layer = folder.path().join("layer");
        for name in ["bin", "etc", "home"] {
            fs::create_dir_all(layer.join(name)).unwrap();
        }
        fs::copy(busybox(), layer.join("bin/busybox")).unwrap();
        for applet in APPLETS {
            symlink("busybox", layer.join("bin").join(applet)).unwrap();
        }
        fs::write(layer.join("etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/home:/bin/sh\n")
            .unwrap();
        fs::write(layer.join("etc/group"), "root:x:0:\napp:x:1000:\n").unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn layer(&self) -> PathBuf {
        self.folder.path().join("layer")
    }

    /// A sandbox that runs this script with busybox's shell.
    pub fn script(&self, script: &str) -> Spec {
        Spec {
            name: name(),
            root: Root::Layers(vec![self.layer()]),
            binds: vec![Bind { from: self.home(), to: "/home/session".into(), writable: true }],
            shared: None,
            files: [(PathBuf::from("/etc/hosts"), "127.0.0.1 localhost\n".to_owned())].into(),
            command: vec!["sh".into(), "-c".into(), script.into()],
            environment: [("PATH", "/bin"), ("HOME", "/home/session")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            folder: "/".into(),
            user: String::new(),
            listen: Vec::new(),
            limits: Limits { cpu_millis: 1000, memory_bytes: 64 * MIB, processes: 32, disk_bytes: 8 * MIB },
            first_id: 0x7000_0000,
            runner: Runner::Builtin,
        }
    }

    /// The same with the OCI runtime that is installed.
    pub fn script_by_runc(&self, script: &str) -> Spec {
        let runc = ["/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/runc"].map(PathBuf::from);
        let runc = runc.into_iter().find(|path| path.exists()).expect("runc is installed");
        Spec { runner: Runner::Oci(runc), ..self.script(script) }
    }

    /// Runs a script to its end.
    pub async fn run(&self, script: &str) -> Ended {
        run(self.script(script)).await.unwrap()
    }
}

/// What a sandbox said until its end.
#[derive(Debug)]
pub struct Ended {
    pub exit: Exit,
    pub output: String,
    pub errors: String,
}

pub async fn run(spec: Spec) -> Result<Ended, StartError> {
    let mut child = spawn(spec).await?;
    let (mut stdout, mut stderr) = (child.take_stdout().unwrap(), child.take_stderr().unwrap());
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let said = async { tokio::join!(stdout.read_to_end(&mut output), stderr.read_to_end(&mut errors)) };
    let exit = tokio::time::timeout(Duration::from_secs(60), async { (said.await, end(&child).await).1 });
    let exit = exit.await.expect("the sandbox ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { exit, output: text(&output), errors: text(&errors) })
}

pub async fn end(child: &Child) -> Exit {
    child.exit().wait_for(Option::is_some).await.unwrap().unwrap()
}

fn name() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    format!("test-{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

fn busybox() -> &'static Path {
    let found = ["/bin/busybox", "/usr/bin/busybox"].map(Path::new).into_iter().find(|path| path.exists());
    found.expect("busybox is installed (package busybox-static)")
}

const APPLETS: &[&str] = &[
    "cat", "chmod", "chroot", "dd", "df", "echo", "env", "grep", "hostname", "httpd", "id", "ifconfig",
    "kill", "ln", "ls", "mkdir", "mknod", "mount", "nc", "nproc", "ps", "pwd", "rm", "sh", "sleep", "stat",
    "tail", "test", "touch", "true", "ulimit", "umount", "unshare", "wc", "wget", "readlink", "head", "tr",
    "seq",
];
