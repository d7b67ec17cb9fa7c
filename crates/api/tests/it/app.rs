//! The service under test, and the actors who talk to it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use bytes::Bytes;
use cupola_api::{
    ClassicColleagues, ClassicDialect, ConfiguredConnection, Hosting, HostingParts, HostingSettings, Keyring,
    LateService, Limits, ResponsesDialect, Service, ServiceParts,
    containers::{Containers, ContainersParts, ContainersSettings},
    hosted,
    memory_stores::{Memories, MemoriesParts},
    operations,
    tools::{self, ToolParts, a2a::Own},
    vector_stores::{Patience, VectorStores, VectorStoresParts},
};
use cupola_engine::{Deployments, Dialect, Engine, Settings, ids};
use cupola_hosting::ProcessRuntime;
use cupola_identity::{
    Certificates, DEFAULT_AUDIENCE, Identity, Issuer, SealingKey, default_roles_everywhere,
};
use cupola_interpreter::{Cage, Interpreters, PoolSettings, Size};
use cupola_models::Catalog;
use cupola_retrieval::{Embedder, Library, Models, Reader, Settings as IndexSettings};
use cupola_store::{Blobs, Change, Durability, FileBlobs, Key, Kind, SharedStore, SqliteStore};
use cupola_tools::{
    machine_identity::MachineIdentity,
    outgoing::{Allow, Outgoing},
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{embedder::Letters, library::Shelf, model::ScriptedModel, redaction::redacted};

/// What a test may want to be different.
#[derive(Default)]
pub struct Setup {
    pub settings: Settings,
    pub limits: Limits,
    pub model: ScriptedModel,
    /// Who answers for deployments; the scripted model where it is left out.
    pub deployments: Option<Arc<dyn Deployments>>,
    /// What there is beside the engine's; the scripted model where it is left out.
    pub catalog: Option<Arc<Catalog>>,
    pub connections: Vec<ConfiguredConnection>,
    /// What hosted agents are allowed; they run as processes. No hosting where it is left out.
    pub hosting: Option<HostingSettings>,
    /// Turns passages into vectors; searches go by words alone where it is left out.
    pub embedder: Option<Letters>,
    /// How long an embedder is waited for.
    pub patience: Patience,
    /// What an earlier service has left behind.
    pub home: Option<TempDir>,
    /// What is searched by `file_search`.
    pub shelf: Shelf,
    /// Whether `file_search` searches the vector stores of the service instead.
    pub searches_own_stores: bool,
    /// Where the Python is that runs code; nowhere where it is left out.
    pub environment: Option<PathBuf>,
    /// How code may run.
    pub containers: ContainersSettings,
    /// How long MCP servers are waited for.
    pub mcp: cupola_tools::mcp::Patience,
}

/// The secret of the service principal `reporter`.
pub const CLIENT_SECRET: &str = "the-secret-of-the-reporter";

/// The service principal `reporter` reads in `demo`.
fn identity_settings() -> cupola_identity::Settings {
    let reporter = json!({
        "client_id": "reporter", "projects": ["demo"], "roles": ["Reader"],
        "sha256": hex::encode(Sha256::digest(CLIENT_SECRET)),
    });
    let principals = vec![serde_json::from_value(reporter).unwrap()];
    cupola_identity::Settings { principals, ..cupola_identity::Settings::default() }
}

/// A service with the projects `demo` and `other`.
pub struct TestApp {
    /// Has a token for every project.
    pub user: Actor,
    /// Has no token.
    pub anon: Actor,
    /// Has a token of another service.
    pub stranger: Actor,
    /// Has a token for the project `other` alone.
    pub neighbour: Actor,
    pub model: ScriptedModel,
    pub shelf: Shelf,
    pub engine: Engine,
    pub store: SharedStore,
    pub service: Service,
    pub home: TempDir,
    issuer: Arc<Issuer>,
    pub certificates: Certificates,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let home = setup.home.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let store: SharedStore =
            Arc::new(SqliteStore::open(&home.path().join("cupola.db"), Durability::Normal).unwrap());
        let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(home.path().join("blobs")).unwrap());
        let identity = Identity::open(home.path(), &identity_settings()).unwrap();
        let token = |roles| {
            let issued = identity.issuer.issue("somebody", DEFAULT_AUDIENCE, roles).unwrap();
            Some(issued.token.expose().to_owned())
        };
        let everywhere = token(default_roles_everywhere());
        let next_door = token([("other".to_owned(), vec!["Azure AI Developer".to_owned()])].into());

        let sealing = Arc::new(SealingKey::open(home.path()).unwrap());
        let classic = Arc::new(ClassicDialect::new(Arc::clone(&store), Arc::clone(&blobs)));
        let responses = ResponsesDialect::new(Arc::clone(&store), Arc::clone(&blobs), Arc::clone(&sealing));
        let responses: Arc<dyn Dialect> = Arc::new(responses);
        let dialects: [Arc<dyn Dialect>; 2] = [classic.clone(), Arc::clone(&responses)];
        let deployments = setup.deployments.unwrap_or_else(|| Arc::new(setup.model.clone()));
        let catalog = setup.catalog.unwrap_or_else(|| Arc::new(Catalog::of(Arc::new(setup.model.clone()))));
        let embedder = setup.embedder.map(|embedder| Arc::new(embedder) as Arc<dyn Embedder>);
        let models = Models { embedder, reranker: None };
        let vector_stores = Arc::new(VectorStores::new(VectorStoresParts {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            library: Library::new(home.path().join("knowledge"), models, IndexSettings::default()),
            reader: Reader::default(),
            patience: setup.patience,
        }));
        let searched: Arc<dyn tools::file_search::Library> = match setup.searches_own_stores {
            true => vector_stores.clone(),
            false => Arc::new(setup.shelf.clone()),
        };
        let memories = Arc::new(Memories::new(MemoriesParts {
            store: Arc::clone(&store),
            deployments: Arc::clone(&deployments),
        }));
        let environment = setup.environment.unwrap_or_else(|| home.path().join("nowhere"));
        let cage = Cage::open(environment, home.path().join("interpreters")).unwrap();
        let pool = PoolSettings { size: Size::default(), spares: 0, idle: Duration::from_secs(60) };
        let containers = Arc::new(Containers::new(ContainersParts {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            interpreters: Interpreters::new(Arc::new(cage), pool),
            settings: setup.containers,
        }));
        let late_service = Arc::new(LateService::default());
        let tools = tools::registry(ToolParts {
            library: searched,
            containers: Arc::clone(&containers),
            outgoing: outgoing(),
            colleagues: Arc::new(ClassicColleagues::new(Arc::clone(&late_service))),
            own: Own::new(["cupola.test".to_owned()], 443),
            memories: Arc::clone(&memories),
            service: Arc::clone(&late_service),
            mcp: setup.mcp,
            keyring: Keyring::new(Arc::clone(&store), Arc::clone(&sealing), setup.connections.as_slice()),
            sealing: Arc::clone(&sealing),
            identity: MachineIdentity::of(&|_| None).unwrap(),
            web: None,
        });
        let engine = Engine::new(Arc::clone(&store), deployments, dialects, tools, setup.settings);
        engine.recover().await.unwrap();
        let hosting = setup.hosting.map(|settings| hosting(home.path(), settings));
        let service = Service::new(ServiceParts {
            projects: vec!["demo".to_owned(), "other".to_owned()],
            store: Arc::clone(&store),
            blobs,
            engine: engine.clone(),
            catalog,
            classic,
            responses,
            authenticator: identity.authenticator,
            managed_identity: identity.managed_identity,
            principals: identity.principals,
            sealing,
            connections: setup.connections,
            hosting,
            vector_stores,
            memories,
            containers,
            limits: setup.limits,
        });
        late_service.set(&service);
        hosted::start(&service).await.unwrap();
        service.vector_stores().start(service.projects()).await.unwrap();
        service.memories().start(service.projects()).await.unwrap();
        service.containers().start(service.projects()).await.unwrap();
        let router = operations::router(service.clone());
        let actor =
            |token| Actor { router: router.clone(), token, project: "demo".to_owned(), headers: Vec::new() };
        // Signed by another service, and well formed.
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Identity::open(elsewhere.path(), &cupola_identity::Settings::default()).unwrap();
        let foreign = other.issuer.issue("somebody", DEFAULT_AUDIENCE, default_roles_everywhere()).unwrap();
        Self {
            user: actor(everywhere),
            anon: actor(None),
            stranger: actor(Some(foreign.token.expose().to_owned())),
            neighbour: actor(next_door),
            model: setup.model,
            shelf: setup.shelf,
            engine,
            store,
            service,
            home,
            issuer: identity.issuer,
            certificates: identity.certificates,
        }
    }

    /// Somebody with a token of this subject for every project.
    pub fn somebody(&self, subject: &str) -> Actor {
        let issued = self.issuer.issue(subject, DEFAULT_AUDIENCE, default_roles_everywhere()).unwrap();
        Actor { token: Some(issued.token.expose().to_owned()), ..self.user.clone() }
    }

    /// Waits until all files of a store have been read, or could not be.
    pub async fn settled(&self, store: &str) {
        let project = Arc::from("demo");
        self.service.vector_stores().until_settled(&project, &[store.to_owned()]).await.unwrap();
    }

    /// The same service again, as it is after it was killed, with this setup.
    pub async fn killed(self, setup: Setup) -> Self {
        self.service.vector_stores().close().await;
        self.service.memories().close().await;
        self.service.containers().close().await;
        Self::with(Setup { home: Some(self.home), ..setup }).await
    }

    /// An agent without tools.
    pub async fn agent(&self) -> String {
        self.agent_with(json!([])).await
    }

    /// An agent with these tools.
    pub async fn agent_with(&self, tools: Value) -> String {
        self.user.create("/assistants", json!({"model": "gpt", "tools": tools})).await
    }

    /// An agent with the functions `get_weather` and `get_time`.
    pub async fn agent_with_functions(&self) -> String {
        self.agent_with(json!([function("get_weather"), function("get_time")])).await
    }

    /// A thread with one message.
    pub async fn thread(&self) -> String {
        let first = json!({"messages": [{"role": "user", "content": "Hello"}]});
        self.user.create("/threads", first).await
    }

    /// A vector store with this id, whose passages are on the shelf.
    pub async fn add_store(&self, id: &str) {
        let insert = Change::Insert {
            key: Key::new(&Arc::from("demo"), Kind::named("vector_store"), id.to_owned()),
            parent: String::new(),
            facet: String::new(),
            created_at: 0,
            doc: json!({"id": id, "created_at": 0, "last_active_at": 0}).to_string().into(),
            aside: None,
        };
        self.store.submit(vec![insert]).await.unwrap();
    }

    /// Gives the store so much to write that whatever is asked next has to wait for it.
    pub fn keep_the_store_busy(&self) {
        let project = Arc::from("elsewhere");
        let insert = |number: usize| Change::Insert {
            key: Key::new(&project, Kind::named("ballast"), ids::new(&number.to_string())),
            parent: String::new(),
            facet: String::new(),
            created_at: 0,
            doc: Bytes::from_static(b"{}"),
            aside: None,
        };
        drop(self.store.submit((0..5_000).map(insert).collect()));
    }

    /// A run of `agent` on a new thread, as the path of the run.
    pub async fn run(&self, agent: &str) -> String {
        let thread = self.thread().await;
        let run = self.user.create(&format!("/threads/{thread}/runs"), json!({"assistant_id": agent})).await;
        format!("/threads/{thread}/runs/{run}")
    }

    /// A run that waits for the output of one call, as the path of the run and the call's id.
    pub async fn waiting_run(&self) -> (String, String) {
        let agent = self.agent_with_functions().await;
        self.model.calls("get_weather", r#"{"city":"Oslo"}"#);
        let run = self.run(&agent).await;
        let seen = self.user.until(&run, "requires_action").await;
        let call = &seen["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
        (run, call.as_str().unwrap().to_owned())
    }
}

/// Hosting that runs code packages as processes. Nobody listens where sandboxes would ask back.
fn hosting(home: &std::path::Path, settings: HostingSettings) -> Arc<Hosting> {
    Arc::new(Hosting::new(HostingParts {
        runtime: Arc::new(ProcessRuntime::open(home.join("processes")).unwrap()),
        folder: home.join("hosting"),
        service: ([127, 0, 0, 1], 9).into(),
        bundle: home.join("bundle.pem"),
        ca: home.join("ca.pem"),
        settings,
    }))
}

/// A function without parameters.
pub fn function(name: &str) -> Value {
    let parameters = json!({"type": "object", "properties": {}});
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

/// The thread in the path of a run.
pub fn thread_of(run: &str) -> &str {
    run.split("/runs").next().unwrap()
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Actor {
    router: Router,
    pub token: Option<String>,
    project: String,
    headers: Vec<(&'static str, String)>,
}

impl Actor {
    /// The same actor in another project.
    pub fn in_project(&self, project: &str) -> Self {
        Self { project: project.to_owned(), ..self.clone() }
    }

    /// The same actor with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same actor, who sends this header with every request.
    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut actor = self.clone();
        actor.headers.push((name, value.to_owned()));
        actor
    }

    /// A request with the actor's credentials.
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let between = if path.contains('?') { '&' } else { '?' };
        let uri = format!("/api/projects/{}{path}{between}api-version=v1", self.project);
        let request = Request::builder().method(method).uri(uri);
        let with_header = |request: http::request::Builder, (name, value): &(&str, String)| {
            request.header(*name, value.as_str())
        };
        let request = self.headers.iter().fold(request, with_header);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sends a request and gives the answer's head, with its body still to be read.
    pub async fn open(&self, request: Request<Body>) -> http::Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_bytes(path, body.to_string()).await
    }

    pub async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Sends a JSON body with another method than `POST`.
    pub async fn send_json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path).body(Body::empty()).unwrap()).await
    }

    /// Creates something that must be accepted, and gives its id.
    pub async fn create(&self, path: &str, body: Value) -> String {
        self.post(path, body).await.accepted()["id"].as_str().unwrap().to_owned()
    }

    /// Posts with `"stream": true` and gives the events as they come.
    pub async fn stream(&self, path: &str, mut body: Value) -> Events {
        body["stream"] = Value::Bool(true);
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        let response = self.open(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Events { body: response.into_body(), text: String::new() }
    }

    /// Posts a form.
    pub async fn post_form(&self, path: &str, form: &Form) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", Form::CONTENT_TYPE);
        self.send(request.body(Body::from(form.bytes())).unwrap()).await
    }

    /// Uploads a small file and gives its id.
    pub async fn upload_text(&self, name: &str) -> String {
        self.upload(name, b"some text").await
    }

    /// Uploads a file and gives its id.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let form = Form::new().text("purpose", "assistants").file(name, bytes);
        self.post_form("/files", &form).await.accepted()["id"].as_str().unwrap().to_owned()
    }

    /// Reads a run again and again until it has this status.
    pub async fn until(&self, run: &str, status: &str) -> Value {
        loop {
            let seen = self.get(run).await.accepted();
            if seen["status"] == status {
                return seen;
            }
            let terminal = ["completed", "failed", "cancelled", "expired", "incomplete"];
            assert!(!terminal.contains(&seen["status"].as_str().unwrap()), "not {status}: {seen:#}");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// The objects of a list, in its order.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await.accepted()["data"].as_array().unwrap().clone()
    }
}

