//! `/tasks`: work of hosted containers that outlives them.

use cupola_api::Sandbox;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Actor, Answer, TestApp, assert_refused},
    named_agents::refusal,
    storage::{begun as begun_response, creation, question},
};

pub const PATH: &str = "/tasks";

/// A new task of the agent `echo` in the session `s1`.
pub fn work(id: &str) -> Value {
    json!({"id": id, "agent_name": "echo", "session_id": "s1", "title": "a task"})
}

/// The query of a lease of one minute.
pub fn lease(owner: &str, instance: &str) -> String {
    format!("lease_owner={owner}&lease_instance_id={instance}&lease_duration_seconds=60")
}

pub async fn patch(user: &Actor, path: &str, body: Value) -> Answer {
    user.send_json(Method::PATCH, path, body).await
}

/// A task that `owner` has begun, as its path.
async fn begun(app: &TestApp, id: &str, owner: &str) -> String {
    let mut body = work(id);
    body["status"] = json!("in_progress");
    app.user.post(&format!("{PATH}?{}", lease(owner, "one")), body).await.created();
    format!("{PATH}/{id}")
}

fn shown(answer: &Answer) -> String {
    let time = regex::Regex::new(r#""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00""#).unwrap();
    let etag = regex::Regex::new(r#""etag": "[0-9A-Za-z]{24}""#).unwrap();
    let shown = answer.shown();
    etag.replace_all(&time.replace_all(&shown, "<time>"), "\"etag\": <etag>").into_owned()
}

#[tokio::test]
async fn a_task_is_created_with_everything_that_is_said_about_it() {
    let app = TestApp::start().await;
    let body = json!({
        "id": "t-1", "agent_name": "echo", "session_id": "s1", "status": "in_progress", "title": "a task",
        "description": "what it is", "payload": {"step": 1}, "tags": {"kind": "response"},
        "source": {"type": "response", "id": "caresp_1"}, "attachments": {"_input": {"text": "Hi"}},
    });
    let created = app.user.post(&format!("{PATH}?{}", lease("echo%7Csession:s1", "one")), body).await;
    assert_snapshot!(shown(&created));
    let task = created.created();
    assert_eq!(app.user.get("/tasks/t-1").await.accepted(), task);
    assert_eq!(created.headers["etag"].to_str().unwrap(), task["etag"]);
}

#[tokio::test]
async fn a_task_is_pending_and_nobodys_unless_said_otherwise() {
    let app = TestApp::start().await;
    let body = json!({"agent_name": "echo", "session_id": "s1", "title": "a task"});
    let task = app.user.post(PATH, body).await.created();
    assert_eq!((&task["status"], &task["lease"]), (&json!("pending"), &json!(null)));
    assert!(task["id"].as_str().unwrap().starts_with("task_"));
}

#[tokio::test]
async fn an_id_is_used_once() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    let again = app.user.post(PATH, work("t")).await;
    assert_refused(&again, 409, "Task 't' already exists.", Some("task_already_exists"), None);
    assert_refused(
        &app.user.get("/tasks/none").await,
        404,
        "Task 'none' not found.",
        Some("not_found"),
        None,
    );
}

#[tokio::test]
async fn work_begins_waits_goes_on_and_ends() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    let path = "/tasks/t";
    let leased = format!("{path}?{}", lease("ann", "one"));
    let begun = patch(&app.user, &leased, json!({"status": "in_progress"})).await.accepted();
    assert_eq!((&begun["lease"]["owner"], &begun["lease"]["generation"]), (&json!("ann"), &json!(0)));

    let waiting = json!({"status": "suspended", "suspension_reason": "needs input", "payload": {"a": 1}});
    let suspended = patch(&app.user, path, waiting).await.accepted();
    assert_eq!((&suspended["lease"], &suspended["suspension_reason"]), (&json!(null), &json!("needs input")));

    let resumed = patch(&app.user, &leased, json!({"status": "in_progress"})).await.accepted();
    assert_eq!(resumed["started_at"], begun["started_at"]);
    assert_eq!((&resumed["suspension_reason"], &resumed["payload"]), (&json!(null), &json!({"a": 1})));

    let failed = json!({"status": "done", "error": {"type": "timeout", "message": "too slow"}});
    let completed = patch(&app.user, path, failed).await.accepted();
    assert_eq!((&completed["status"], &completed["lease"]), (&json!("completed"), &json!(null)));
    assert_eq!(completed["error"], json!({"type": "timeout", "message": "too slow", "code": "error"}));
    assert!(completed["completed_at"].is_string());

    let late = patch(&app.user, path, json!({"payload": {}})).await;
    assert_eq!(refusal(&late), (409, "task_immutable".to_owned(), None));
    assert_eq!(patch(&app.user, path, json!({"status": "completed"})).await.accepted(), completed);
}

