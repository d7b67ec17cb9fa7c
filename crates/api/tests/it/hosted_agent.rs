//! A service that hosts agents, and a program to host.

use std::io::Write as _;

use axum::body::Body;
use cupola_api::HostingSettings;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Actor, Answer, Form, Setup, TestApp};

const PROGRAM: &str = include_str!("hosted_agent.py");

/// A service that hosts agents.
pub async fn hosting() -> TestApp {
    hosting_with(HostingSettings::default()).await
}

/// A service that hosts agents, with these settings.
pub async fn hosting_with(settings: HostingSettings) -> TestApp {
    TestApp::with(Setup { hosting: Some(settings), ..Setup::default() }).await
}

/// The definition of an agent that runs the program with these protocols.
pub fn definition(protocols: Value) -> Value {
    json!({
        "kind": "hosted",
        "cpu": "0.5",
        "memory": "1Gi",
        "protocol_versions": protocols,
        "code_configuration": {
            "runtime": "python_3_13", "entry_point": ["python", "main.py"], "dependency_resolution": "bundled"
        },
    })
}

/// The protocols of today's programs.
pub fn modern() -> Value {
    json!([
        {"protocol": "responses", "version": "2.0.0"}, {"protocol": "invocations", "version": "1.0.0"}
    ])
}

/// Sends a code package with this file as its program.
pub async fn send_package(actor: &Actor, agent: &str, definition: Value, program: &str) -> Answer {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("main.py", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(program.as_bytes()).unwrap();
    let package = zip.finish().unwrap().into_inner();
    let metadata = json!({"definition": definition}).to_string();
    let form = Form::new().text("metadata", &metadata).file_as("code", "code.zip", &package);
    actor.post_form(&format!("/agents/{agent}/versions"), &form).await
}

/// A version as it is once it has been made, or could not be.
pub async fn made(actor: &Actor, agent: &str, version: &str) -> Value {
    loop {
        let seen = actor.get(&format!("/agents/{agent}/versions/{version}")).await.accepted();
        if seen["status"] != "creating" {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Makes an agent of the program, and waits until it is active.
pub async fn deploy(actor: &Actor, agent: &str, protocols: Value) -> Value {
    let sent = send_package(actor, agent, definition(protocols), PROGRAM).await.accepted();
    let version = made(actor, agent, sent["version"].as_str().unwrap()).await;
    assert_eq!(version["status"], "active", "{version:#}");
    version
}

/// A session of an agent, with its home.
pub struct Home {
    actor: Actor,
    agent: &'static str,
    pub id: String,
}

impl Home {
    /// A new session.
    pub async fn of(actor: &Actor, agent: &'static str) -> Self {
        let session = actor.post(&format!("/agents/{agent}/endpoint/sessions"), json!({})).await.created();
        let id = session["agent_session_id"].as_str().unwrap().to_owned();
        Self { actor: actor.clone(), agent, id }
    }

    /// The same session, as somebody else sees it.
    pub fn seen_by(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), agent: self.agent, id: self.id.clone() }
    }

    /// The path of the session.
    pub fn path(&self) -> String {
        format!("/agents/{}/endpoint/sessions/{}", self.agent, self.id)
    }

    /// The session as it is shown.
    pub async fn shown(&self) -> Value {
        self.actor.get(&self.path()).await.accepted()
    }

    /// The path of a file operation.
    pub fn file(&self, operation: &str, path: &str) -> String {
        let path = percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
        format!("{}/files{operation}?path={path}", self.path())
    }

    pub async fn put(&self, path: &str, content: impl Into<Body>) -> Answer {
        let request = self.actor.request(Method::PUT, &self.file("/content", path));
        self.actor.send(request.body(content.into()).unwrap()).await
    }

    pub async fn read(&self, path: &str) -> Answer {
        self.actor.get(&self.file("/content", path)).await
    }

    pub async fn list(&self, path: &str) -> Answer {
        self.actor.get(&self.file("", path)).await
    }

    pub async fn delete(&self, path: &str, recursive: bool) -> Answer {
        self.actor.delete(&format!("{}&recursive={recursive}", self.file("", path))).await
    }

    pub async fn make_folder(&self, path: &str) -> Answer {
        self.actor.post(&format!("{}/files/mkdir", self.path()), json!({"path": path})).await
    }

    pub async fn stat(&self, path: &str) -> Answer {
        self.actor.get(&self.file("/stat", path)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.actor.get(path).await
    }

    /// Lets the program run this, and gives what it has put into `out`.
    pub async fn run(&self, code: &str) -> Value {
        let path =
            format!("/agents/{}/endpoint/protocols/invocations?agent_session_id={}", self.agent, self.id);
        let answer = self.actor.post_bytes(&path, code.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        serde_json::from_slice::<Value>(&answer.body).unwrap()["out"].clone()
    }

    /// Stops the sandbox.
    pub async fn stop(&self) {
        let stopped = self.actor.post_nothing(&format!("{}:stop", self.path())).await;
        assert_eq!(stopped.status, StatusCode::NO_CONTENT);
    }
}