/// A whole answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The object, which must have been accepted.
    pub fn accepted(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        self.json()
    }

    /// The object, which must be new.
    pub fn created(&self) -> Value {
        assert_eq!(self.status, StatusCode::CREATED, "{:?}", self.body);
        self.json()
    }

    /// Status and body as a snapshot holds them.
    pub fn shown(&self) -> String {
        let status = self.status;
        redacted(&format!("{status}\n{}", serde_json::to_string_pretty(&self.json()).unwrap()))
    }

    /// A refusal in the wire's envelope: status, message, code, param.
    pub fn refusal(&self) -> (u16, String, Option<String>, Option<String>) {
        let body = self.json();
        let keys: Vec<&String> = body["error"].as_object().unwrap().keys().collect();
        let (classic, modern) = keys.split_at(4);
        assert_eq!(classic, ["message", "type", "param", "code"], "the envelope has exactly these fields");
        // What the newer clients expect beside them.
        assert!(modern.is_empty() || modern == ["details", "additionalInfo"], "{keys:?}");
        let text = |field: &str| body["error"][field].as_str().map(str::to_owned);
        (self.status.as_u16(), text("message").unwrap(), text("code"), text("param"))
    }
}

/// Asserts a refusal: status, message, code and param.
#[track_caller]
pub fn assert_refused(answer: &Answer, status: u16, message: &str, code: Option<&str>, param: Option<&str>) {
    let (seen_status, seen_message, seen_code, seen_param) = answer.refusal();
    assert_eq!(
        (seen_status, seen_message.as_str(), seen_code.as_deref(), seen_param.as_deref()),
        (status, message, code, param)
    );
}

