//! `/openai/v1/conversations`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    named_agents::{add_version, refusal},
};

const PATH: &str = "/openai/v1/conversations";

#[tokio::test]
async fn a_conversation_needs_no_body() {
    let app = TestApp::start().await;
    let created = app.user.post_nothing(PATH).await;
    assert_snapshot!(created.shown());
    let conversation = created.accepted();
    let path = format!("{PATH}/{}", conversation["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), conversation);
}

#[tokio::test]
async fn every_form_of_the_address_leads_to_the_same_conversations() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let beginnings = [
        "/openai/v1",
        "/openai",
        "/agents/weather/endpoint/protocols/openai",
        "/agents/weather/endpoint/protocols/openai/v1",
        "/applications/weather/protocols/openai",
        "/applications/weather/protocols/openai/v1",
    ];
    for from in beginnings {
        let id = app.user.create(&format!("{from}/conversations"), json!({})).await;
        for to in beginnings {
            app.user.get(&format!("{to}/conversations/{id}")).await.accepted();
        }
    }
}

#[tokio::test]
async fn an_update_replaces_the_pairs() {
    let app = TestApp::start().await;
    let id = app.user.create(PATH, json!({"metadata": {"a": "b"}, "invented_later": 1})).await;
    let path = format!("{PATH}/{id}");
    let updated = app.user.post(&path, json!({"metadata": {"c": "d"}})).await;
    assert_snapshot!(updated.shown());
    assert_eq!(app.user.get(&path).await.accepted(), updated.accepted());
    let long = json!({"metadata": {"k": "v".repeat(513)}});
    assert_eq!(refusal(&app.user.post(&path, long).await).2.as_deref(), Some("metadata.k"));
}

#[tokio::test]
async fn a_deleted_conversation_is_gone_with_its_items() {
    let app = TestApp::start().await;
    let id = app.user.create(PATH, json!({"items": [{"role": "user", "content": "Hi"}]})).await;
    let path = format!("{PATH}/{id}");
    let item = app.user.list(&format!("{path}/items")).await[0]["id"].as_str().unwrap().to_owned();
    assert_snapshot!(app.user.delete(&path).await.shown());
    assert_snapshot!(app.user.get(&path).await.shown());
    for gone in [format!("{path}/items"), format!("{path}/items/{item}")] {
        assert_eq!(refusal(&app.user.get(&gone).await).0, 404);
    }
    let more = json!({"items": [{"role": "user", "content": "Hi"}]});
    assert_eq!(refusal(&app.user.post(&format!("{path}/items"), more).await).0, 404);
    assert_eq!(refusal(&app.user.delete(&path).await).0, 404);
    assert_eq!(refusal(&app.user.post(&path, json!({"metadata": {}})).await).0, 404);
}

#[tokio::test]
async fn an_id_of_something_else_is_refused_before_it_is_looked_up() {
    let app = TestApp::start().await;
    let refused = app.user.get(&format!("{PATH}/thread_1")).await;
    assert_snapshot!(refused.shown());
    for path in ["thread_1/items", "thread_1/items/msg_1"] {
        let refused = app.user.get(&format!("{PATH}/{path}")).await;
        assert_eq!(refusal(&refused).2.as_deref(), Some("conversation_id"), "{path}");
    }
}

#[tokio::test]
async fn conversations_are_listed_newest_first_and_by_the_agents_that_take_part() {
    let app = TestApp::start().await;
    add_version(&app.user, "weather", "x").await;
    let at_agent = "/agents/weather/endpoint/protocols/openai/conversations";
    let first = app.user.create(at_agent, json!({})).await;
    let second = app.user.create(PATH, json!({})).await;
    let third = app.user.create(at_agent, json!({})).await;
    let ids = |query: &str| {
        let (user, path) = (app.user.clone(), format!("{PATH}{query}"));
        async move {
            let list = user.list(&path).await;
            list.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids("").await, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(ids("?order=asc&limit=1").await, std::slice::from_ref(&first));
    assert_eq!(ids("?agent_name=weather").await, [third.clone(), first.clone()]);
    assert_eq!(ids("?agent_name=weather&order=asc&limit=1").await, std::slice::from_ref(&first));
    assert_eq!(ids(&format!("?agent_name=weather&after={third}")).await, [first]);
    assert_eq!(ids("?agent_name=other").await, Vec::<String>::new());
    assert_eq!(ids("?agent_id=weather:7").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_names_an_unknown_agent_creates_nothing() {
    let app = TestApp::start().await;
    let refused = app.user.post("/agents/nobody/endpoint/protocols/openai/conversations", json!({})).await;
    assert_eq!(refusal(&refused), (404, "not_found".to_owned(), None));
    assert_eq!(app.user.list(PATH).await, Vec::<Value>::new());
}
