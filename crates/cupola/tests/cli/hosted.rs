//! `cupola agents deploy`, `cupola agents logs` and `cupola sessions`: a Python program without dependencies,
//! hosted as a plain process.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use crate::home::{Home, Server};

const PROGRAM: &str = include_str!("hosted/agent.py");

const MANIFEST: &str = "\
    name: echo\n\
    description: Says it again.\n\
    code: src\n\
    runtime: python_3_13\n\
    entry_point: python3 main.py\n\
    cpu: 0.5\n\
    memory: 1Gi\n\
    protocols: {responses: 2.0.0}\n\
    environment: {GREETING: Hello}\n";

/// A server that hosts code as plain processes, and the directory of an agent.
fn home() -> (Home, Server) {
    let home = Home::new();
    home.configure(
        "listen = \"127.0.0.1:0\"\n[models]\ndiscover = false\n[hosting]\nruntime = \"process\"\n",
    );
    fs::create_dir_all(home.path().join("echo/src")).unwrap();
    home.file("echo/agent.yaml", MANIFEST);
    home.file("echo/src/main.py", PROGRAM);
    let server = home.serve();
    (home, server)
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_directory_is_deployed_once_and_again_only_when_it_has_changed() {
    let (home, _server) = home();
    let ended = home.run(&["agents", "deploy", "echo"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("Code echo/src: 1 file, "), "{ended:?}");
    assert!(
        ended.err.contains("echo:1 is being created") && ended.err.contains("echo:1 is active"),
        "{ended:?}"
    );
    assert!(ended.err.ends_with("Try it: cupola agents run echo \"Hello\"\n"), "{ended:?}");
    assert!(ended.out.contains("/agents/echo/endpoint/protocols/openai/responses\n"), "{ended:?}");
    assert!(ended.out.contains("environment   GREETING\n") && !ended.out.contains("Hello"), "{ended:?}");

    let again = home.run(&["agents", "deploy", "echo/agent.yaml", "--json"]);
    assert!(again.err.contains("echo:1 is the same already"), "{again:?}");
    let version: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&version["version"], &version["status"]), (&json!("1"), &json!("active")));

    home.file("echo/src/main.py", &format!("{PROGRAM}\n# another one\n"));
    let changed = home.json_of(&["agents", "deploy", "echo"]);
    assert_eq!(changed["version"], json!("2"));
    assert_ne!(
        changed["definition"]["code_configuration"]["content_hash"],
        version["definition"]["code_configuration"]["content_hash"]
    );
    let other = home.json_of(&["agents", "deploy", "echo", "--name", "other", "--no-wait"]);
    assert_eq!(other["id"], json!("other:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_version_comes_back_as_it_was_sent() {
    let (home, _server) = home();
    let version = home.json_of(&["agents", "deploy", "echo"]);
    let download = home.project().agents().download_code("echo", None).await.unwrap();
    assert_eq!(download.version.as_deref(), Some("1"));
    let package = download.into_package().await.unwrap();
    assert_eq!(version["definition"]["code_configuration"]["content_hash"], json!(package.sha256()));
}

#[test]
fn a_version_that_does_not_come_up_is_a_failure_with_the_reason_and_where_to_read_more() {
    let (home, _server) = home();
    home.file("echo/src/main.py", "import sys\nprint('I give up', file=sys.stderr)\nsys.exit(3)\n");
    let ended = home.run(&["agents", "deploy", "echo"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("exited with code 3") && ended.err.contains("I give up"), "{ended:?}");
    assert!(ended.err.ends_with("More: cupola explain ContainerProbesFailed\n"), "{ended:?}");
    let shown = home.output_of(&["agents", "show", "echo"]);
    assert!(shown.contains("\nstatus        failed\nerror         The container exited"), "{shown}");
}

#[test]
fn what_is_wrong_with_the_file_is_said_before_anything_is_sent() {
    let (home, _server) = home();
    home.file("echo/agent.yaml", &MANIFEST.replace("memory:", "memroy:"));
    let ended = home.run(&["agents", "deploy", "echo"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("echo/agent.yaml: there is no key `memroy`; did you mean `memory`?"),
        "{ended:?}"
    );
    let ended = home.run(&["agents", "deploy", "nowhere"]);
    assert!(ended.err.contains("nowhere can't be read: "), "{ended:?}");
    home.file("echo/agent.yaml", MANIFEST);
    let ended = home.run(&["agents", "deploy", "echo", "--image", "r/echo:1"]);
    assert!(ended.err.contains("--image has nothing to replace"), "{ended:?}");
    assert_eq!(home.json_of(&["agents", "list"]), json!([]));
}

#[test]
fn a_hosted_agent_is_talked_with_in_a_session_that_stays() {
    let (home, _server) = home();
    home.output_of(&["agents", "deploy", "echo"]);
    let ended = home.run(&["agents", "run", "echo", "Ana", "--session", "mine"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Hello Ana\n"), "{ended:?}");
    assert!(ended.err.ends_with(", session mine\n"), "{ended:?}");
    let response = home.json_of(&["agents", "run", "echo", "Bo", "--session", "mine"]);
    assert_eq!(response["agent_session_id"], json!("mine"));

    let ended = home.run_with_input(&["chat", "echo", "--session", "mine"], "one\ntwo\n");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Hello one\nHello two\n"), "{ended:?}");
    let sessions = home.json_of(&["sessions", "list", "echo"]);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");

    home.output_of(&["agents", "create", "helper"]);
    for arguments in [&["agents", "run", "helper", "Hi"][..], &["chat", "helper"]] {
        let ended = home.run(&[arguments, &["--session", "mine"]].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("helper is not a hosted agent, so it has no sessions."), "{ended:?}");
    }
}

#[test]
fn sessions_are_created_listed_shown_stopped_and_deleted() {
    let (home, _server) = home();
    home.output_of(&["agents", "deploy", "echo"]);
    let ended = home.run(&["sessions", "list", "echo"]);
    assert!(ended.err.ends_with("has no sessions. Create one: cupola sessions create echo\n"), "{ended:?}");
    let created = home.json_of(&["sessions", "create", "echo:1", "--id", "mine"]);
    assert_eq!((&created["agent_session_id"], &created["status"]), (&json!("mine"), &json!("active")));
    let own = home.json_of(&["sessions", "create", "echo"]);

    let table = home.output_of(&["sessions", "list", "echo"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["SESSION", "STATUS", "VERSION", "USED", "CREATED"]);
    assert_eq!(rows[1][..3], [text_of(&own["agent_session_id"]), "active", "1"]);
    assert_eq!(rows[2][..3], ["mine", "active", "1"]);

    assert_eq!(home.output_of(&["sessions", "stop", "echo", "mine"]), "mine is stopped.\n");
    let shown = home.output_of(&["sessions", "show", "echo", "mine"]);
    assert!(shown.contains("\nagent         echo:1\nstatus        idle\n"), "{shown}");
    let deleted = home.json_of(&["sessions", "delete", "echo", "mine"]);
    assert_eq!(deleted, json!([{"agent_session_id": "mine", "status": "deleted"}]));
    let count = |arguments: &[&str]| home.json_of(arguments).as_array().unwrap().len();
    assert_eq!(count(&["sessions", "list", "echo"]), 1);
    assert_eq!(count(&["sessions", "list", "echo", "--all"]), 2);
}

#[test]
fn files_of_a_session_go_in_and_out_whether_its_sandbox_runs_or_not() {
    let (home, _server) = home();
    home.output_of(&["agents", "deploy", "echo"]);
    home.output_of(&["agents", "run", "echo", "Ana", "--session", "mine"]);
    assert_eq!(home.output_of(&["sessions", "files", "get", "echo", "mine", "last.txt", "-"]), "Ana");
    home.output_of(&["sessions", "stop", "echo", "mine"]);
    home.file("report.csv", "1,2\n");
    let ended = home.run(&["sessions", "files", "put", "echo", "mine", "report.csv", "in/"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), "in/report.csv (4 bytes)\n"), "{ended:?}");
    let ended = home.run_with_input(&["sessions", "files", "put", "echo", "mine", "-", "in/b"], "bb");
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let table = home.output_of(&["sessions", "files", "ls", "echo", "mine"]);
    let names: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(names, ["NAME", "in/", "last.txt"]);
    let entries = home.json_of(&["sessions", "files", "ls", "echo", "mine", "in"]);
    assert_eq!((&entries[0]["name"], &entries[1]["size"]), (&json!("b"), &json!(4)));

    fs::create_dir(home.path().join("here")).unwrap();
    home.output_of(&["sessions", "files", "get", "echo", "mine", "in/report.csv", "here"]);
    assert_eq!(fs::read_to_string(home.path().join("here/report.csv")).unwrap(), "1,2\n");
    let ended = home.run(&["sessions", "files", "rm", "echo", "mine", "in"]);
    assert!(ended.code == Some(1) && ended.err.contains("is not empty"), "{ended:?}");
    let removed = home.output_of(&["sessions", "files", "rm", "echo", "mine", "in", "--recursive"]);
    assert_eq!(removed, "in is deleted.\n");

    let ended = home.run(&["sessions", "files", "get", "echo", "mine", "in/b"]);
    assert!(ended.err.ends_with("which ones there are: cupola sessions files ls echo mine\n"), "{ended:?}");
    assert!(!home.path().join("b").exists());
    let ended = home.run(&["sessions", "files", "ls", "echo", "yours"]);
    assert!(ended.err.ends_with("which ones there are: cupola sessions list echo\n"), "{ended:?}");
}

#[test]
fn a_log_shows_what_the_program_said_and_goes_on_when_it_is_followed() {
    let (home, _server) = home();
    home.output_of(&["agents", "deploy", "echo"]);
    let none = home.run(&["agents", "logs", "echo"]);
    assert!(none.err.contains("echo has no sessions"), "{none:?}");
    home.output_of(&["agents", "run", "echo", "Ana", "--session", "mine"]);

    let ended = home.run(&["agents", "logs", "echo"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), "Session mine\n"), "{ended:?}");
    assert!(ended.out.contains(" out asked: Ana\n") && ended.out.contains(" err to standard error\n"));
    let last = home.output_of(&["agents", "logs", "echo", "--session", "mine", "--tail", "1", "--json"]);
    let lines: Vec<Value> = last.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = lines.iter().filter(|line| line["stream"] == "stdout" || line["stream"] == "stderr");
    assert_eq!(said.count(), 1, "{last}");

    let mut command = home.command(&["agents", "logs", "echo", "--session", "mine", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    home.output_of(&["agents", "run", "echo", "Bo", "--session", "mine"]);
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let seen = lines.map(Result::unwrap).find(|line| line.ends_with(" out asked: Bo"));
    assert!(seen.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}
