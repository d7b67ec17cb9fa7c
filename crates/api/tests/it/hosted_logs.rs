//! The log of a session: past lines, lines to come, and what is kept of them.

use cupola_api::HostingSettings;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use regex::Regex;
use serde_json::Value;

use crate::{
    app::{Actor, Setup, TestApp, assert_refused},
    hosted_agent::{Home, deploy, hosting, modern},
};

async fn home() -> (TestApp, Home) {
    let app = hosting().await;
    deploy(&app.user, "worker", modern()).await;
    let home = Home::of(&app.user, "worker").await;
    (app, home)
}

/// The whole stream, with times in place of all times and the session's id in place of it.
async fn past(actor: &Actor, path: &str, home: &Home) -> String {
    let answer = actor.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let text = String::from_utf8(answer.body.to_vec()).unwrap().replace(&home.id, "SESSION");
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00").unwrap();
    time.replace_all(&text, "TIME").into_owned()
}

/// The messages of a stream.
fn messages(stream: &str) -> Vec<String> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    frames.filter_map(|frame| frame["message"].as_str().map(str::to_owned)).collect()
}

/// Waits until both lines of the program are in its log; two pipes have no order.
async fn settled(home: &Home, path: &str) {
    loop {
        let answer = home.get(&format!("{path}?follow=false&kind=console")).await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        if text.contains("the program is up") && text.contains("it says something") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn past_lines_come_in_the_frames_of_the_service() {
    let (app, home) = home().await;
    let path = format!("/agents/worker/versions/1/sessions/{}:logstream", home.id);
    settled(&home, &path).await;
    let all = past(&app.user, &format!("{path}?follow=false"), &home).await;
    let mut frames: Vec<&str> = all.split_inclusive("\n\n").collect();
    // The two pipes of the program have no order between them.
    frames[3..].sort_unstable();
    insta::assert_snapshot!(frames.concat());
    let short = past(&app.user, &format!("{path}?follow=false&kind=console&tail=1"), &home).await;
    assert_eq!(messages(&short).len(), 3, "{short}");
    let other = format!("/agents/worker/sessions/{}:logstream?follow=false", home.id);
    assert_eq!(messages(&past(&app.user, &other, &home).await).len(), 5);
}

#[tokio::test]
async fn lines_come_while_they_are_written() {
    let (app, home) = home().await;
    let path = format!("/agents/worker/sessions/{}:logstream?kind=console", home.id);
    let request = app.user.request(Method::GET, &path).body(axum::body::Body::empty()).unwrap();
    let mut body = app.user.open(request).await.into_body();
    home.run("print('a line of now', flush=True)").await;
    let mut seen = String::new();
    while !seen.contains("a line of now") {
        let frame = body.frame().await.expect("the stream goes on").unwrap();
        seen.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    // The stream of a session that is deleted ends.
    assert_eq!(app.user.delete(&home.path()).await.status, StatusCode::NO_CONTENT);
    while body.frame().await.is_some() {}
}

#[tokio::test]
async fn the_log_outlives_the_sandbox() {
    let (app, home) = home().await;
    home.run("print('remember me', flush=True)").await;
    let path = format!("/agents/worker/sessions/{}:logstream?follow=false", home.id);
    while !past(&app.user, &path, &home).await.contains("remember me") {}
    home.stop().await;
    let asleep = past(&app.user, &path, &home).await;
    assert!(asleep.contains("The container does not run"), "{asleep}");
    assert!(asleep.contains("\"session_state\":\"Idle\""), "{asleep}");
    assert!(asleep.contains("remember me"), "{asleep}");
    home.run("print('and me', flush=True)").await;
    while !past(&app.user, &path, &home).await.contains("and me") {}
    assert!(past(&app.user, &path, &home).await.contains("remember me"));
}

#[tokio::test]
async fn the_log_outlives_the_service() {
    let (app, home) = home().await;
    home.run("print('remember me', flush=True)").await;
    let path = format!("/agents/worker/sessions/{}:logstream?follow=false", home.id);
    while !past(&app.user, &path, &home).await.contains("remember me") {}
    app.service.hosting().unwrap().close().await;
    let next = Setup { hosting: Some(HostingSettings::default()), home: Some(app.home), ..Setup::default() };
    let app = TestApp::with(next).await;
    let seen = past(&app.user, &path, &home).await;
    assert!(seen.contains("\"session_state\":\"Idle\"") && seen.contains("remember me"), "{seen}");
}

#[tokio::test]
async fn nobody_else_reads_the_log() {
    let (app, home) = home().await;
    let other = app.somebody("eve");
    let message = format!("Session '{}' not found.", home.id);
    let path = format!("/agents/worker/sessions/{}:logstream", home.id);
    assert_refused(&other.get(&path).await, 404, &message, Some("not_found"), None);
    let path = format!("/agents/worker/versions/2/sessions/{}:logstream", home.id);
    let message = format!("The version 2 of the agent 'worker' has no session '{}'.", home.id);
    assert_refused(&app.user.get(&path).await, 404, &message, Some("not_found"), None);
}
