//! `/storage/history/item_ids`, and the conversations of stored responses.

use serde_json::{Value, json};

use crate::{
    app::TestApp,
    named_agents::refusal,
    storage::{PATH, answered, begun, creation, path_of, question},
};

const HISTORY: &str = "/storage/history/item_ids";
const CONVERSATIONS: &str = "/openai/v1/conversations";

/// A response that was asked this and has answered, behind another one. The ids of its items come with it.
async fn exchange(app: &TestApp, text: &str, previous: Option<&Value>) -> (Value, [Value; 2]) {
    let mut response = begun();
    if let Some(previous) = previous {
        response["previous_response_id"] = previous["id"].clone();
    }
    let asked = question(text);
    app.user.post(PATH, creation(&response, std::slice::from_ref(&asked))).await.created();
    let ended = answered(&response, text);
    app.user.post(&path_of(&response), ended.clone()).await.accepted();
    let ids = [asked["id"].clone(), ended["output"][0]["id"].clone()];
    (ended, ids)
}

async fn conversation(app: &TestApp) -> String {
    app.user.create(CONVERSATIONS, json!({})).await
}

/// The texts of a conversation, oldest first.
async fn said(app: &TestApp, conversation: &str) -> Vec<String> {
    let items = app.user.list(&format!("{CONVERSATIONS}/{conversation}/items?order=asc")).await;
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
}

fn begun_in(conversation: &str) -> Value {
    let mut response = begun();
    response["conversation"] = json!({"id": conversation});
    response
}

#[tokio::test]
async fn the_history_of_a_chain_is_whole_and_oldest_first() {
    let app = TestApp::start().await;
    let mut previous = None;
    let mut expected = Vec::new();
    for text in ["one", "two", "three"] {
        let (response, ids) = exchange(&app, text, previous.as_ref()).await;
        expected.extend(ids);
        previous = Some(response);
    }
    let path = format!("{HISTORY}?previous_response_id={}", previous.unwrap()["id"].as_str().unwrap());
    assert_eq!(app.user.get(&format!("{path}&limit=-1")).await.accepted(), json!(expected));
    assert_eq!(app.user.get(&path).await.accepted(), json!(expected));
    assert_eq!(app.user.get(&format!("{path}&limit=3")).await.accepted(), json!(expected[3..]));
    assert_eq!(app.user.get(&format!("{path}&limit=0")).await.accepted(), json!([]));
}

