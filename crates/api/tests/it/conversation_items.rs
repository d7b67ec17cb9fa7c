//! `/openai/v1/conversations/{conversation}/items`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{app::TestApp, named_agents::refusal};

const PATH: &str = "/openai/v1/conversations";

fn said(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap()).collect()
}

/// A conversation with these items, as the path of its items.
async fn items_path(app: &TestApp, items: Value) -> String {
    let id = app.user.create(PATH, json!({"items": items})).await;
    format!("{PATH}/{id}/items")
}

#[tokio::test]
async fn items_are_stored_with_ids_of_the_conversations_partition_and_a_status() {
    let app = TestApp::start().await;
    let path = items_path(&app, json!([])).await;
    let file = app.user.upload_text("notes.txt").await;
    let body = json!({"items": [
        {"role": "user", "content": "Hello"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "https://example.com/a.png"},
            {"type": "input_file", "file_id": file},
        ]},
        {"type": "message", "role": "assistant", "id": "msg_sent_again", "status": "completed",
         "content": [{"type": "output_text", "text": "Nice"}]},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "42"},
        {"type": "teleport", "to": "Mars"},
    ]});
    let created = app.user.post(&path, body).await;
    assert_snapshot!(created.shown());
    let created = created.accepted();
    let partition = &path.rsplit("conv_").next().unwrap()[..18];
    for item in created["data"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap();
        assert!(id.split_once('_').unwrap().1.starts_with(partition), "{id}");
        assert_eq!(app.user.get(&format!("{path}/{id}")).await.accepted(), *item);
    }
}

#[tokio::test]
async fn items_are_listed_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let path = items_path(&app, json!([said("One"), said("Two"), said("Three")])).await;
    assert_eq!(texts(&app.user.list(&path).await), ["Three", "Two", "One"]);
    assert_eq!(texts(&app.user.list(&format!("{path}?order=asc")).await), ["One", "Two", "Three"]);
    let page = app.user.get(&format!("{path}?limit=2")).await.accepted();
    assert_eq!((&page["first_id"], &page["last_id"]), (&page["data"][0]["id"], &page["data"][1]["id"]));
    assert_eq!(page["has_more"], true);
    let after = page["last_id"].as_str().unwrap();
    let rest = app.user.get(&format!("{path}?limit=2&after={after}")).await.accepted();
    assert_eq!((texts(rest["data"].as_array().unwrap()), &rest["has_more"]), (vec!["One"], &json!(false)));
}

#[tokio::test]
async fn items_are_listed_by_type() {
    let app = TestApp::start().await;
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let path = items_path(&app, json!([said("One"), call, said("Two")])).await;
    assert_eq!(texts(&app.user.list(&format!("{path}?item_type=message")).await), ["Two", "One"]);
    assert_eq!(app.user.list(&format!("{path}?item_type=function_call")).await.len(), 1);
}

#[tokio::test]
async fn results_come_only_to_those_who_ask_for_them() {
    let app = TestApp::start().await;
    let search = json!({"type": "file_search_call", "queries": ["q"], "results": [{"text": "t"}]});
    let path = items_path(&app, json!([search])).await;
    assert_eq!(app.user.list(&path).await[0]["results"], Value::Null);
    for include in ["include", "include[]", "include%5B%5D"] {
        let items = app.user.list(&format!("{path}?{include}=file_search_call.results")).await;
        assert_eq!(items[0]["results"], search["results"], "{include}");
        let one = format!("{path}/{}?{include}=file_search_call.results", items[0]["id"].as_str().unwrap());
        assert_eq!(app.user.get(&one).await.accepted()["results"], search["results"]);
    }
}

#[tokio::test]
async fn a_deleted_item_is_gone_and_the_answer_is_the_conversation() {
    let app = TestApp::start().await;
    let path = items_path(&app, json!([said("One"), said("Two")])).await;
    let item = app.user.list(&path).await[0]["id"].as_str().unwrap().to_owned();
    let item = format!("{path}/{item}");
    let conversation = app.user.get(path.strip_suffix("/items").unwrap()).await.accepted();
    assert_eq!(app.user.delete(&item).await.accepted(), conversation);
    assert_snapshot!(app.user.get(&item).await.shown());
    assert_eq!(refusal(&app.user.delete(&item).await).0, 404);
    assert_eq!(texts(&app.user.list(&path).await), ["One"]);
}

#[tokio::test]
async fn an_item_of_another_conversation_is_not_in_this_one() {
    let app = TestApp::start().await;
    let (one, other) = (items_path(&app, json!([])).await, items_path(&app, json!([said("Hi")])).await);
    let item = app.user.list(&other).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(refusal(&app.user.get(&format!("{one}/{item}")).await).0, 404);
    assert_eq!(refusal(&app.user.delete(&format!("{one}/{item}")).await).0, 404);
    assert_eq!(app.user.list(&other).await.len(), 1);
}

#[tokio::test]
async fn a_reference_brings_a_copy_of_the_item() {
    let app = TestApp::start().await;
    let (one, other) = (items_path(&app, json!([said("Hi")])).await, items_path(&app, json!([])).await);
    let item = app.user.list(&one).await[0].clone();
    let body = json!({"items": [{"type": "item_reference", "id": item["id"]}]});
    let copy = app.user.post(&other, body).await.accepted()["data"][0].clone();
    assert_eq!((&copy["content"], copy["id"] == item["id"]), (&item["content"], false));
    let unknown = json!({"items": [said("x"), {"id": "msg_unknown"}]});
    let refused = refusal(&app.user.post(&other, unknown).await);
    assert_eq!(refused, (404, "not_found".to_owned(), Some("items[1].id".to_owned())));
    assert_eq!(app.user.list(&other).await.len(), 1, "nothing was added");
}

#[tokio::test]
async fn one_request_brings_at_most_twenty_items() {
    let app = TestApp::start().await;
    let path = items_path(&app, json!(vec![said("x"); 20])).await;
    let many = json!({"items": vec![said("x"); 21]});
    assert_snapshot!(app.user.post(&path, many.clone()).await.shown());
    assert_eq!(refusal(&app.user.post(PATH, many).await).1, "array_above_max_length");
    assert_eq!(app.user.list(&path).await.len(), 20);
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_named_by_its_path() {
    let app = TestApp::start().await;
    let path = items_path(&app, json!([])).await;
    let named = |code: &str, param: &str| (400, code.to_owned(), Some(param.to_owned()));
    for (item, expected) in [
        (json!("x"), named("invalid_type", "items[1]")),
        (json!({"content": "x"}), named("missing_required_parameter", "items[1].type")),
        (json!({"role": "robot", "content": "x"}), named("invalid_value", "items[1].role")),
        (
            json!({"role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]}),
            named("invalid_type", "items[1].content[0].image_url"),
        ),
    ] {
        let body = json!({"items": [said("fine"), item]});
        assert_eq!(refusal(&app.user.post(&path, body).await), expected, "{item}");
    }
    let missing = refusal(&app.user.post(&path, json!({})).await);
    assert_eq!(missing, named("missing_required_parameter", "items"));
    assert_eq!(app.user.list(&path).await, Vec::<Value>::new(), "nothing was added");
}
