//! `/storage/responses`: what hosted containers keep.

use cupola_engine::ids;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    named_agents::refusal,
};

pub const PATH: &str = "/storage/responses";
const OPENAI: &str = "/openai/v1";

/// A new id as containers make it.
pub fn id(prefix: &str) -> String {
    ids::of_length(&format!("{prefix}_2f924b8437fe553b00"), 32)
}

/// A message of a user.
pub fn question(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}],
           "id": id("msg"), "status": "completed"})
}

/// A response that has just begun.
pub fn begun() -> Value {
    json!({
        "id": id("caresp"), "object": "response", "output": [], "created_at": 1_795_157_962,
        "agent_reference": {"type": "agent_reference", "name": "echo", "version": "3"},
        "status": "in_progress", "model": "", "background": false,
    })
}

/// The same response when it has answered this.
pub fn answered(response: &Value, text: &str) -> Value {
    let mut response = response.clone();
    response["status"] = json!("completed");
    response["output"] = json!([{
        "type": "message", "id": id("msg"), "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        "response_id": response["id"], "agent_reference": response["agent_reference"],
    }]);
    response
}

/// What a container sends when a response begins.
pub fn creation(response: &Value, input: &[Value]) -> Value {
    json!({"response": response, "input_items": input, "history_item_ids": []})
}