#[tokio::test]
async fn the_answer_of_a_response_that_goes_on_is_not_history_yet() {
    let app = TestApp::start().await;
    let (mut response, asked) = (begun(), question("one"));
    response["output"] = answered(&response, "half")["output"].clone();
    app.user.post(PATH, creation(&response, std::slice::from_ref(&asked))).await.created();
    let path = format!("{HISTORY}?previous_response_id={}", response["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), json!([asked["id"]]));
}

#[tokio::test]
async fn a_response_that_follows_itself_has_a_history_that_ends() {
    let app = TestApp::start().await;
    let (mut response, asked) = (begun(), question("one"));
    response["previous_response_id"] = response["id"].clone();
    app.user.post(PATH, creation(&response, std::slice::from_ref(&asked))).await.created();
    let path = format!("{HISTORY}?previous_response_id={}", response["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), json!([asked["id"]]));
}

#[tokio::test]
async fn a_history_needs_something_that_exists() {
    let app = TestApp::start().await;
    let named = |status, code: &str, param: Option<&str>| (status, code.to_owned(), param.map(str::to_owned));
    let unknown = begun();
    for (query, expected) in [
        ("limit=5".to_owned(), named(400, "missing_required_parameter", Some("previous_response_id"))),
        (
            "previous_response_id=resp_1".to_owned(),
            named(400, "invalid_parameters", Some("previous_response_id")),
        ),
        (format!("previous_response_id={}", unknown["id"].as_str().unwrap()), named(404, "not_found", None)),
        ("conversation_id=conv_unknown".to_owned(), named(404, "not_found", None)),
        ("conversation_id=conv_unknown&limit=many".to_owned(), named(400, "invalid_type", Some("limit"))),
    ] {
        assert_eq!(refusal(&app.user.get(&format!("{HISTORY}?{query}")).await), expected, "{query}");
    }
}

#[tokio::test]
async fn a_conversation_is_given_the_question_at_the_beginning_and_the_answer_at_the_end() {
    let app = TestApp::start().await;
    let conversation = conversation(&app).await;
    let response = begun_in(&conversation);
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    assert_eq!(said(&app, &conversation).await, ["Hi"]);

    // A response that is not over yet adds nothing, however often it is kept.
    let mut half = answered(&response, "Echo");
    half["status"] = json!("in_progress");
    app.user.post(&path_of(&response), half).await.accepted();
    assert_eq!(said(&app, &conversation).await, ["Hi"]);

    let ended = answered(&response, "Echo: Hi");
    for _ in 0..2 {
        app.user.post(&path_of(&response), ended.clone()).await.accepted();
        assert_eq!(said(&app, &conversation).await, ["Hi", "Echo: Hi"]);
    }
    let again = app.user.post(PATH, creation(&response, &[question("Hi")])).await;
    assert_eq!(again.status, 409);
    assert_eq!(said(&app, &conversation).await, ["Hi", "Echo: Hi"]);

    let items = app.user.list(&format!("{CONVERSATIONS}/{conversation}/items?order=asc")).await;
    let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
    let path = format!("{HISTORY}?limit=-1&conversation_id={conversation}");
    assert_eq!(app.user.get(&path).await.accepted(), json!(ids));
    let newest = format!("{HISTORY}?limit=1&conversation_id={conversation}");
    assert_eq!(app.user.get(&newest).await.accepted(), json!([items[1]["id"]]));
    // Whoever follows the response has the history of its conversation, once.
    let path = format!("{HISTORY}?previous_response_id={}", response["id"].as_str().unwrap());
    assert_eq!(app.user.get(&path).await.accepted(), json!(ids));
    let listed = app.user.list(&format!("/openai/v1/responses?conversation_id={conversation}")).await;
    assert_eq!(listed, [ended]);
}

#[tokio::test]
async fn a_response_that_is_over_when_it_is_kept_gives_its_conversation_both_at_once() {
    let app = TestApp::start().await;
    let conversation = conversation(&app).await;
    let response = answered(&begun_in(&conversation), "Echo: Hi");
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    app.user.post(&path_of(&response), response.clone()).await.accepted();
    assert_eq!(said(&app, &conversation).await, ["Hi", "Echo: Hi"]);
}

#[tokio::test]
async fn an_item_that_a_conversation_has_is_not_added_a_second_time() {
    let app = TestApp::start().await;
    let conversation = conversation(&app).await;
    let hi = question("Hi");
    for _ in 0..2 {
        let response = begun_in(&conversation);
        let twice = [hi.clone(), hi.clone()];
        app.user.post(PATH, creation(&response, &twice)).await.created();
    }
    assert_eq!(said(&app, &conversation).await, ["Hi"]);
}

#[tokio::test]
async fn an_item_of_another_place_is_copied_into_the_conversation() {
    let app = TestApp::start().await;
    let (one, other) = (conversation(&app).await, conversation(&app).await);
    let hi = question("Hi");
    for conversation in [&one, &other] {
        let response = begun_in(conversation);
        app.user.post(PATH, creation(&response, std::slice::from_ref(&hi))).await.created();
        assert_eq!(said(&app, conversation).await, ["Hi"]);
    }
    let copy = app.user.list(&format!("{CONVERSATIONS}/{other}/items")).await;
    assert_ne!(copy[0]["id"], hi["id"]);
}

#[tokio::test]
async fn a_conversation_that_does_not_exist_refuses_the_response() {
    let app = TestApp::start().await;
    let response = begun_in("conv_unknown");
    let refused = refusal(&app.user.post(PATH, creation(&response, &[question("Hi")])).await);
    assert_eq!(refused, (404, "not_found".to_owned(), None));
    assert_eq!(app.user.get(&path_of(&response)).await.status, 404, "nothing was kept");
}

#[tokio::test]
async fn a_response_outlives_its_conversation() {
    let app = TestApp::start().await;
    let conversation = conversation(&app).await;
    let response = begun_in(&conversation);
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    app.user.delete(&format!("{CONVERSATIONS}/{conversation}")).await.accepted();
    let ended = answered(&response, "Echo: Hi");
    app.user.post(&path_of(&response), ended.clone()).await.accepted();
    assert_eq!(app.user.get(&path_of(&response)).await.accepted(), ended);
}

#[tokio::test]
async fn ends_that_come_at_the_same_moment_add_the_answer_once() {
    let app = TestApp::start().await;
    let conversation = conversation(&app).await;
    let response = begun_in(&conversation);
    app.user.post(PATH, creation(&response, &[question("Hi")])).await.created();
    let (path, ended) = (path_of(&response), answered(&response, "Echo: Hi"));
    app.keep_the_store_busy();
    let ends = (0..8).map(|_| app.user.post(&path, ended.clone()));
    for end in futures_util::future::join_all(ends).await {
        end.accepted();
    }
    assert_eq!(said(&app, &conversation).await, ["Hi", "Echo: Hi"]);
}

#[tokio::test]
async fn an_item_with_the_id_of_a_conversation_can_not_take_it_along() {
    let app = TestApp::start().await;
    let victim = conversation(&app).await;
    app.user.post(PATH, creation(&begun_in(&victim), &[question("Hi")])).await.created();
    let (response, mut item) = (begun(), question("x"));
    item["id"] = json!(victim);
    app.user.post(PATH, creation(&response, &[item])).await.created();
    app.user.delete(&path_of(&response)).await.accepted();
    assert_eq!(said(&app, &victim).await, ["Hi"]);
}
