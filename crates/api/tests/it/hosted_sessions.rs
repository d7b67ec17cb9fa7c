//! Sessions: made, found by their owner alone, put to sleep, woken with everything that they had, and ended.

use std::time::Duration;

use cupola_api::HostingSettings;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Actor, TestApp, assert_refused},
    hosted_agent::{Home, deploy, hosting, hosting_with, modern},
};

const SESSIONS: &str = "/agents/worker/endpoint/sessions";

async fn worker() -> TestApp {
    let app = hosting().await;
    deploy(&app.user, "worker", modern()).await;
    app
}

fn ids(sessions: &[Value]) -> Vec<&str> {
    sessions.iter().map(|session| session["agent_session_id"].as_str().unwrap()).collect()
}

/// Reads a session again and again until it has this status.
async fn until(home: &Home, status: &str) {
    while home.shown().await["status"] != status {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn named(actor: &Actor, id: &str) -> Value {
    actor.post(SESSIONS, json!({"agent_session_id": id})).await.created()
}

#[tokio::test]
async fn a_session_is_made_ready_and_listed_oldest_first() {
    let app = worker().await;
    let body = json!({"version_indicator": {"type": "version_ref", "agent_version": "1"}});
    let first = app.user.post(SESSIONS, body).await.created();
    assert_eq!(first["status"], "active");
    assert_eq!(first["version_indicator"], json!({"type": "version_ref", "agent_version": "1"}));
    let kept = first["expires_at"].as_i64().unwrap() - first["last_accessed_at"].as_i64().unwrap();
    assert_eq!(kept, 2_592_000);
    assert_eq!(first["agent_session_id"].as_str().unwrap().len(), 50);
    named(&app.user, "b").await;
    named(&app.user, "a").await;
    let own = first["agent_session_id"].as_str().unwrap();
    assert_eq!(ids(&app.user.list(SESSIONS).await), [own, "b", "a"]);
    assert_eq!(ids(&app.user.list(&format!("{SESSIONS}?order=desc&limit=2")).await), ["a", "b"]);
    assert_eq!(ids(&app.user.list(&format!("{SESSIONS}?after=b")).await), ["a"]);
    assert_eq!(app.user.get(&format!("{SESSIONS}/{own}")).await.accepted(), first);
}

#[tokio::test]
async fn an_id_may_be_chosen_once_and_may_not_lead_elsewhere() {
    let app = worker().await;
    named(&app.user, "mine:1").await;
    assert_eq!(app.user.get(&format!("{SESSIONS}/mine:1")).await.accepted()["status"], "active");
    let again = app.user.post(SESSIONS, json!({"agent_session_id": "mine:1"})).await;
    assert_refused(&again, 409, "A session with the id 'mine:1' exists.", Some("conflict"), None);
    for id in ["../x", "", ".hidden", "a b", &"x".repeat(257)] {
        let (status, _, code, param) =
            app.user.post(SESSIONS, json!({"agent_session_id": id})).await.refusal();
        let expected = (400, Some("invalid_value"), Some("agent_session_id"));
        assert_eq!((status, code.as_deref(), param.as_deref()), expected, "{id:?}");
    }
    let body = json!({"version_indicator": {"agent_version": "9"}});
    assert_eq!(app.user.post(SESSIONS, body).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stopped_session_wakes_with_its_files() {
    let app = worker().await;
    let home = Home::of(&app.user, "worker").await;
    let first = home.run("open(HOME + '/kept', 'w').write('this'); out = os.getpid()").await;
    home.stop().await;
    home.stop().await;
    let asleep = home.shown().await;
    assert_eq!(asleep["status"], "idle");
    assert!(asleep["stopped_at"].is_i64());
    let second = home.run("out = [os.getpid(), open(HOME + '/kept').read()]").await;
    assert_ne!(second[0], first);
    assert_eq!(second[1], "this");
    let awake = home.shown().await;
    assert_eq!((&awake["status"], awake.get("stopped_at")), (&json!("active"), None));
}

#[tokio::test]
async fn a_session_that_nobody_uses_falls_asleep_by_itself() {
    let app = hosting_with(HostingSettings {
        idle_after: Duration::from_millis(100),
        ..HostingSettings::default()
    })
    .await;
    deploy(&app.user, "worker", modern()).await;
    let home = Home::of(&app.user, "worker").await;
    home.run("open(HOME + '/kept', 'w').write('this')").await;
    until(&home, "idle").await;
    assert_eq!(home.run("out = open(HOME + '/kept').read()").await, "this");
    let log = home.get(&format!("/agents/worker/sessions/{}:logstream?follow=false", home.id)).await;
    let log = String::from_utf8(log.body.to_vec()).unwrap();
    assert!(
        log.contains("The container was stopped, because nobody used it. The next use starts it again."),
        "{log}"
    );
}

#[tokio::test]
async fn a_program_that_ends_is_started_again_by_the_next_use() {
    let app = worker().await;
    let home = Home::of(&app.user, "worker").await;
    let path = format!("/agents/worker/endpoint/protocols/invocations?agent_session_id={}", home.id);
    let code = "print('about to end', file=sys.stderr, flush=True); os._exit(3)";
    let (status, message, code, _) = app.user.post_bytes(&path, code).await.refusal();
    assert_eq!((status, code.as_deref()), (424, Some("container_failed")));
    assert!(message.starts_with("The container exited with code 3 before it had answered."), "{message}");
    assert!(message.contains("about to end"), "{message}");
    until(&home, "idle").await;
    assert_eq!(home.run("out = 'back'").await, "back");
}

#[tokio::test]
async fn deleting_is_fine_twice_and_final() {
    let app = worker().await;
    let home = Home::of(&app.user, "worker").await;
    for _ in 0..2 {
        assert_eq!(app.user.delete(&home.path()).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(app.user.delete(&format!("{SESSIONS}/never")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(home.shown().await["status"], "deleted");
    assert_eq!(app.user.list(SESSIONS).await[0]["status"], "deleted");
    // Its id is free again.
    let again = app.user.post(SESSIONS, json!({"agent_session_id": home.id})).await;
    assert_eq!(again.status, StatusCode::CREATED);
}

#[tokio::test]
async fn users_do_not_see_each_others_sessions() {
    let app = worker().await;
    let (ann, eve) = (app.somebody("ann"), app.somebody("eve"));
    let home = Home::of(&ann, "worker").await;
    let path = home.path();
    let message = format!("Session '{}' not found.", home.id);
    assert_refused(&eve.get(&path).await, 404, &message, Some("not_found"), None);
    assert_refused(&eve.post_nothing(&format!("{path}:stop")).await, 404, &message, Some("not_found"), None);
    assert!(eve.list(SESSIONS).await.is_empty());
    assert_eq!(eve.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(home.shown().await["status"], "active", "it was not hers to delete");
    let invoked = format!("/agents/worker/endpoint/protocols/invocations?agent_session_id={}", home.id);
    let message = format!("The session '{}' belongs to another user.", home.id);
    let refused = eve.post_bytes(&invoked, "out = 1").await;
    assert_refused(&refused, 403, &message, Some("session_not_accessible"), None);
    let delegated = app.user.with_header("x-ms-user-identity", "ann");
    assert_eq!(ids(&delegated.list(SESSIONS).await), [home.id.as_str()]);
}

#[tokio::test]
async fn an_agent_with_active_sessions_is_deleted_only_by_force() {
    let app = worker().await;
    let home = Home::of(&app.user, "worker").await;
    let (status, message, ..) = app.user.delete("/agents/worker").await.refusal();
    assert_eq!(status, 409);
    assert!(message.contains(&home.id), "{message}");
    assert_eq!(app.user.delete("/agents/worker?force=true").await.accepted()["deleted"], true);
    assert_eq!(app.user.get(&home.path()).await.status, StatusCode::NOT_FOUND);
    let sessions = app.home.path().join("hosting/sessions");
    assert_eq!(std::fs::read_dir(sessions).unwrap().count(), 0, "no home is left behind");
}
