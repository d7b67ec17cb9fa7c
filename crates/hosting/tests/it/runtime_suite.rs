//! What every runtime does, as one suite that runs on all of them.
//!
//! A runtime takes part with a [`Bench`] and `runtime_suite!(a function that makes it)`. All that is run is
//! busybox's shell with the script that stands in the variable `SCRIPT`.

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cupola_hosting::{
    Connection, Egress, Exit, Limits, LogBook, LogStream, Mount, Prepared, Progress, Runtime, Sandbox,
    SandboxSpec, Source,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

const MIB: u64 = 1024 * 1024;

/// Nothing here takes that long on a machine that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command of whatever the bench runs.
pub const COMMAND: [&str; 4] = ["busybox", "sh", "-c", "eval \"$SCRIPT\""];

/// A runtime, and something it can run.
pub struct Bench {
    pub runtime: Arc<dyn Runtime>,
    /// Runs [`COMMAND`].
    pub source: Source,
    /// Whether its sandboxes are apart from each other and from this machine, and held to their limits.
    pub isolates: bool,
    /// What has to live as long as the runtime does.
    pub _keeps: Vec<Box<dyn Send>>,
}

/// A sandbox of a case, with what is around it.
struct Running {
    sandbox: Arc<dyn Sandbox>,
    logs: Arc<LogBook>,
}

/// A case's folder, service and runtime.
struct Case {
    bench: Bench,
    prepared: Prepared,
    folder: TempDir,
    service: SocketAddr,
}

/// Makes the tests of the suite for a runtime. Cases that need what it can't do return at once.
macro_rules! runtime_suite {
    ($bench:path: $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                $crate::runtime_suite::$case($bench().await).await;
            }
        )*
    };
    ($bench:path) => {
        $crate::runtime_suite::runtime_suite! { $bench:
            what_is_present_is_not_fetched_again
            output_and_exit_code_are_told
            the_environment_is_the_images_and_the_sessions
            the_home_is_kept_and_also_found_under_files
            mounts_are_seen_and_only_written_where_that_is_meant
            a_port_refuses_until_somebody_listens
            the_service_is_reached_from_inside
            a_program_is_asked_to_end_and_then_ended
            after_its_end_a_sandbox_refuses_connections
            one_id_can_be_used_again_and_again
            a_hungry_program_is_killed_and_that_is_said
            a_program_that_forks_without_end_is_held
            a_full_disk_is_told_as_such
            nothing_is_reached_where_egress_is_none
            only_the_listed_hosts_are_reached_where_there_is_a_list
            sandboxes_do_not_see_each_other_nor_this_machine
        }
    };
}
pub(crate) use runtime_suite;

impl Case {
    async fn new(bench: Bench) -> Self {
        bench.runtime.sweep().await.unwrap();
        let prepared = bench.runtime.prepare(&bench.source, &|_: Progress| {}).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { bench, prepared, folder, service: service().await }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn spec(&self, script: &str) -> SandboxSpec {
        SandboxSpec {
            id: format!("suite-{}-{}", std::process::id(), next()),
            environment: [
                ("SCRIPT".to_owned(), script.to_owned()),
                ("HOME".to_owned(), "/home/session".to_owned()),
                ("PORT".to_owned(), "8088".to_owned()),
                ("SERVICE".to_owned(), self.bench.runtime.address_of_service(self.service)),
            ]
            .into(),
            port: 8088,
            home: self.home(),
            mounts: Vec::new(),
            limits: Limits {
                cpu_millis: 1000,
                memory_bytes: 64 * MIB,
                processes: 32,
                disk_bytes: 8 * MIB,
                home_bytes: 1 << 30,
            },
            egress: Egress::None,
            service: self.service,
            logs: Arc::default(),
        }
    }

    async fn start(&self, script: &str) -> Running {
        self.start_spec(self.spec(script)).await
    }

    async fn start_spec(&self, spec: SandboxSpec) -> Running {
        let logs = Arc::clone(&spec.logs);
        Running { sandbox: self.bench.runtime.start(&self.prepared, spec).await.unwrap(), logs }
    }

    /// Runs a script to its end.
    async fn run(&self, script: &str) -> (Exit, String) {
        self.run_spec(self.spec(script)).await
    }

    async fn run_spec(&self, spec: SandboxSpec) -> (Exit, String) {
        let running = self.start_spec(spec).await;
        let exit = running.end().await;
        running.sandbox.stop(Duration::ZERO).await;
        (exit, running.said())
    }
}

impl Running {
    async fn end(&self) -> Exit {
        let mut exit = self.sandbox.exit();
        let ended = timeout(PATIENCE, exit.wait_for(Option::is_some)).await.expect("it ends").unwrap();
        ended.unwrap()
    }

    /// What the program said, on both of its outputs.
    fn said(&self) -> String {
        let lines = self.logs.since(0).into_iter().filter(|line| line.stream != LogStream::Platform);
        lines.map(|line| line.text + "\n").collect()
    }