#[tokio::test]
async fn there_is_no_way_from_pending_to_suspended() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    let refused = patch(&app.user, "/tasks/t", json!({"status": "suspended"})).await;
    assert_snapshot!(refused.shown());
}

#[tokio::test]
async fn a_lease_is_renewed_by_its_holder_taken_over_by_its_owner_and_refused_to_others() {
    let app = TestApp::start().await;
    let path = begun(&app, "t", "ann").await;
    let lease_of =
        |answer: Value| (answer["lease"]["generation"].clone(), answer["lease"]["expiry_count"].clone());
    let renewed = patch(&app.user, &format!("{path}?{}", lease("ann", "one")), json!({})).await.accepted();
    assert_eq!(lease_of(renewed), (json!(0), json!(0)));
    let taken = patch(&app.user, &format!("{path}?{}", lease("ann", "two")), json!({})).await.accepted();
    assert_eq!(lease_of(taken), (json!(1), json!(0)));
    let refused = patch(&app.user, &format!("{path}?{}", lease("bob", "one")), json!({})).await;
    assert_snapshot!(refused.shown());

    // Its holder ends it, and then it is anybody's.
    let end = "lease_owner=ann&lease_instance_id=two&lease_duration_seconds=0";
    patch(&app.user, &format!("{path}?{end}"), json!({})).await.accepted();
    let free = app.user.list(&format!("{PATH}?lease_expired=true")).await;
    assert_eq!(free.len(), 1);
    let taken = patch(&app.user, &format!("{path}?{}", lease("bob", "one")), json!({})).await.accepted();
    assert_eq!(taken["lease"]["owner"], "bob");
    assert_eq!(lease_of(taken), (json!(2), json!(1)));
}

#[tokio::test]
async fn of_those_who_take_a_free_task_at_the_same_moment_one_gets_it() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    app.keep_the_store_busy();
    let paths: Vec<String> =
        (0..8).map(|owner| format!("{PATH}/t?{}", lease(&format!("owner-{owner}"), "one"))).collect();
    let takes = paths.iter().map(|path| patch(&app.user, path, json!({"status": "in_progress"})));
    let answers = futures_util::future::join_all(takes).await;
    let taken: Vec<Value> =
        answers.iter().filter(|answer| answer.status == 200).map(Answer::accepted).collect();
    assert_eq!(taken.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let (status, code, _) = refusal(answer);
        assert_eq!(status, 409);
        assert!(["lease_held_by_another", "lease_ownership_changed"].contains(&code.as_str()), "{code}");
    }
    assert_eq!(app.user.get("/tasks/t").await.accepted(), taken[0]);
}

#[tokio::test]
async fn a_change_with_if_match_happens_only_to_the_version_it_names() {
    let app = TestApp::start().await;
    let first = app.user.post(PATH, work("t")).await.created()["etag"].as_str().unwrap().to_owned();
    let of_first = app.user.with_header("if-match", &first);
    let second = patch(&of_first, "/tasks/t", json!({"payload": {"n": 1}})).await.accepted()["etag"].clone();
    let late = patch(&of_first, "/tasks/t", json!({"payload": {"n": 2}})).await;
    assert_eq!(refusal(&late), (412, "etag_mismatch".to_owned(), None));
    assert_eq!(late.headers["etag"].to_str().unwrap(), second);
    assert_eq!(of_first.delete("/tasks/t?force=true").await.status, 412);
    let of_second = app.user.with_header("if-match", second.as_str().unwrap());
    assert_eq!(of_second.delete("/tasks/t?force=true").await.status, 204);
}

