//! Containers of the first generation: started by hand, with replicas that all requests share.

use std::time::Duration;

use axum::body::Body;
use cupola_api::HostingSettings;
use cupola_store::{Change, Key, Kind};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Answer, Setup, TestApp, assert_refused},
    hosted_agent::{definition, deploy, hosting, made, send_package},
};

const CONTAINER: &str = "/agents/worker/versions/1/containers/default";
const INVOCATIONS: &str = "/agents/worker/endpoint/protocols/invocations";

fn first_generation() -> Value {
    json!([{"protocol": "responses", "version": "v1"}, {"protocol": "invocations", "version": "v1"}])
}

async fn worker() -> TestApp {
    let app = addressed(hosting().await);
    deploy(&app.user, "worker", first_generation()).await;
    app
}

/// Whose users name the host that they talk to: they are told where to go on.
fn addressed(mut app: TestApp) -> TestApp {
    app.user = app.user.with_header("host", "cupola.test");
    app
}

/// Asks for something, and gives the operation once it is over.
async fn asked(actor: &Actor, verb: &str, body: Value) -> Value {
    let accepted = actor.post(&format!("{CONTAINER}:{verb}"), body).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{:?}", accepted.body);
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    ended(actor, &id).await
}

/// An operation once it is over.
async fn ended(actor: &Actor, id: &str) -> Value {
    loop {
        let operation = actor.get(&format!("/agents/worker/operations/{id}")).await.accepted();
        if !["NotStarted", "InProgress"].contains(&operation["status"].as_str().unwrap()) {
            return operation;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn container(actor: &Actor) -> Value {
    actor.get(CONTAINER).await.accepted()
}

fn replicas(container: &Value) -> Vec<&str> {
    let replicas = container["container"]["replicas"].as_array().unwrap().iter();
    replicas.map(|replica| replica["name"].as_str().unwrap()).collect()
}

fn answered_by(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer.headers["x-agent-session-id"].to_str().unwrap()
}

#[tokio::test]
async fn a_container_is_started_and_stopped_by_operations() {
    let app = worker().await;
    let accepted = app.user.post(&format!("{CONTAINER}:start"), json!({})).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let begun = accepted.json();
    assert_eq!(begun["status"], "NotStarted");
    assert_eq!((&begun["agent_id"], &begun["agent_version_id"]), (&json!("worker"), &json!("worker:1")));
    let id = begun["id"].as_str().unwrap();
    let location = accepted.headers["operation-location"].to_str().unwrap();
    let operations = "https://cupola.test/api/projects/demo/agents/worker/operations";
    assert_eq!(location, format!("{operations}/{id}?api-version=v1"));

    let started = ended(&app.user, id).await;
    assert_eq!((&started["status"], &started["error"]), (&json!("Succeeded"), &Value::Null));
    assert_eq!(started["container"]["status"], "Running");
    let seen = container(&app.user).await;
    assert_eq!((&seen["object"], &seen["status"]), (&json!("agent.container"), &json!("Running")));
    assert_eq!((&seen["min_replicas"], &seen["max_replicas"]), (&json!(1), &json!(1)));
    assert_eq!(seen["container"]["health_state"], "Healthy");
    assert_eq!(replicas(&seen), ["worker--1-0"]);

    let stopped = asked(&app.user, "stop", json!({})).await;
    assert_eq!(stopped["container"]["status"], "Stopped");
    assert!(replicas(&container(&app.user).await).is_empty());
    asked(&app.user, "delete", json!({})).await;
    let message = "The container of the agent version 'worker:1' not found.";
    assert_refused(&app.user.get(CONTAINER).await, 404, message, Some("not_found"), None);

    let of_version = app.user.list(&format!("{CONTAINER}/operations?order=asc")).await;
    let of_agent = app.user.list("/agents/worker/operations?order=asc").await;
    assert_eq!((of_version.len(), &of_version), (3, &of_agent));
    assert_eq!(of_version[0]["id"], id);
}

#[tokio::test]
async fn what_is_so_already_succeeds_at_once() {
    let app = worker().await;
    for verb in ["stop", "delete", "update"] {
        assert_eq!(asked(&app.user, verb, json!({})).await["status"], "Succeeded", "{verb}");
    }
    assert_eq!(app.user.get(CONTAINER).await.status, StatusCode::NOT_FOUND);
    asked(&app.user, "start", json!({})).await;
    let pid = run(&app.user, "out = os.getpid()").await;
    assert_eq!(asked(&app.user, "start", json!({})).await["status"], "Succeeded");
    assert_eq!(run(&app.user, "out = os.getpid()").await, pid, "it still runs");
}

async fn run(actor: &Actor, code: &str) -> Value {
    let answer = actor.post_bytes(INVOCATIONS, code.to_owned()).await;
    assert!(answered_by(&answer).starts_with("worker--1-"), "{}", answered_by(&answer));
    serde_json::from_slice::<Value>(&answer.body).unwrap()["out"].clone()
}

#[tokio::test]
async fn requests_go_to_replicas_once_a_container_runs() {
    let app = worker().await;
    let path = "/agents/worker/endpoint/protocols/openai/responses";
    let before = app.user.post(path, json!({"input": "hi"})).await;
    assert!(!answered_by(&before).starts_with("worker--"), "to a session of its own");
    asked(&app.user, "start", json!({"minReplicas": 2, "maxReplicas": 2})).await;
    assert_eq!(replicas(&container(&app.user).await), ["worker--1-0", "worker--1-1"]);
    let mut seen = Vec::new();
    for user in ["ann", "bob", "ann", "bob"] {
        let answer = app.somebody(user).post(path, json!({"input": "hi"})).await;
        assert_eq!(answer.accepted()["headers"]["x-agent-user-id"], user);
        seen.push(answered_by(&answer).to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["worker--1-0", "worker--1-0", "worker--1-1", "worker--1-1"]);
    let chosen = app.user.post(path, json!({"input": "hi", "agent_session_id": "mine"})).await;
    assert_eq!(answered_by(&chosen), "mine", "a session that is asked for is still had");
}

#[tokio::test]
async fn a_further_replica_is_started_while_the_others_are_busy() {
    let app = worker().await;
    asked(&app.user, "start", json!({"min_replicas": 1, "max_replicas": 2})).await;
    let request =
        app.user.request(Method::GET, &format!("{INVOCATIONS}/stream")).body(Body::empty()).unwrap();
    let mut busy = app.user.open(request).await.into_body();
    busy.frame().await.unwrap().unwrap();
    let second = app.user.post_bytes(INVOCATIONS, "out = 1").await;
    assert_eq!(answered_by(&second), "worker--1-1");
    assert_eq!(replicas(&container(&app.user).await).len(), 2);
}

#[tokio::test]
async fn the_number_of_replicas_can_be_changed() {
    let app = worker().await;
    asked(&app.user, "start", json!({})).await;
    let updated = asked(&app.user, "update", json!({"min_replicas": 2, "max_replicas": 3})).await;
    assert_eq!(updated["container"]["max_replicas"], 3);
    assert_eq!(replicas(&container(&app.user).await).len(), 2);
    asked(&app.user, "update", json!({"min_replicas": 0})).await;
    let none = container(&app.user).await;
    assert!(replicas(&none).is_empty(), "{none:#}");
    assert_eq!((&none["min_replicas"], &none["max_replicas"]), (&json!(0), &json!(3)));
    run(&app.user, "out = 1").await;
    assert_eq!(replicas(&container(&app.user).await).len(), 1, "the first request wakes one");
}

#[tokio::test]
async fn a_replica_that_ended_is_started_by_the_next_request() {
    let app = worker().await;
    asked(&app.user, "start", json!({})).await;
    let first = run(&app.user, "out = os.getpid()").await;
    app.user.post_bytes(INVOCATIONS, "os._exit(1)").await;
    while !replicas(&container(&app.user).await).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(container(&app.user).await["container"]["health_state"], "Unhealthy");
    assert_ne!(run(&app.user, "out = os.getpid()").await, first);
}

#[tokio::test]
async fn a_container_that_does_not_come_up_says_why() {
    let app = addressed(hosting().await);
    let flag = app.home.path().join("broken");
    let mut definition = definition(first_generation());
    definition["environment_variables"] = json!({"BROKEN": flag.to_str().unwrap()});
    let program = concat!(
        "import os, sys\nif os.path.exists(os.environ['BROKEN']): sys.exit('the key is gone')\n",
        include_str!("hosted_agent.py")
    );
    send_package(&app.user, "worker", definition, program).await.accepted();
    assert_eq!(made(&app.user, "worker", "1").await["status"], "active");
    std::fs::write(&flag, "").unwrap();
    let failed = asked(&app.user, "start", json!({"min_replicas": 2})).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("Failed"), &json!("ContainerProbesFailed"))
    );
    let seen = container(&app.user).await;
    assert_eq!(seen["status"], "Failed");
    assert!(seen["error_message"].as_str().unwrap().contains("the key is gone"), "{seen:#}");
    std::fs::remove_file(&flag).unwrap();
    assert_eq!(asked(&app.user, "start", json!({})).await["status"], "Succeeded");
    assert_eq!(container(&app.user).await["error_message"], Value::Null);
    std::fs::write(&flag, "").unwrap();
    let failed = asked(&app.user, "update", json!({"min_replicas": 2})).await;
    assert_eq!(failed["status"], "Failed");
    let seen = container(&app.user).await;
    assert_eq!((&seen["status"], &seen["min_replicas"]), (&json!("Running"), &json!(1)), "what ran goes on");
    assert_eq!(replicas(&seen), ["worker--1-0"]);
}

#[tokio::test]
async fn what_is_asked_for_is_checked() {
    let app = worker().await;
    let start = format!("{CONTAINER}:start");
    let message =
        "Invalid 'max_replicas': integer above maximum value. Expected a value <= 5, but got 6 instead.";
    let refused = app.user.post(&start, json!({"max_replicas": 6})).await;
    assert_refused(&refused, 400, message, Some("integer_above_max_value"), Some("max_replicas"));
    for path in
        ["/agents/worker/versions/9/containers/default", "/agents/nobody/versions/1/containers/default"]
    {
        for verb in ["start", "stop", "update", "delete"] {
            let answer = app.user.post(&format!("{path}:{verb}"), json!({})).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}:{verb}");
        }
        assert_eq!(app.user.get(path).await.status, StatusCode::NOT_FOUND);
    }
    let missing = app.user.get("/agents/worker/operations/op_x").await;
    assert_refused(&missing, 404, "Operation 'op_x' not found.", Some("not_found"), None);
}

#[tokio::test]
async fn the_log_of_a_replica_is_plain_text() {
    let app = worker().await;
    asked(&app.user, "start", json!({})).await;
    run(&app.user, "print('line one', flush=True); print('line two', flush=True)").await;
    let path = format!("{CONTAINER}:logstream?follow=false");
    let lines = loop {
        let answer = app.user.get(&format!("{path}&tail=2")).await;
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        if text.contains("line two") {
            break text;
        }
    };
    let lines: Vec<&str> = lines.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines, ["stdout line one", "stdout line two"]);
    let missing = app.user.get(&format!("{path}&replica_name=other")).await;
    assert_refused(&missing, 404, "Replica 'other' not found.", Some("not_found"), None);
    asked(&app.user, "stop", json!({})).await;
    let kept = app.user.get(&format!("{path}&replica_name=worker--1-0")).await;
    assert!(String::from_utf8(kept.body.to_vec()).unwrap().contains("line two"));
}