    /// Waits for a line.
    async fn says(&self, text: &str) {
        let mut news = self.logs.follow();
        let said = async {
            while !self.said().contains(text) {
                news.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("it says `{text}`, not {:?}", self.said()));
    }

    /// Dials until somebody listens.
    async fn dial(&self) -> Box<dyn Connection> {
        let dialled = async {
            loop {
                match self.sandbox.connect().await {
                    Ok(connection) => return connection,
                    Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        timeout(PATIENCE, dialled).await.unwrap_or_else(|_| panic!("it listens; it says {:?}", self.said()))
    }
}

fn next() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// A service that answers every connection with one sentence.
async fn service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 512];
                let _ = caller.read(&mut request).await;
                let _ = caller.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nwelcome").await;
            });
        }
    });
    address
}

pub async fn what_is_present_is_not_fetched_again(bench: Bench) {
    let case = Case::new(bench).await;
    let seen = std::sync::Mutex::new(Vec::new());
    let report = |progress: Progress| seen.lock().unwrap().push(progress);
    let again = case.bench.runtime.prepare(&case.bench.source, &report).await.unwrap();
    assert_eq!(again, case.prepared);
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.last(), Some(&Progress::Present { cached: true }), "{seen:?}");
    assert!(!seen.iter().any(|progress| matches!(progress, Progress::Pulling { .. } | Progress::Unpacking)));
}

pub async fn output_and_exit_code_are_told(bench: Bench) {
    let case = Case::new(bench).await;
    let running = case.start("echo out; echo err >&2; printf unfinished; exit 3").await;
    let exit = running.end().await;
    assert_eq!(exit, Exit { code: Some(3), signal: None, out_of_memory: false });
    let lines = running.logs.since(0);
    for (stream, text) in
        [(LogStream::Stdout, "out"), (LogStream::Stderr, "err"), (LogStream::Stdout, "unfinished")]
    {
        assert!(lines.iter().any(|line| line.stream == stream && line.text == text), "{text}: {lines:?}");
    }
    running.sandbox.stop(Duration::ZERO).await;
}

pub async fn the_environment_is_the_images_and_the_sessions(bench: Bench) {
    let case = Case::new(bench).await;
    let mut spec = case.spec("echo \"[$AGENT] [$PATH] [$CARGO_MANIFEST_DIR]\"");
    spec.environment.insert("AGENT".into(), "a b $(c) 'd'\n\"e\"".into());
    let (_, said) = case.run_spec(spec).await;
    assert!(said.starts_with("[a b $(c) 'd'\n\"e\"] [/") && said.ends_with("] []\n"), "{said}");
}

pub async fn the_home_is_kept_and_also_found_under_files(bench: Bench) {
    let case = Case::new(bench).await;
    fs::write(case.home().join("before"), "from outside").unwrap();
    let (exit, said) = case.run("cat $HOME/before; echo inside > $HOME/after; mkdir -p $HOME/deep/er").await;
    assert_eq!((exit.code, said.as_str()), (Some(0), "from outside\n"));
    assert_eq!(fs::read_to_string(case.home().join("after")).unwrap(), "inside\n");
    assert_eq!(case.run("cat $HOME/after").await.1, "inside\n");
    if case.bench.isolates {
        assert_eq!(
            case.run("cat /files/after; echo x > /files/new; cat /home/session/new").await.1,
            "inside\nx\n"
        );
    }
    // The service can remove all of it.
    fs::remove_dir_all(case.home()).unwrap();
}

pub async fn mounts_are_seen_and_only_written_where_that_is_meant(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let (certificate, shared) = (case.folder.path().join("ca.pem"), case.folder.path().join("shared"));
    fs::write(&certificate, "trust me").unwrap();
    fs::create_dir(&shared).unwrap();
    let mut spec =
        case.spec("cat /run/ca.pem; echo x > /run/ca.pem; echo y > /srv/shared/note && echo written");
    spec.mounts = vec![
        Mount { from: certificate.clone(), to: "/run/ca.pem".into(), writable: false },
        Mount { from: shared.clone(), to: "/srv/shared".into(), writable: true },
    ];
    let (_, said) = case.run_spec(spec).await;
    assert!(said.contains("trust me") && said.contains("Read-only") && said.contains("written"), "{said}");
    assert_eq!(fs::read_to_string(certificate).unwrap(), "trust me");
    assert_eq!(fs::read_to_string(shared.join("note")).unwrap(), "y\n");
}

pub async fn a_port_refuses_until_somebody_listens(bench: Bench) {
    let case = Case::new(bench).await;
    let running = case
        .start(
            "echo up; while ! [ -e $HOME/go ]; do sleep 0.01; done; \
                while true; do busybox nc -l -p $PORT -e echo hello; done",
        )
        .await;
    running.says("up").await;
    let error = running.sandbox.connect().await.err().expect("nobody listens yet");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    fs::write(case.home().join("go"), "").unwrap();
    for _ in 0..3 {
        let mut said = String::new();
        running.dial().await.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hello\n");
    }
    running.sandbox.stop(Duration::ZERO).await;
}

