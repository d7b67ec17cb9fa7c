//! Which version of an agent answers: the one that is named, the one that the selector chooses, the latest.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp},
    named_agents::{add_version, refusal},
    responses::PATH,
};

/// An agent whose versions say their numbers in their instructions.
async fn agent(app: &TestApp, versions: usize) {
    for number in 1..=versions {
        add_version(&app.user, "weather", &format!("I am {number}.")).await;
    }
}

/// Gives each of these versions its share of the traffic.
async fn share(app: &TestApp, shares: &[(&str, u32)]) {
    let rules: Vec<Value> = shares
        .iter()
        .map(|(version, percentage)| {
            json!({"type": "FixedRatio", "agent_version": version, "traffic_percentage": percentage})
        })
        .collect();
    let body = json!({"agent_endpoint": {"version_selector": {"version_selection_rules": rules}}});
    let request = app.user.request(Method::PATCH, "/agents/weather");
    app.user.send(request.body(Body::from(body.to_string())).unwrap()).await.accepted();
}

/// A response by name, of this version or whichever it is.
async fn ask(app: &TestApp, version: Option<&str>) -> Answer {
    let agent = json!({"type": "agent_reference", "name": "weather", "version": version});
    app.user.post(PATH, json!({"input": "Hi", "agent_reference": agent})).await
}

/// How the version was chosen, which one it is, and what that one says; everything has to agree.
fn chosen(answer: &Answer) -> (String, String) {
    let response = answer.accepted();
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    let version = header("x-agent-version-resolved");
    assert_eq!(response["agent_reference"]["version"], version);
    assert_eq!(response["output"][0]["agent_reference"]["version"], version);
    assert_eq!(response["instructions"], format!("I am {version}."));
    (header("x-agent-version-resolution"), version)
}

fn as_chosen(how: &str, version: &str) -> (String, String) {
    (how.to_owned(), version.to_owned())
}

#[tokio::test]
async fn without_a_selector_the_latest_version_answers_unless_one_is_named() {
    let app = TestApp::start().await;
    agent(&app, 2).await;
    assert_eq!(chosen(&ask(&app, None).await), as_chosen("latest", "2"));
    assert_eq!(chosen(&ask(&app, Some("1")).await), as_chosen("pinned", "1"));
}

#[tokio::test]
async fn a_selector_decides_by_name_and_at_the_agents_address_and_a_named_version_is_above_it() {
    let app = TestApp::start().await;
    agent(&app, 3).await;
    share(&app, &[("2", 100)]).await;
    assert_eq!(chosen(&ask(&app, None).await), as_chosen("pinned", "2"));
    assert_eq!(chosen(&ask(&app, Some("3")).await), as_chosen("pinned", "3"));
    for address in ["agents/weather/endpoint/protocols/openai", "applications/weather/protocols/openai"] {
        let answer = app.user.post(&format!("/{address}/responses"), json!({"input": "Hi"})).await;
        assert_eq!(chosen(&answer), as_chosen("pinned", "2"), "{address}");
    }
}

#[tokio::test]
async fn a_weighted_selector_sends_requests_to_every_version_that_it_names_and_to_no_other() {
    let app = TestApp::start().await;
    agent(&app, 3).await;
    share(&app, &[("1", 50), ("2", 50)]).await;
    let mut seen = std::collections::BTreeSet::new();
    // That 64 requests go one way happens once in 2 to the power of 63.
    for _ in 0..64 {
        seen.insert(chosen(&ask(&app, None).await).1);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["1", "2"]);
}

#[tokio::test]
async fn a_version_without_a_share_gets_nothing() {
    let app = TestApp::start().await;
    agent(&app, 2).await;
    share(&app, &[("1", 0), ("2", 100)]).await;
    for _ in 0..16 {
        assert_eq!(chosen(&ask(&app, None).await).1, "2");
    }
}

#[tokio::test]
async fn the_traffic_of_a_deleted_version_goes_to_the_latest() {
    let app = TestApp::start().await;
    agent(&app, 2).await;
    share(&app, &[("1", 100)]).await;
    app.user.delete("/agents/weather/versions/1").await.accepted();
    assert_eq!(chosen(&ask(&app, None).await), as_chosen("latest", "2"));
    assert_eq!(refusal(&ask(&app, Some("1")).await).0, 404);
}
