//! The fleet, over real processes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use cupola_hosting::{
    Code, Egress, Fleet, Limits, LogBook, Order, Prepared, Probe, ProcessRuntime, Program, Progress,
    RequestBody, Runtime, SandboxSpec, Source, Why,
};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use tempfile::TempDir;

/// A program that is ready at once, tells its process number, and does what its path says.
const PROGRAM: &str = r#"
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/exit":
            os._exit(7)
        if self.path == "/fill":
            with open(os.environ["FILL"], "wb") as file:
                file.write(b"x" * (4 << 20))
            time.sleep(60)
        if self.path == "/slow":
            time.sleep(0.6)
        body = str(os.getpid()).encode()
        self.send_response(503 if self.path == os.environ.get("BROKEN") else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *rest):
        pass

print("says hello", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

struct Host {
    folder: TempDir,
    runtime: Arc<ProcessRuntime>,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Arc::new(ProcessRuntime::open(folder.path().join("records")).unwrap());
        Self { folder, runtime }
    }

    fn fleet(&self, most: usize) -> (Fleet, tokio::sync::mpsc::UnboundedReceiver<cupola_hosting::Ended>) {
        Fleet::new(self.runtime.clone(), most)
    }

    async fn order(&self, id: &str, program: &str) -> Order {
        let code = self.folder.path().join(format!("code-{id}"));
        std::fs::create_dir_all(&code).unwrap();
        std::fs::write(code.join("main.py"), program).unwrap();
        let prepared = self.prepare(code).await;
        let spec = SandboxSpec {
            id: id.to_owned(),
            environment: std::collections::BTreeMap::new(),
            port: 8088,
            home: self.folder.path().to_owned(),
            mounts: Vec::new(),
            limits: Limits {
                cpu_millis: 1000,
                memory_bytes: 1 << 30,
                processes: 64,
                disk_bytes: 1 << 30,
                home_bytes: 1 << 30,
            },
            egress: Egress::Open,
            service: ([127, 0, 0, 1], 1).into(),
            logs: Arc::new(LogBook::default()),
        };
        let probe = Probe { path: "/readiness".to_owned(), port: 8088, within: Duration::from_secs(20) };
        let (idle_after, grace) = (None, Duration::from_secs(30));
        Order { prepared, spec, probe, idle_after, grace, started: None, held: None }
    }

    async fn prepare(&self, folder: PathBuf) -> Prepared {
        let entry_point = ["python3", "main.py"].map(str::to_owned).to_vec();
        let program = Program { folder, entry_point, language: "python_3_13".to_owned() };
        self.runtime.prepare(&Source::Code(program), &|_: Progress| {}).await.unwrap()
    }
}