pub async fn the_service_is_reached_from_inside(bench: Bench) {
    let case = Case::new(bench).await;
    for egress in [Egress::None, Egress::Only(vec!["example.com".into()]), Egress::Open] {
        let mut spec = case.spec("busybox wget -q -O - http://$SERVICE/");
        spec.egress = egress;
        assert_eq!(case.run_spec(spec).await.1, "welcome\n");
    }
}

pub async fn a_program_is_asked_to_end_and_then_ended(bench: Bench) {
    let case = Case::new(bench).await;
    let polite = case.start("trap 'echo bye; exit 7' TERM; echo up; while true; do sleep 0.1; done").await;
    polite.says("up").await;
    polite.sandbox.stop(PATIENCE).await;
    assert_eq!(polite.end().await.code, Some(7));
    assert!(polite.said().contains("bye"), "{}", polite.said());
    let stubborn = case.start("trap 'echo no' TERM; echo up; while true; do sleep 0.1; done").await;
    stubborn.says("up").await;
    stubborn.sandbox.stop(Duration::from_secs(1)).await;
    let exit = stubborn.end().await;
    assert_eq!((exit.code, exit.signal, exit.out_of_memory), (None, Some(9), false));
    assert!(stubborn.said().contains("no"), "{}", stubborn.said());
}

pub async fn after_its_end_a_sandbox_refuses_connections(bench: Bench) {
    let case = Case::new(bench).await;
    let running = case.start("exit 0").await;
    running.end().await;
    let error = running.sandbox.connect().await.err().expect("it has ended");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    // More than once is fine, at the same time too.
    tokio::join!(running.sandbox.stop(Duration::ZERO), running.sandbox.stop(PATIENCE));
    running.sandbox.stop(Duration::ZERO).await;
}

pub async fn one_id_can_be_used_again_and_again(bench: Bench) {
    let case = Case::new(bench).await;
    let spec = case.spec("echo $$; exec sleep 1000");
    for _ in 0..5 {
        let running = case.start_spec(SandboxSpec { logs: Arc::default(), ..spec.clone() }).await;
        running.sandbox.stop(Duration::ZERO).await;
        running.end().await;
    }
    // A later service finds nothing of them.
    assert_eq!(case.bench.runtime.sweep().await.unwrap(), Vec::<String>::new());
}

pub async fn a_hungry_program_is_killed_and_that_is_said(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let (exit, said) = case.run("x=0123456789abcdef; while true; do x=$x$x; done").await;
    assert!(exit.out_of_memory, "{exit:?}: {said}");
    assert!(exit.to_string().contains("memory"), "{exit}");
}

pub async fn a_program_that_forks_without_end_is_held(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let running = case.start("bomb() { bomb | bomb & }; bomb; sleep 1000").await;
    running.says("fork").await;
    running.sandbox.stop(Duration::ZERO).await;
    assert!(!running.end().await.out_of_memory);
}

pub async fn a_full_disk_is_told_as_such(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let (_, said) = case.run("busybox dd if=/dev/zero of=/tmp/big bs=1M count=48; echo still here").await;
    assert!(said.contains("No space left on device") && said.contains("still here\n"), "{said}");
}

pub async fn nothing_is_reached_where_egress_is_none(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "for host in 127.0.0.1 192.0.2.1 $(busybox ip route 2>/dev/null | busybox awk '{{print $3}}'); do \
         busybox nc -w 2 $host {port} </dev/null && echo reached $host; done; \
         echo \"[$HTTP_PROXY]\"; echo end"
    );
    let (_, said) = case.run(&script).await;
    assert!(!said.contains("reached") && said.contains("[]\nend\n"), "{said}");
}

pub async fn only_the_listed_hosts_are_reached_where_there_is_a_list(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    // A name that leads to this machine: no list opens that.
    let mut spec = case.spec(
        "for url in http://unlisted.example/ http://localhost:9/; do \
         busybox wget -Y on -q -O - $url; done; echo end",
    );
    spec.egress = Egress::Only(vec!["localhost:9".into()]);
    let (_, said) = case.run_spec(spec.clone()).await;
    assert!(said.contains("end\n"), "{said}");
    let refused: Vec<String> = spec.logs.since(0).into_iter().map(|line| line.text).collect();
    assert!(
        refused.iter().any(|line| line.contains("unlisted.example") && line.contains("list")),
        "{refused:?}"
    );
}

pub async fn sandboxes_do_not_see_each_other_nor_this_machine(bench: Bench) {
    if !bench.isolates {
        return;
    }
    let case = Case::new(bench).await;
    let other = case.start("echo up; exec sleep 987").await;
    other.says("up").await;
    let secret = case.folder.path().join("secret");
    fs::write(&secret, "host").unwrap();
    let script = format!(
        "echo others: $(busybox ps | busybox grep -c '[s]leep 987'); cat {}; \
         busybox mount -t tmpfs x /mnt; id",
        secret.display()
    );
    let (_, said) = case.run(&script).await;
    assert!(said.contains("others: 0\n"), "{said}");
    assert!(!said.contains("host\n"), "{said}");
    other.sandbox.stop(Duration::ZERO).await;
}
