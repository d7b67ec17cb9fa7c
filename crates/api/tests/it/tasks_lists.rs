//! `/tasks`: which tasks are listed, and what is refused.

use serde_json::{Value, json};

use crate::{
    app::TestApp,
    named_agents::refusal,
    tasks::{PATH, lease, patch, work},
};

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let found = app.user.list(&format!("{PATH}?{query}")).await;
    found.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tasks_are_listed_newest_first_page_by_page() {
    let app = TestApp::start().await;
    for id in ["one", "two", "three"] {
        app.user.post(PATH, work(id)).await.created();
    }
    assert_eq!(ids(&app, "").await, ["three", "two", "one"]);
    assert_eq!(ids(&app, "order=asc").await, ["one", "two", "three"]);
    let page = app.user.get(&format!("{PATH}?limit=2")).await.accepted();
    let told = (&page["object"], &page["first_id"], &page["last_id"], &page["has_more"]);
    assert_eq!(told, (&json!("list"), &json!("three"), &json!("two"), &json!(true)));
    assert_eq!(ids(&app, "limit=2&after=two").await, ["one"]);
    assert_eq!(ids(&app, "limit=2&before=two").await, ["three"]);
}

#[tokio::test]
async fn every_filter_lets_its_tasks_through() {
    let app = TestApp::start().await;
    let with = |id: &str, more: Value| {
        let mut body = work(id);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    app.user.post(PATH, with("agent", json!({"agent_name": "other"}))).await.created();
    app.user.post(PATH, with("session", json!({"session_id": "s2"}))).await.created();
    app.user.post(PATH, with("tags", json!({"tags": {"a": "1", "b": "2"}}))).await.created();
    app.user.post(PATH, with("source", json!({"source": {"type": "timer"}}))).await.created();
    let leased = format!("{PATH}?{}", lease("ann", "one"));
    app.user.post(&leased, with("leased", json!({"status": "in_progress"}))).await.created();
    app.user.post(PATH, work("failed")).await.created();
    let failed = json!({"status": "completed", "error": {"type": "t", "message": "m"}});
    patch(&app.user, "/tasks/failed", failed).await.accepted();

    assert_eq!(ids(&app, "agent_name=other").await, ["agent"]);
    assert_eq!(ids(&app, "session_id=s2").await, ["session"]);
    assert_eq!(ids(&app, "agent_name=echo&session_id=s2").await, ["session"]);
    assert_eq!(ids(&app, "tag.a=1&tag.b=2").await, ["tags"]);
    assert_eq!(ids(&app, "tag.a=2").await, Vec::<String>::new());
    assert_eq!(ids(&app, "source_type=timer").await, ["source"]);
    assert_eq!(ids(&app, "lease_owner=ann").await, ["leased"]);
    assert_eq!(ids(&app, "lease_expired=false").await, ["leased"]);
    assert_eq!(ids(&app, "status=in_progress").await, ["leased"]);
    assert_eq!(ids(&app, "has_error=true&status=done").await, ["failed"]);
    assert_eq!(ids(&app, "has_error=false").await.len(), 5);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_task_is_named() {
    let app = TestApp::start().await;
    let long = |length: usize| "a".repeat(length);
    let many = |count: usize| -> Value { (0..count).map(|n| (format!("k{n}"), json!("v"))).collect() };
    for (field, wrong) in [
        ("agent_name", json!(null)),
        ("agent_name", json!(long(129))),
        ("session_id", json!("  ")),
        ("title", json!(null)),
        ("title", json!(long(257))),
        ("title", json!(5)),
        ("description", json!(long(1025))),
        ("id", json!("a b")),
        ("id", json!(long(129))),
        ("status", json!("failed")),
        ("status", json!("completed")),
        ("payload", json!({"a": long(1024 * 1024)})),
        ("tags", json!(many(17))),
        ("tags", json!({"a b": "c"})),
        ("tags", json!({"a": long(257)})),
        ("tags", json!({"a": 1})),
        ("source", json!({"id": "x"})),
        ("source", json!({"type": long(4096)})),
        ("attachments", json!(many(21))),
        ("attachments", json!({"a/b": 1})),
        ("attachments", json!({"a": long(10 * 1024 * 1024)})),
        ("attachments", json!([])),
    ] {
        let mut body = work("t");
        body[field] = wrong;
        let refused = refusal(&app.user.post(PATH, body).await);
        assert_eq!(refused, (400, "invalid_request".to_owned(), Some(field.to_owned())));
    }
    assert_eq!(ids(&app, "").await, Vec::<String>::new(), "nothing was created");
}

#[tokio::test]
async fn what_is_wrong_with_a_lease_is_named() {
    let app = TestApp::start().await;
    let mut running = work("t");
    running["status"] = json!("in_progress");
    let named = |param: &str| (400, "invalid_request".to_owned(), Some(param.to_owned()));
    for (query, body, param) in [
        ("lease_owner=ann".to_owned(), &running, "lease_owner"),
        (lease("ann", "one"), &work("t"), "lease_owner"),
        (lease(&"a".repeat(257), "one"), &running, "lease_owner"),
        (lease("ann", &"a".repeat(257)), &running, "lease_instance_id"),
        (lease("ann", "one").replace("=60", "=5"), &running, "lease_duration_seconds"),
        (lease("ann", "one").replace("=60", "=0"), &running, "lease_duration_seconds"),
    ] {
        let refused = app.user.post(&format!("{PATH}?{query}"), body.clone()).await;
        assert_eq!(refusal(&refused), named(param), "{query}");
    }
}

#[tokio::test]
async fn what_is_fixed_and_what_makes_no_sense_is_refused_in_a_change() {
    let app = TestApp::start().await;
    app.user.post(PATH, work("t")).await.created();
    for (body, param) in [
        (json!({"title": "another"}), "title"),
        (json!({"source": {"type": "x"}}), "source"),
        (json!({"agent_name": "other"}), "agent_name"),
        (json!({"status": "gone"}), "status"),
        (json!({"suspension_reason": "x"}), "suspension_reason"),
        (json!({"error": {"message": "m"}}), "error"),
        (json!({"error": {"type": "t", "message": "a".repeat(65 * 1024)}}), "error"),
    ] {
        let refused = refusal(&patch(&app.user, "/tasks/t", body).await);
        assert_eq!(refused, (400, "invalid_request".to_owned(), Some(param.to_owned())));
    }
    for query in ["status=gone", "has_error=maybe"] {
        assert_eq!(app.user.get(&format!("{PATH}?{query}")).await.status, 400);
    }
}