async fn get(fleet: &Fleet, order: &Order, path: &str) -> String {
    let body = RequestBody::new(Full::new(Bytes::new()).map_err(|never| match never {}));
    let request = Request::get(path).header("host", "localhost").body(body).unwrap();
    let answer = fleet.enter(order.clone()).await.unwrap().send(request).await.unwrap();
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_comes_at_once_enters_the_same_sandbox() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let order = host.order("one", PROGRAM).await;
    let answers = (0..8).map(|_| get(&fleet, &order, "/")).collect::<Vec<_>>();
    let answers = futures_util::future::join_all(answers).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let spoken = order.spec.logs.since(0);
    assert!(spoken.iter().any(|line| line.text == "says hello"), "{spoken:?}");
    fleet.stop_all().await;
    assert!(fleet.ids().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_nobody_needs_is_stopped_and_started_again_when_somebody_does() {
    let host = Host::new();
    let (fleet, mut endings) = host.fleet(8);
    let order = Order { idle_after: Some(Duration::from_millis(200)), ..host.order("idle", PROGRAM).await };
    // A visit that lasts longer than the time keeps it up.
    let first = get(&fleet, &order, "/slow").await;
    assert!(fleet.has("idle"));
    let ended = endings.recv().await.unwrap();
    assert_eq!((ended.id.as_str(), ended.why), ("idle", Why::Idle));
    assert!(!fleet.has("idle"));
    assert_ne!(get(&fleet, &order, "/").await, first);
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sandbox_holds_is_held_until_it_is_gone_and_no_longer() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let order = host.order("holder", PROGRAM).await;
    let (own, others) = (Arc::new(()), Arc::new(()));
    get(&fleet, &Order { held: Some(own.clone()), ..order.clone() }, "/").await;
    // Who comes to one that runs brings something that it does not need.
    get(&fleet, &Order { held: Some(others.clone()), ..order }, "/").await;
    assert_eq!((Arc::strong_count(&own), Arc::strong_count(&others)), (2, 1));
    fleet.stop("holder").await;
    assert_eq!(Arc::strong_count(&own), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_is_told_and_its_place_is_free() {
    let host = Host::new();
    let (fleet, mut endings) = host.fleet(8);
    let order = host.order("exit", PROGRAM).await;
    let visit = fleet.enter(order.clone()).await.unwrap();
    let body = RequestBody::new(Full::new(Bytes::new()).map_err(|never| match never {}));
    assert!(visit.send(Request::get("/exit").body(body).unwrap()).await.is_err());
    let ended = endings.recv().await.unwrap();
    let Why::Exited(exit) = ended.why else { panic!("{ended:?}") };
    assert_eq!(exit.code, Some(7));
    assert!(!get(&fleet, &order, "/").await.is_empty());
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_enters_a_sandbox_whose_program_has_ended() {
    let host = Host::new();
    let (fleet, _endings) = host.fleet(8);
    let order = host.order("gone", PROGRAM).await;
    let first = get(&fleet, &order, "/").await;
    for _ in 0..5 {
        let (one, other) =
            (fleet.enter(order.clone()).await.unwrap(), fleet.enter(order.clone()).await.unwrap());
        let body = RequestBody::new(Full::new(Bytes::new()).map_err(|never| match never {}));
        assert!(one.send(Request::get("/exit").body(body).unwrap()).await.is_err());
        other.exit_news().wait_for(Option::is_some).await.unwrap();
        assert_ne!(get(&fleet, &order, "/").await, first);
    }
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_before_it_is_ready_is_a_failure_with_its_last_words() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let order = host.order("dies", "import sys; print('no licence', file=sys.stderr); sys.exit(3)").await;
    let failure = fleet.enter(order).await.unwrap_err();
    assert_eq!(failure.code, Code::ContainerProbesFailed);
    assert_eq!(
        failure.message,
        "The container exited with code 3 before it was ready. Its last lines on standard error: no licence"
    );
    assert!(!fleet.has("dies"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_never_gets_ready_is_a_failure_that_says_what_it_answered() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let mut order = host.order("broken", PROGRAM).await;
    order.spec.environment.insert("BROKEN".to_owned(), "/readiness".to_owned());
    order.probe.within = Duration::from_secs(1);
    let failure = fleet.enter(order.clone()).await.unwrap_err();
    assert_eq!(
        failure.message,
        "The container did not become ready within 1 s: GET /readiness on port 8088 was answered with 503 \
         Service Unavailable."
    );
    order.spec.environment.clear();
    assert!(!get(&fleet, &order, "/").await.is_empty(), "the place is free again");
    fleet.stop_all().await;
}

/// A program that takes connections, and then does what this says.
fn of_sockets(act: &str) -> String {
    format!(
        "import os, socket, time\n\
         door = socket.create_server((\"127.0.0.1\", int(os.environ[\"PORT\"])))\n\
         while True:\n    caller, _ = door.accept()\n    {act}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_takes_connections_and_says_nothing_is_said_to_do_so() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let mut order = host.order("silent", &of_sockets("time.sleep(60)")).await;
    order.probe.within = Duration::from_secs(1);
    let failure = fleet.enter(order).await.unwrap_err();
    let said = "port 8088 takes connections and does not answer GET /readiness.";
    assert!(failure.message.ends_with(said), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_ready_without_end_is_not_read_to_its_end() {
    let host = Host::new();
    let (fleet, _) = host.fleet(8);
    let act = "caller.sendall(b\"HTTP/1.1 200 OK\\r\\n\\r\\n\")\n    try:\n        while True: \
               caller.sendall(b\"x\" * 65536)\n    except OSError: print(\"cut off\", flush=True)";
    let order = host.order("endless", &of_sockets(act)).await;
    let logs = Arc::clone(&order.spec.logs);
    fleet.enter(order).await.unwrap();
    let mut news = logs.follow();
    while !logs.since(0).iter().any(|line| line.text == "cut off") {
        news.changed().await.unwrap();
    }
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_holds_too_much_ends_its_sandbox_and_starts_none() {
    let host = Host::new();
    let (fleet, mut endings) = host.fleet(8);
    let mut order = host.order("full", PROGRAM).await;
    order.spec.home = host.folder.path().join("home");
    std::fs::create_dir(&order.spec.home).unwrap();
    let big = order.spec.home.join("big");
    order.spec.environment.insert("FILL".to_owned(), big.display().to_string());
    order.spec.limits.home_bytes = 1 << 20;
    let visit = fleet.enter(order.clone()).await.unwrap();
    let excess = visit.excess_news();
    let body = RequestBody::new(Full::new(Bytes::new()).map_err(|never| match never {}));
    assert!(visit.send(Request::get("/fill").body(body).unwrap()).await.is_err());
    let ended = endings.recv().await.unwrap();
    let Why::Exceeded(why) = ended.why else { panic!("{ended:?}") };
    assert_eq!(excess.get(), Some(&why));
    let why = why.to_string();
    let ending = " MiB, and 1 MiB are the most (hosting.home_gib)";
    assert!(why.starts_with("its home holds ") && why.ends_with(ending), "{why}");
    let failure = fleet.enter(order.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::SandboxUnavailable);
    assert!(failure.message.contains("Delete files of the session"), "{failure}");
    std::fs::remove_file(big).unwrap();
    assert!(!get(&fleet, &order, "/").await.is_empty());
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_more_sandboxes_than_the_most() {
    let host = Host::new();
    let (fleet, _) = host.fleet(1);
    let first = host.order("first", PROGRAM).await;
    get(&fleet, &first, "/").await;
    let failure = fleet.enter(host.order("second", PROGRAM).await).await.unwrap_err();
    assert_eq!(failure.code, Code::SandboxUnavailable);
    fleet.stop("first").await;
    get(&fleet, &host.order("second", PROGRAM).await, "/").await;
    fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_service_left_behind_is_swept_away() {
    let host = Host::new();
    let (fleet, _) = host.fleet(1);
    let order = host.order("left", PROGRAM).await;
    let pid = get(&fleet, &order, "/").await;
    // The next process finds what the first one has written down.
    let next = ProcessRuntime::open(host.folder.path().join("records")).unwrap();
    assert_eq!(next.sweep().await.unwrap(), ["left"]);
    let visit = fleet.find("left").await;
    drop(visit);
    for _ in 0..100 {
        if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} still runs");
}
