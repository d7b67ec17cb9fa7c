//! Hosted agents: code packages, sessions, files, logs and invocations, request by request.

use std::time::Duration;

use cupola_client::{
    CodePackage, Error, Invocation, LogQuery, Patience,
    types::{
        CreateAgentVersion, CreateSession, HostedDefinition, ListQuery, LogSource, SessionLog,
        VersionIndicator,
    },
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const AGENT: &str = "/api/projects/demo/agents/echo";

fn version(status: &str) -> Value {
    json!({"metadata": {}, "object": "agent.version", "id": "echo:1", "name": "echo", "version": "1",
        "description": "", "created_at": 1746168385, "definition": {"kind": "hosted", "cpu": "1"},
        "status": status})
}

fn session(id: &str) -> Value {
    json!({"agent_session_id": id, "version_indicator": {"type": "version_ref", "agent_version": "1"},
        "status": "active", "created_at": 1, "last_accessed_at": 2, "expires_at": 3})
}

fn nothing() -> Answer {
    Answer::Http { status: 204, headers: vec![], pieces: vec![] }
}

#[tokio::test]
async fn a_code_package_is_a_form_with_its_digest_in_front() {
    let server = Server::start([Answer::json(version("creating"))]).await;
    let definition = HostedDefinition::code("python_3_13", ["python", "main.py"]);
    let body = CreateAgentVersion::new(definition);
    let package = CodePackage::zip("PK\0\r\n");
    server.project().agents().create_version_from_code("echo", &body, &package).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.line, format!("POST {AGENT}/versions?api-version=v1"));
    assert_eq!(asked.header("x-ms-code-zip-sha256"), package.sha256());
    let boundary = asked.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
    let metadata = "{\"definition\":{\"kind\":\"hosted\",\"code_configuration\":{\"runtime\":\"python_3_13\",\
        \"entry_point\":[\"python\",\"main.py\"]}}}";
    let expected = [
        &format!("--{boundary}"),
        "Content-Disposition: form-data; name=\"metadata\"",
        "",
        metadata,
        &format!("--{boundary}"),
        "Content-Disposition: form-data; name=\"code\"; filename=\"code.zip\"",
        "Content-Type: application/octet-stream",
        "",
        "PK\0\r\n",
        &format!("--{boundary}--"),
        "",
    ];
    assert_eq!(asked.body, expected.join("\r\n"));
}

#[tokio::test]
async fn a_downloaded_package_has_the_digest_that_was_promised_or_is_an_error() {
    let package = CodePackage::zip("hello");
    let answer = |digest: &str| {
        Answer::bytes(&["hel", "lo"])
            .with_header("x-ms-code-zip-sha256", digest)
            .with_header("x-ms-agent-version", "2")
    };
    let server = Server::start([answer(package.sha256()), answer("00")]).await;
    let agents = server.project().agents();
    let download = agents.download_code("echo", Some("2")).await.unwrap();
    assert_eq!(download.version.as_deref(), Some("2"));
    assert_eq!(download.into_package().await.unwrap().sha256(), package.sha256());
    let damaged = agents.download_code("echo", None).await.unwrap().into_package().await;
    assert!(matches!(damaged, Err(Error::Decode { .. })), "{damaged:?}");
    let line = format!("GET {AGENT}/code:download?api-version=v1");
    assert_eq!(server.lines(), [format!("{line}&agent_version=2"), line]);
}

#[tokio::test]
async fn a_version_is_waited_for_until_it_is_active_or_failed() {
    let mut failed = version("failed");
    failed["error"] = json!({"code": "ImagePullBackOff", "message": "There is no such image."});
    let server = Server::start(
        [version("creating"), version("creating"), version("active"), failed].map(Answer::json),
    )
    .await;
    let patience = Patience { first_pause: Duration::from_millis(1), ..Patience::default() };
    let agents = server.project().agents();
    agents.wait_until_active("echo", "1", patience).await.unwrap();
    assert_eq!(server.lines().len(), 3);
    let error = agents.wait_until_active("echo", "1", patience).await.unwrap_err();
    assert_eq!(error.to_string(), "echo:1 could not be made (ImagePullBackOff): There is no such image.");
}

#[tokio::test]
async fn a_version_that_is_not_ready_in_time_is_an_error_that_says_so() {
    let server = Server::start([Answer::json(version("creating"))]).await;
    let patience = Patience { deadline: Duration::ZERO, ..Patience::default() };
    let error = server.project().agents().wait_until_active("echo", "1", patience).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { ref status, .. } if status == "creating"), "{error:?}");
}

#[tokio::test]
async fn sessions_are_asked_for_where_they_are() {
    let page = json!({"object": "list", "data": [session("s")], "first_id": "s", "last_id": "s",
        "has_more": false});
    let server = Server::start([
        Answer::status(201, session("s")),
        Answer::json(session("s")),
        Answer::json(page),
        nothing(),
        nothing(),
    ])
    .await;
    let sessions = server.project().sessions("echo");
    let new = CreateSession {
        agent_session_id: Some("s".to_owned()),
        version_indicator: Some(VersionIndicator::new("1")),
        ..CreateSession::default()
    };
    sessions.create(&new).await.unwrap();
    assert_eq!(sessions.get("s").await.unwrap().version_indicator.agent_version, "1");
    let all: Vec<_> = sessions.list(ListQuery::default()).try_collect().await.unwrap();
    assert_eq!(all[0].agent_session_id, "s");
    sessions.stop("user:1").await.unwrap();
    sessions.delete("s").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            format!("POST {AGENT}/endpoint/sessions?api-version=v1"),
            format!("GET {AGENT}/endpoint/sessions/s?api-version=v1"),
            format!("GET {AGENT}/endpoint/sessions?api-version=v1"),
            format!("POST {AGENT}/endpoint/sessions/user:1:stop?api-version=v1"),
            format!("DELETE {AGENT}/endpoint/sessions/s?api-version=v1"),
        ]
    );
    assert_eq!(
        server.asked()[0].json(),
        json!({"agent_session_id": "s", "version_indicator": {"type": "version_ref", "agent_version": "1"}})
    );
}

