//! Docker daemons that the tests start themselves.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bollard::{API_DEFAULT_VERSION, Docker};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process},
};
use tempfile::TempDir;

const TO_START: Duration = Duration::from_secs(60);

/// Runs the daemon as long as somebody holds the lock `users`, and a little longer. Then it leaves nothing.
const KEEPER: &str = r#"
cd "$1"
(
dockerd $2 >log 2>&1 &
daemon=$!
exec 9<>users
while :; do flock -x 9; flock -u 9; sleep 3; flock -xn 9 && break; done
kill $daemon; wait $daemon
ip -o -4 addr show | awk -v pool="$3" '$4 ~ "^"pool {print $2}' | xargs -rn1 ip link del
rm -rf data exec
) &
"#;

/// Names the socket of a daemon that runs already, such as Podman's, to be used in place of the shared one.
const ANOTHER: &str = "DOCKER_OF_TESTS";

/// A daemon. The shared one is started by the first test that needs it, since every test is its own process.
pub struct Daemon {
    socket: String,
    /// Held while the shared daemon is used.
    _users: Option<File>,
}

impl Daemon {
    /// The daemon of all tests.
    pub async fn shared() -> Self {
        if let Ok(socket) = std::env::var(ANOTHER) {
            return Self { socket, _users: None };
        }
        let folder = std::env::temp_dir().join("cupola-docker-tests");
        fs::create_dir_all(&folder).unwrap();
        let (starting, users) = (open(&folder.join("starting")), open(&folder.join("users")));
        flock(&starting, FlockOperation::LockExclusive).unwrap();
        flock(&users, FlockOperation::LockShared).unwrap();
        if client(&socket(&folder)).await.is_none() {
            Self::start(&folder);
            wait_for(&folder).await;
        }
        Self { socket: socket(&folder), _users: Some(users) }
    }

    fn start(folder: &Path) {
        check_installed();
        let pool = pool();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(folder);
        keeper.args([arguments(folder, &pool).join(" "), format!("{pool}[.]")]);
        keeper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It outlives this test.
        assert!(keeper.process_group(0).status().unwrap().success());
    }

    /// Where it listens.
    pub fn socket(&self) -> String {
        self.socket.clone()
    }

    /// A client of it.
    pub async fn client(&self) -> Docker {
        client(&self.socket).await.unwrap()
    }
}

/// A daemon of one test, which may stop it.
pub struct OwnDaemon {
    folder: TempDir,
    pool: String,
    process: Child,
    /// The network namespace that is its own, where it has one.
    elsewhere: Option<String>,
}

impl OwnDaemon {
    pub async fn start() -> Self {
        Self::start_in(None).await
    }

    /// One whose networks are not this machine's, like that of a virtual machine.
    pub async fn start_elsewhere() -> Self {
        let name = format!("cupd{}", std::process::id());
        assert!(Command::new("ip").args(["netns", "add", &name]).status().unwrap().success());
        Self::start_in(Some(name)).await
    }

    async fn start_in(elsewhere: Option<String>) -> Self {
        check_installed();
        let folder = tempfile::tempdir().unwrap();
        // Networks of a daemon elsewhere are nowhere on this machine, whatever other daemons have made or left here.
        let first = if elsewhere.is_some() { 150 } else { 200 };
        let pool = format!("10.{}", first + std::process::id() % 50);
        let process = spawn(folder.path(), &pool, elsewhere.as_deref());
        wait_for(folder.path()).await;
        Self { folder, pool, process, elsewhere }
    }

    pub fn socket(&self) -> String {
        socket(self.folder.path())
    }

    pub async fn client(&self) -> Docker {
        client(&self.socket()).await.unwrap()
    }

    /// Ends it, so that the system sees it gone.
    pub fn end(&mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on what it left.
    pub async fn start_again(&mut self) {
        // Where orphans are reaped late, the containerd that died with the daemon would be taken for alive.
        let _ = fs::remove_file(self.folder.path().join("exec/containerd/containerd.pid"));
        self.process = spawn(self.folder.path(), &self.pool, self.elsewhere.as_deref());
        wait_for(self.folder.path()).await;
    }
}

impl Drop for OwnDaemon {
    fn drop(&mut self) {
        // It may have been ended by the test.
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let _ = self.process.wait();
        // One that was killed leaves its folder mounted on itself.
        let data = self.folder.path().join("data");
        let _ = Command::new("umount").arg(data).stderr(Stdio::null()).status();
        if let Some(name) = &self.elsewhere {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn spawn(folder: &Path, pool: &str, elsewhere: Option<&str>) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = match elsewhere {
        None => Command::new("dockerd"),
        Some(name) => {
            let mut command = Command::new("nsenter");
            command.args([&format!("--net=/run/netns/{name}"), "dockerd"]);
            command
        }
    };
    command.args(arguments(folder, pool)).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn arguments(folder: &Path, pool: &str) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--data-root={}", at("data")),
        format!("--exec-root={}", at("exec")),
        format!("--pidfile={}", at("pid")),
        format!("--host={}", socket(folder)),
        "--bridge=none".to_owned(),
        format!("--default-address-pool=base={pool}.0.0/16,size=26"),
        "--log-level=warn".to_owned(),
    ]
}

fn socket(folder: &Path) -> String {
    format!("unix://{}/docker.sock", folder.display())
}

/// Addresses that no other daemon on this machine is likely to use.
fn pool() -> String {
    format!("10.{}", 100 + std::process::id() % 100)
}

fn open(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}

async fn client(socket: &str) -> Option<Docker> {
    let client = Docker::connect_with_unix(socket, 120, API_DEFAULT_VERSION).ok()?;
    client.negotiate_version().await.ok()
}

async fn wait_for(folder: &Path) {
    let begun = Instant::now();
    while client(&socket(folder)).await.is_none() {
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(begun.elapsed() < TO_START, "dockerd does not come up:\n{}", log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn check_installed() {
    assert!(rustix::process::geteuid().is_root(), "these tests start dockerd and need root for it");
    let found = Command::new("dockerd").arg("--version").stdout(Stdio::null()).status();
    if found.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        panic!("dockerd is not installed; install the package docker.io");
    }
}