#[tokio::test]
async fn attachments_are_added_replaced_and_taken_away() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    for (sent, expected) in [
        (json!({"a": {"n": 1}, "b": "text"}), json!({"a": {"n": 1}, "b": "text"})),
        (json!({"a": {"n": 2}, "c": [1]}), json!({"a": {"n": 2}, "b": "text", "c": [1]})),
        (json!({"b": null, "unknown": null}), json!({"a": {"n": 2}, "c": [1]})),
        (json!(null), json!(null)),
        (json!({"a": 1}), json!({"a": 1})),
    ] {
        let task = patch(&app.user, "/tasks/t", json!({"attachments": sent})).await.accepted();
        assert_eq!(task["attachments"], expected);
        assert_eq!(app.user.get("/tasks/t").await.accepted(), task);
    }
    assert_eq!(app.user.list(PATH).await[0]["attachments"], json!({"a": 1}));
    let without = app.user.list(&format!("{PATH}?omit_attachment_values=true")).await;
    assert_eq!(without[0]["attachments"], json!({"a": null}));
    // A change of something else leaves them alone.
    let renewed = patch(&app.user, "/tasks/t", json!({"tags": {"x": "1"}})).await.accepted();
    assert_eq!(renewed["attachments"], json!({"a": 1}));
}

#[tokio::test]
async fn a_task_that_is_not_completed_is_deleted_only_by_force() {
    let app = TestApp::start().await;
    let path = begun(&app, "t", "ann").await;
    let refused = app.user.delete(&path).await;
    assert_eq!(refusal(&refused), (400, "invalid_request".to_owned(), Some("force".to_owned())));
    assert_eq!(app.user.delete(&format!("{path}?force=true&cascade=true")).await.status, 204);
    assert_eq!(app.user.delete(&path).await.status, 404);
    let path = begun(&app, "t", "ann").await;
    patch(&app.user, &path, json!({"status": "completed"})).await.accepted();
    assert_eq!(app.user.delete(&path).await.status, 204);
}

#[tokio::test]
async fn a_sandbox_sees_the_tasks_of_its_session_alone() {
    let app = TestApp::start().await;
    let container = |agent: &str, session: &str| {
        let sandbox = Sandbox { agent: agent.into(), version: "1".into(), session: session.into() };
        app.somebody(&sandbox.subject())
    };
    let own = container("echo", "s1");
    own.post(PATH, work("t")).await.created();
    assert_eq!(own.list(PATH).await.len(), 1);
    let moved = container("echo", "s2");
    for answer in [
        moved.get("/tasks/t").await,
        patch(&moved, "/tasks/t", json!({"payload": {}})).await,
        moved.delete("/tasks/t?force=true").await,
        moved.post(PATH, work("another")).await,
    ] {
        assert_eq!(refusal(&answer), (409, "binding_mismatch".to_owned(), None));
    }
    assert_eq!(container("other", "s1").get("/tasks/t").await.status, 404);
    for other in [moved, container("other", "s1")] {
        assert_eq!(other.list(PATH).await, Vec::<Value>::new());
        assert_eq!(other.list(&format!("{PATH}?agent_name=echo&session_id=s1")).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_task_that_has_the_id_of_a_response_leaves_it_alone() {
    let app = TestApp::start().await;
    let response = begun_response();
    app.user.post("/storage/responses", creation(&response, &[question("Hi")])).await.created();
    let id = response["id"].as_str().unwrap();
    app.user.post(PATH, work(id)).await.created();
    assert_eq!(app.user.delete(&format!("{PATH}/{id}?force=true")).await.status, 204);
    let path = format!("/storage/responses/{id}");
    assert_eq!(app.user.get(&path).await.accepted(), response);
    assert_eq!(app.user.list(&format!("{path}/input_items")).await.len(), 1);
}