/// The path of a response.
pub fn path_of(response: &Value) -> String {
    format!("{PATH}/{}", response["id"].as_str().unwrap())
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_response_is_kept_from_its_beginning_to_its_end() {
    let app = TestApp::start().await;
    let response = begun();
    let created = app.user.post(PATH, creation(&response, &[question("Hi")])).await;
    assert_eq!(created.created(), response);
    assert_eq!(app.user.get(&path_of(&response)).await.accepted(), response);

    let ended = answered(&response, "Echo: Hi");
    assert_eq!(app.user.post(&path_of(&response), ended.clone()).await.accepted(), ended);
    assert_eq!(app.user.get(&path_of(&response)).await.accepted(), ended);
}

#[tokio::test]
async fn the_ordinary_operations_find_what_a_container_has_kept() {
    let app = TestApp::start().await;
    let response = answered(&begun(), "Echo: Hi");
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    let id = response["id"].as_str().unwrap();
    for beginning in [OPENAI, "/agents/echo/endpoint/protocols/openai"] {
        let path = format!("{beginning}/responses/{id}");
        assert_eq!(app.user.get(&path).await.accepted(), response);
        assert_eq!(texts(&app.user.list(&format!("{path}/input_items")).await), ["Hi"]);
    }
    let responses = format!("{OPENAI}/responses");
    assert_eq!(app.user.list(&responses).await, std::slice::from_ref(&response));
    assert_eq!(app.user.list(&format!("{responses}?agent_name=echo")).await, std::slice::from_ref(&response));
    app.user.delete(&format!("{responses}/{id}")).await.accepted();
    assert_eq!(app.user.get(&path_of(&response)).await.status, 404);
}

#[tokio::test]
async fn a_response_that_begins_a_second_time_conflicts_and_changes_nothing() {
    let app = TestApp::start().await;
    let response = begun();
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    let again = app.user.post(PATH, creation(&answered(&response, "x"), &[question("Ho")])).await;
    let message = format!("Response '{}' already exists.", response["id"].as_str().unwrap());
    assert_refused(&again, 409, &message, Some("conflict"), None);
    assert_eq!(app.user.get(&path_of(&response)).await.accepted(), response);
}

#[tokio::test]
async fn the_input_of_a_response_is_listed_in_either_order_and_by_pages() {
    let app = TestApp::start().await;
    let (response, input) = (begun(), ["one", "two", "three"].map(question));
    app.user.post(PATH, creation(&response, &input)).await.created();
    let path = format!("{}/input_items", path_of(&response));
    assert_eq!(texts(&app.user.list(&path).await), ["three", "two", "one"]);
    let page = app.user.get(&format!("{path}?limit=2&order=asc")).await.accepted();
    assert_eq!(
        (texts(page["data"].as_array().unwrap()), &page["has_more"]),
        (vec!["one", "two"], &json!(true))
    );
    let last = page["last_id"].as_str().unwrap();
    assert_eq!(texts(&app.user.list(&format!("{path}?order=asc&after={last}")).await), ["three"]);
    assert_eq!(texts(&app.user.list(&format!("{path}?order=asc&before={last}")).await), ["one"]);
}

#[tokio::test]
async fn items_are_retrieved_in_the_order_of_their_ids_with_null_for_those_that_are_not_there() {
    let app = TestApp::start().await;
    let (hi, response) = (question("Hi"), answered(&begun(), "Echo: Hi"));
    app.user.post(PATH, creation(&response, std::slice::from_ref(&hi))).await.created();
    let answer = response["output"][0].clone();
    let wanted = json!({"item_ids": [answer["id"], "msg_unknown", hi["id"]]});
    let found = app.user.post("/storage/items/batch/retrieve", wanted).await.accepted();
    assert_eq!(found, json!([answer, null, hi]));
    let none = app.user.post("/storage/items/batch/retrieve", json!({"item_ids": []})).await;
    assert_eq!(none.accepted(), json!([]));
}

#[tokio::test]
async fn a_deleted_response_is_gone_with_its_items() {
    let app = TestApp::start().await;
    let (hi, response) = (question("Hi"), begun());
    app.user.post(PATH, creation(&response, std::slice::from_ref(&hi))).await.created();
    assert_snapshot!(app.user.delete(&path_of(&response)).await.shown());
    assert_snapshot!(app.user.get(&path_of(&response)).await.shown());
    let gone = [
        app.user.delete(&path_of(&response)).await,
        app.user.post(&path_of(&response), response.clone()).await,
        app.user.get(&format!("{}/input_items", path_of(&response))).await,
    ];
    for answer in gone {
        assert_eq!(refusal(&answer).0, 404);
    }
    let wanted = json!({"item_ids": [hi["id"]]});
    let items = app.user.post("/storage/items/batch/retrieve", wanted).await.accepted();
    assert_eq!(items, json!([null]));
}

#[tokio::test]
async fn a_response_that_has_ended_never_begins_again() {
    let app = TestApp::start().await;
    let response = begun();
    let ended = answered(&response, "Echo: Hi");
    app.user.post(PATH, creation(&ended, &[])).await.created();
    let refused = app.user.post(&path_of(&response), response.clone()).await;
    assert_eq!(refusal(&refused), (409, "conflict".to_owned(), None));
    // A change that does not open it again is taken.
    let mut marked = ended.clone();
    marked["metadata"] = json!({"a": "b"});
    assert_eq!(app.user.post(&path_of(&response), marked.clone()).await.accepted(), marked);
}

#[tokio::test]
async fn ids_of_other_kinds_are_refused_in_the_words_of_the_wire() {
    let app = TestApp::start().await;
    let other = "resp_2f924b8437fe553b00FkXw677eZazbpBBQqXABqzTIxk6ileMn";
    let mut response = begun();
    response["id"] = json!(other);
    let param = format!("responseId{{{other}}}");
    for answer in [
        app.user.post(PATH, creation(&response, &[])).await,
        app.user.get(&path_of(&response)).await,
        app.user.post(&path_of(&response), response.clone()).await,
        app.user.delete(&path_of(&response)).await,
        app.user.get(&format!("{}/input_items", path_of(&response))).await,
    ] {
        assert_refused(&answer, 400, "Malformed identifier.", Some("invalid_parameters"), Some(&param));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() {
    let app = TestApp::start().await;
    let response = begun();
    let named = |code: &str, param: &str| (400, code.to_owned(), Some(param.to_owned()));
    let nothing = refusal(&app.user.post(PATH, json!({})).await);
    assert_eq!(nothing, named("missing_required_parameter", "response"));
    let nameless = refusal(&app.user.post(PATH, json!({"response": {}})).await);
    assert_eq!(nameless, named("missing_required_parameter", "response.id"));
    let text = refusal(&app.user.post(PATH, json!({"response": response, "input_items": ["x"]})).await);
    assert_eq!(text, named("invalid_type", "input_items[0]"));
    app.user.post(PATH, creation(&response, &[])).await.created();
    let another = refusal(&app.user.post(&path_of(&response), begun()).await);
    assert_eq!(another, named("invalid_value", "id"));
}

#[tokio::test]
async fn a_project_sees_nothing_of_another_one() {
    let app = TestApp::start().await;
    let response = begun();
    app.user.post(PATH, creation(&response, &[])).await.created();
    assert_eq!(app.user.in_project("other").get(&path_of(&response)).await.status, 404);
}