#[tokio::test]
async fn files_go_to_a_path_below_the_home_and_come_back() {
    let entry = |name: &str| json!({"name": name, "size": 2, "is_directory": false, "modified_time": 7});
    let page = |names: &[&str], last: Value, has_more: bool| {
        let entries: Vec<Value> = names.iter().map(|name| entry(name)).collect();
        Answer::json(json!({"path": "in", "entries": entries, "last_id": last, "has_more": has_more}))
    };
    let mut stat = entry("a");
    stat["path"] = json!("in/a");
    let server = Server::start([
        Answer::status(201, json!({"path": "in/a", "bytes_written": 2, "success": true})),
        Answer::bytes(&["h", "i"]),
        page(&["a", "b"], json!("b"), true),
        page(&["c"], Value::Null, false),
        Answer::json(stat),
        Answer::status(201, json!({"path": "out", "success": true})),
        nothing(),
        nothing(),
    ])
    .await;
    let files = server.project().sessions("echo").files("s");
    assert_eq!(files.upload("/in/a", "hi").await.unwrap().bytes_written, 2);
    let bytes: Vec<_> = files.download("in/a").await.unwrap().try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"hi");
    let names: Vec<String> = files.list("in").map_ok(|entry| entry.name).try_collect().await.unwrap();
    assert_eq!(names, ["a", "b", "c"]);
    let stat = files.stat("in/a").await.unwrap();
    assert_eq!((stat.path.as_str(), stat.entry.size), ("in/a", 2));
    files.make_folder("out").await.unwrap();
    files.delete("in/a").await.unwrap();
    files.delete_all("in").await.unwrap();
    let base = format!("{AGENT}/endpoint/sessions/s/files");
    assert_eq!(
        server.lines(),
        [
            format!("PUT {base}/content?api-version=v1&path=%2Fin%2Fa"),
            format!("GET {base}/content?api-version=v1&path=in%2Fa"),
            format!("GET {base}?api-version=v1&path=in"),
            format!("GET {base}?api-version=v1&path=in&after=b"),
            format!("GET {base}/stat?api-version=v1&path=in%2Fa"),
            format!("POST {base}/mkdir?api-version=v1"),
            format!("DELETE {base}?api-version=v1&path=in%2Fa"),
            format!("DELETE {base}?api-version=v1&path=in&recursive=true"),
        ]
    );
}

#[tokio::test]
async fn a_log_is_a_stream_of_typed_frames() {
    let text = "event: log\ndata: {\"session_id\":\"s\",\"session_state\":\"Running\"}\n\n\
        event: later\ndata: ?\n\n\
        event: log\ndata: {\"timestamp\":\"t\",\"stream\":\"stderr\",\"message\":\"Oh\"}\n\n";
    let server = Server::start([Answer::bytes_of(text.to_owned())]).await;
    let query = LogQuery { tail: Some(20), follow: false };
    let frames = server.project().sessions("echo").logs("s", &query).await.unwrap();
    let frames: Vec<SessionLog> = frames.try_collect().await.unwrap();
    assert!(matches!(&frames[0], SessionLog::Session(session) if session.session_id == "s"));
    let SessionLog::Line(line) = &frames[1] else { panic!("{frames:?}") };
    assert_eq!((&line.stream, line.message.as_str()), (&LogSource::Stderr, "Oh"));
    assert_eq!(frames.len(), 2);
    assert_eq!(
        server.lines(),
        [format!("GET {AGENT}/sessions/s:logstream?api-version=v1&follow=false&tail=20")]
    );
}

#[tokio::test]
async fn an_invocation_takes_any_bytes_and_gives_the_answer_as_it_comes() {
    let answer = Answer::bytes(&["\u{1}", "\u{2}"])
        .with_header("x-agent-session-id", "s")
        .with_header("x-agent-invocation-id", "i");
    let server = Server::start([answer, Answer::status(404, json!({"error": {"message": "No."}}))]).await;
    let invocations = server.project().invocations("echo");
    let invocation = Invocation::post("application/x-thing", "\0\u{1}")
        .in_session("user:1")
        .with_header("X-Client-Kind", "test");
    let answer = invocations.send(invocation).await.unwrap();
    assert_eq!((answer.status(), answer.session(), answer.invocation()), (200, Some("s"), Some("i")));
    assert_eq!(answer.into_bytes().await.unwrap(), "\u{1}\u{2}");
    let missing = invocations.send(Invocation::get().below("i").below("cancel")).await;
    assert_eq!(missing.err().and_then(|error| error.status()), Some(404));

    let base = format!("{AGENT}/endpoint/protocols/invocations");
    assert_eq!(
        server.lines(),
        [
            format!("POST {base}?api-version=v1&agent_session_id=user%3A1"),
            format!("GET {base}/i/cancel?api-version=v1"),
        ]
    );
    let asked = &server.asked()[0];
    assert_eq!((asked.header("content-type"), &asked.body[..]), ("application/x-thing", &b"\0\x01"[..]));
    assert_eq!(asked.header("x-client-kind"), "test");
}
