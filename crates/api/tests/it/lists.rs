//! Lists: pages, cursors, and the page after the end.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::app::{TestApp, assert_refused};

/// Messages `1` to `count` on a new thread, as their ids in order and the path of the list.
async fn messages(app: &TestApp, count: usize) -> (Vec<String>, String) {
    let path = format!("/threads/{}/messages", app.user.create("/threads", json!({})).await);
    let mut ids = Vec::new();
    for number in 1..=count {
        ids.push(app.user.create(&path, json!({"role": "user", "content": number.to_string()})).await);
    }
    (ids, path)
}

/// What a page holds, in words: the texts, and whether there are more.
async fn page(app: &TestApp, path: &str) -> (String, bool) {
    let page = app.user.get(path).await.accepted();
    let data = page["data"].as_array().unwrap();
    let texts: Vec<&str> = data.iter().map(|m| m["content"][0]["text"]["value"].as_str().unwrap()).collect();
    assert_eq!(page["first_id"], data.first().map_or(Value::Null, |m| m["id"].clone()));
    assert_eq!(page["last_id"], data.last().map_or(Value::Null, |m| m["id"].clone()));
    (texts.join(" "), page["has_more"].as_bool().unwrap())
}

#[tokio::test]
async fn the_page_after_the_end_has_null_ids() {
    let app = TestApp::start().await;
    let (ids, path) = messages(&app, 2).await;
    assert_snapshot!(app.user.get(&format!("{path}?after={}", ids[0])).await.shown());
    let empty = app.user.get("/assistants").await.accepted();
    let nothing = json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false});
    assert_eq!(empty, nothing);
}

#[tokio::test]
async fn a_list_is_newest_first_unless_asked_otherwise() {
    let app = TestApp::start().await;
    let (_, path) = messages(&app, 3).await;
    assert_eq!(page(&app, &path).await.0, "3 2 1");
    assert_eq!(page(&app, &format!("{path}?order=desc")).await.0, "3 2 1");
    assert_eq!(page(&app, &format!("{path}?order=asc")).await.0, "1 2 3");
}

#[tokio::test]
async fn a_page_has_20_objects_unless_asked_otherwise() {
    let app = TestApp::start().await;
    let (_, path) = messages(&app, 21).await;
    let (texts, has_more) = page(&app, &path).await;
    assert_eq!((texts.split(' ').count(), has_more), (20, true));
    let (texts, has_more) = page(&app, &format!("{path}?limit=21")).await;
    assert_eq!((texts.split(' ').count(), has_more), (21, false));
}

#[tokio::test]
async fn after_and_before_go_on_from_an_id_in_either_order() {
    let app = TestApp::start().await;
    let (ids, path) = messages(&app, 5).await;
    let id = |number: usize| &ids[number - 1];
    let cases = [
        (format!("order=asc&limit=2&after={}", id(2)), "3 4", true),
        (format!("order=asc&limit=2&after={}", id(3)), "4 5", false),
        (format!("order=desc&limit=2&after={}", id(4)), "3 2", true),
        (format!("order=desc&limit=2&after={}", id(1)), "", false),
        (format!("order=asc&limit=2&before={}", id(4)), "2 3", true),
        (format!("order=asc&limit=2&before={}", id(3)), "1 2", false),
        (format!("order=desc&limit=2&before={}", id(2)), "4 3", true),
        (format!("order=asc&after={}&before={}", id(1), id(5)), "2 3 4", false),
        (format!("order=desc&after={}&before={}", id(5), id(1)), "4 3 2", false),
        (format!("order=asc&after={}&before={}", id(4), id(2)), "", false),
    ];
    for (query, texts, has_more) in cases {
        assert_eq!(page(&app, &format!("{path}?{query}")).await, (texts.to_owned(), has_more), "{query}");
    }
}

#[tokio::test]
async fn a_client_may_delete_what_it_pages_from() {
    let app = TestApp::start().await;
    let (ids, path) = messages(&app, 4).await;
    app.user.delete(&format!("{path}/{}", ids[1])).await.accepted();
    assert_eq!(page(&app, &format!("{path}?order=asc&after={}", ids[1])).await.0, "3 4");
    assert_eq!(page(&app, &format!("{path}?order=desc&after={}", ids[1])).await.0, "1");
}

#[tokio::test]
async fn deleting_every_agent_while_listing_ends() {
    let app = TestApp::start().await;
    for _ in 0..7 {
        app.agent().await;
    }
    let mut after = String::new();
    let mut deleted = 0;
    loop {
        let page = app.user.get(&format!("/assistants?limit=3{after}")).await.accepted();
        for agent in page["data"].as_array().unwrap() {
            app.user.delete(&format!("/assistants/{}", agent["id"].as_str().unwrap())).await.accepted();
            deleted += 1;
        }
        match page["last_id"].as_str() {
            Some(last) => after = format!("&after={last}"),
            None => break,
        }
    }
    assert_eq!(deleted, 7);
}

#[tokio::test]
async fn a_cursor_that_never_existed_is_refused() {
    let app = TestApp::start().await;
    let (_, path) = messages(&app, 1).await;
    for cursor in ["after", "before"] {
        let refused = app.user.get(&format!("{path}?{cursor}=msg_none")).await;
        let sentence = "No object found with id 'msg_none' to continue the list from.";
        assert_refused(&refused, 400, sentence, Some("invalid_value"), None);
    }
}

#[tokio::test]
async fn a_query_that_can_not_be_is_refused() {
    let app = TestApp::start().await;
    for (query, code, param) in [
        ("limit=0", "integer_below_min_value", "limit"),
        ("limit=-5", "integer_below_min_value", "limit"),
        ("limit=101", "integer_above_max_value", "limit"),
        ("limit=99999999999999999999", "invalid_type", "limit"),
        ("limit=ten", "invalid_type", "limit"),
        ("order=up", "invalid_value", "order"),
    ] {
        let (status, _, seen_code, seen_param) =
            app.user.get(&format!("/assistants?{query}")).await.refusal();
        assert_eq!((status, seen_code.as_deref(), seen_param.as_deref()), (400, Some(code), Some(param)));
    }
}