#[tokio::test]
async fn a_version_whose_container_runs_is_deleted_only_by_force() {
    let app = worker().await;
    asked(&app.user, "start", json!({})).await;
    let version = "/agents/worker/versions/1";
    let (status, message, ..) = app.user.delete(version).await.refusal();
    assert_eq!(status, 409);
    assert!(
        message.starts_with("The version 1 of the agent 'worker' has a container that runs."),
        "{message}"
    );
    assert_eq!(app.user.delete(&format!("{version}?force=true")).await.accepted()["deleted"], true);
    assert!(app.service.hosting().unwrap().fleet().ids().is_empty());
    let sessions = app.home.path().join("hosting/sessions");
    assert_eq!(std::fs::read_dir(sessions).unwrap().count(), 0);
    // The next version 1 begins without a past.
    deploy(&app.user, "worker", first_generation()).await;
    assert!(app.user.list("/agents/worker/operations").await.is_empty());
}

#[tokio::test]
async fn a_restart_brings_back_what_ran_and_ends_what_it_interrupted() {
    let app = worker().await;
    let started = asked(&app.user, "start", json!({})).await;
    // What a service leaves that was killed while it changed the number of replicas.
    let id = "op_interrupted";
    let operation = json!({
        "id": id, "agent": "worker", "version": "1", "wish": "update", "scale": {"min": 2, "max": 2},
        "status": "InProgress", "error": null, "container": started["container"],
    });
    let insert = Change::Insert {
        key: Key::new(&"demo".into(), Kind::named("hosted_operation"), id),
        parent: "agents/worker/operations".to_owned(),
        facet: "1".to_owned(),
        created_at: app.service.clock().seconds(),
        doc: operation.to_string().into(),
        aside: None,
    };
    app.store.submit(vec![insert]).await.unwrap();
    app.service.hosting().unwrap().close().await;
    let next = Setup { hosting: Some(HostingSettings::default()), home: Some(app.home), ..Setup::default() };
    let app = TestApp::with(next).await;
    assert_eq!(ended(&app.user, id).await["status"], "Succeeded");
    let seen = container(&app.user).await;
    assert_eq!((&seen["status"], replicas(&seen).len()), (&json!("Running"), 2));
}
