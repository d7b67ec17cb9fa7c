//! A runtime on the shared daemon, with what its sandboxes need around them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bollard::Docker;
use cupola_hosting::{
    DockerRuntime, DockerSettings, Egress, Exit, Failure, ImageSource, Limits, LogBook, LogStream, Prepared,
    Progress, Runtime, Sandbox, SandboxSpec, Source, image::DockerConfig,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{daemon::Daemon, images, registry::Registry};

/// What a test has.
pub struct Host {
    pub docker: Docker,
    pub registry: Registry,
    pub runtime: DockerRuntime,
    pub settings: DockerSettings,
    pub service: SocketAddr,
    pub folder: TempDir,
    pub _daemon: Option<Daemon>,
}

/// A sandbox and what it said.
pub struct Running {
    pub sandbox: Arc<dyn Sandbox>,
    pub logs: Arc<LogBook>,
}

impl Host {
    pub async fn new(test: &str) -> Self {
        let daemon = Daemon::shared().await;
        let host = Self::on(daemon.socket(), daemon.client().await, test).await;
        Self { _daemon: Some(daemon), ..host }
    }

    /// On a daemon that the test looks after.
    pub async fn on(socket: String, docker: Docker, test: &str) -> Self {
        let settings = DockerSettings {
            owner: format!("{test}-{}", std::process::id()),
            socket: Some(socket),
            ..DockerSettings::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let config = DockerConfig::at(folder.path().join("docker.json"));
        let runtime = DockerRuntime::connect(settings.clone()).await.unwrap().with_docker_config(config);
        Self {
            docker,
            registry: Registry::start(),
            runtime,
            settings,
            service: service().await,
            folder,
            _daemon: None,
        }
    }

    /// A name in the registry.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.address())
    }

    /// Fetches an image and tells what happened on the way.
    pub async fn prepare(&self, reference: &str) -> (Result<Prepared, Failure>, Vec<Progress>) {
        let source = ImageSource { reference: reference.to_owned(), credentials: None };
        self.prepare_source(&Source::Image(source)).await
    }

    pub async fn prepare_source(&self, source: &Source) -> (Result<Prepared, Failure>, Vec<Progress>) {
        let seen = Mutex::new(Vec::new());
        let prepared = self.runtime.prepare(source, &|progress| seen.lock().unwrap().push(progress)).await;
        (prepared, seen.into_inner().unwrap())
    }

    /// The image that runs scripts, published and fetched.
    pub async fn shell(&self) -> Prepared {
        let reference = self.reference("shell:1");
        images::publish(&self.docker, &images::SHELL, &reference).await;
        self.prepare(&reference).await.0.unwrap()
    }

    pub fn spec(&self, id: &str, script: &str) -> SandboxSpec {
        let home = self.folder.path().join(id);
        std::fs::create_dir_all(&home).unwrap();
        SandboxSpec {
            id: id.to_owned(),
            environment: BTreeMap::from([("SCRIPT".to_owned(), script.to_owned())]),
            port: 8088,
            home,
            mounts: Vec::new(),
            limits: Limits {
                cpu_millis: 500,
                memory_bytes: 64 << 20,
                processes: 32,
                disk_bytes: 1 << 30,
                home_bytes: 1 << 30,
            },
            egress: Egress::None,
            service: self.service,
            logs: Arc::default(),
        }
    }

    pub async fn start(&self, prepared: &Prepared, spec: SandboxSpec) -> Running {
        let logs = Arc::clone(&spec.logs);
        Running { sandbox: self.runtime.start(prepared, spec).await.unwrap(), logs }
    }

    /// Runs a script to its end in a fresh sandbox and gives what it printed.
    pub async fn print(&self, prepared: &Prepared, script: &str) -> String {
        self.print_with(prepared, self.spec("print", script)).await
    }

    pub async fn print_with(&self, prepared: &Prepared, spec: SandboxSpec) -> String {
        let running = self.start(prepared, spec).await;
        let exit = running.ended().await;
        running.sandbox.stop(Duration::ZERO).await;
        assert_eq!(exit.code, Some(0), "{}", running.text(None));
        running.text(Some(LogStream::Stdout))
    }

    /// The addresses of the open or the closed network.
    pub async fn subnet(&self, reach: &str) -> String {
        let network = format!("cupola-{}-{reach}", self.settings.owner);
        let options = None::<bollard::query_parameters::InspectNetworkOptions>;
        let found = self.docker.inspect_network(&network, options).await.unwrap();
        found.ipam.unwrap().config.unwrap()[0].subnet.clone().unwrap()
    }

    /// Removes what the daemon would keep.
    pub async fn close(self) {
        self.runtime.sweep().await.unwrap();
        for reach in ["open", "closed"] {
            let network = format!("cupola-{}-{reach}", self.settings.owner);
            self.docker.remove_network(&network).await.unwrap();
        }
    }
}

impl Running {
    /// How it ends.
    pub async fn ended(&self) -> Exit {
        let mut exit = self.sandbox.exit();
        exit.wait_for(Option::is_some).await.unwrap().unwrap()
    }

    /// What it said so far, on one stream or on all.
    pub fn text(&self, stream: Option<LogStream>) -> String {
        let lines = self.logs.since(0).into_iter();
        let lines = lines.filter(|line| stream.is_none_or(|stream| stream == line.stream));
        lines.map(|line| line.text).collect::<Vec<_>>().join("\n")
    }

    /// Waits until it has said this.
    pub async fn says(&self, words: &str) {
        let mut news = self.logs.follow();
        while !self.text(None).contains(words) {
            news.changed().await.unwrap();
        }
    }

    /// Asks it for a page, as soon as it listens.
    pub async fn get(&self, path: &str) -> String {
        let mut connection = loop {
            match self.sandbox.connect().await {
                Ok(connection) => break connection,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// A service on loopback that greets over HTTP.
async fn service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let answer = "HTTP/1.0 200 OK\r\ncontent-length: 16\r\n\r\nthis is Cupola.\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}
