//! What versions run lies on this machine for as long as one of them needs it.

use std::{path::PathBuf, time::Duration};

use http::StatusCode;
use serde_json::Value;

use crate::{
    app::{Actor, TestApp},
    hosted_agent::{definition, hosting, made, modern, send_package},
};

const PROGRAM: &str = include_str!("hosted_agent.py");

/// Sends the program to an agent, and waits until the version can be used.
async fn version_of(actor: &Actor, agent: &str, program: &str) -> Value {
    let sent = send_package(actor, agent, definition(modern()), program).await.accepted();
    made(actor, agent, sent["version"].as_str().unwrap()).await
}

/// Where the package of a version is kept.
fn package(app: &TestApp, version: &Value) -> PathBuf {
    let digest = version["definition"]["code_configuration"]["content_hash"].as_str().unwrap();
    app.home.path().join("hosting/packages").join(digest)
}

async fn delete(actor: &Actor, path: &str) {
    assert_eq!(actor.delete(&format!("{path}?force=true")).await.status, StatusCode::OK);
}

/// Waits until a folder is gone.
async fn gone(folder: PathBuf) {
    while folder.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_package_goes_with_the_last_version_that_runs_it() {
    let app = hosting().await;
    let first = version_of(&app.user, "one", PROGRAM).await;
    version_of(&app.user, "two", PROGRAM).await;
    let other = version_of(&app.user, "two", &format!("{PROGRAM}\n# another one")).await;
    assert!(package(&app, &first).exists() && package(&app, &other).exists());
    delete(&app.user, "/agents/one").await;
    delete(&app.user, "/agents/two/versions/2").await;
    // Both deletions look for what is not needed any more; when this is gone, the other one was looked at.
    gone(package(&app, &other)).await;
    assert!(package(&app, &first).exists(), "the other agent's version runs it");
    delete(&app.user, "/agents/two").await;
    gone(package(&app, &first)).await;
}

#[tokio::test]
async fn versions_of_one_agent_that_run_the_same_go_together() {
    let app = hosting().await;
    let first = version_of(&app.user, "worker", PROGRAM).await;
    let mut other = definition(modern());
    other["cpu"] = "1".into();
    let sent = send_package(&app.user, "worker", other, PROGRAM).await.accepted();
    assert_eq!(made(&app.user, "worker", "2").await["status"], "active", "{sent}");
    delete(&app.user, "/agents/worker").await;
    gone(package(&app, &first)).await;
}

#[tokio::test]
async fn what_failed_is_removed_as_well() {
    let app = hosting().await;
    let failed = version_of(&app.user, "worker", "raise SystemExit(3)").await;
    assert_eq!(failed["status"], "failed");
    assert!(package(&app, &failed).exists());
    delete(&app.user, "/agents/worker/versions/1").await;
    gone(package(&app, &failed)).await;
}

#[tokio::test]
async fn a_package_that_no_version_was_made_of_does_not_stay() {
    let app = hosting().await;
    let refused = send_package(&app.user, "worker", serde_json::json!({"kind": "hosted"}), "pass").await;
    assert!(refused.status.is_client_error());
    let packages = app.home.path().join("hosting/packages");
    // What lies there now is looked at when the next version has been made.
    let left: Vec<PathBuf> = packages.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    version_of(&app.user, "worker", PROGRAM).await;
    for package in left {
        gone(package).await;
    }
}