/// A multipart form.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub const CONTENT_TYPE: &str = "multipart/form-data; boundary=the-boundary";

    pub fn new() -> Self {
        Self::default()
    }

    pub fn text(mut self, name: &str, text: &str) -> Self {
        let head = format!("--the-boundary\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn file(self, filename: &str, bytes: &[u8]) -> Self {
        self.file_as("file", filename, bytes)
    }

    /// A file as the part with this name.
    pub fn file_as(mut self, name: &str, filename: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "--the-boundary\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.0.as_slice(), b"--the-boundary--\r\n"].concat()
    }
}

/// A stream of server-sent events.
pub struct Events {
    body: Body,
    text: String,
}

impl Events {
    async fn next(&mut self) -> bool {
        match self.body.frame().await {
            Some(frame) => {
                let frame = frame.unwrap().into_data().unwrap();
                self.text.push_str(std::str::from_utf8(&frame).unwrap());
                true
            }
            None => false,
        }
    }

    /// Reads until this event has come.
    pub async fn until(&mut self, event: &str) {
        while !self.text.contains(&format!("event: {event}\n")) {
            assert!(self.next().await, "the stream ended before {event}: {}", self.text);
        }
    }

    /// Reads to the end and gives everything that came.
    pub async fn all(mut self) -> String {
        while self.next().await {}
        self.text
    }

    /// The object of the newest event of this name.
    pub fn object(&self, event: &str) -> Value {
        let (_, rest) = self.text.rsplit_once(&format!("event: {event}\ndata: ")).unwrap();
        serde_json::from_str(rest.split('\n').next().unwrap()).unwrap()
    }
}

/// Reaches what runs on this machine, and the internet.
fn outgoing() -> Outgoing {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Outgoing::new(Allow::read(["127.0.0.1"]).unwrap()).unwrap()
}
