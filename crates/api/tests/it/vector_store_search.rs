//! `/vector_stores/{store}/search`: what is found, and in which order.

use std::sync::Arc;

use cupola_api::vector_stores::Query;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp},
    embedder::Letters,
};

const BIRDS: [(&str, &str); 4] = [
    ("heron.txt", "The heron fishes in shallow water. The heron waits without moving."),
    ("owl.md", "# Owls\n\nThe owl hunts at night and hears a mouse under snow."),
    ("stork.txt", "The stork builds its nest on chimneys. A heron is its cousin."),
    ("ledger.txt", "Invoices are due within thirty days."),
];

/// A store with the birds, each with attributes.
async fn birds(app: &TestApp) -> String {
    let store = app.user.create("/vector_stores", json!({})).await;
    let mut files = Vec::new();
    for (number, (name, text)) in BIRDS.into_iter().enumerate() {
        let file = app.user.upload(name, text.as_bytes()).await;
        let attributes = json!({"number": number, "name": name, "bird": name != "ledger.txt"});
        files.push(json!({"file_id": file, "attributes": attributes}));
    }
    let path = format!("/vector_stores/{store}/file_batches");
    app.user.post(&path, json!({"files": files})).await.accepted();
    app.settled(&store).await;
    store
}

async fn search(app: &TestApp, store: &str, body: Value) -> Vec<Value> {
    let page = app.user.post(&format!("/vector_stores/{store}/search"), body).await.accepted();
    page["data"].as_array().unwrap().clone()
}

fn names(found: &[Value]) -> Vec<&str> {
    found.iter().map(|result| result["filename"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_search_gives_the_best_passages_with_their_files() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let path = format!("/openai/v1/vector_stores/{store}/search");
    let answer = app.user.post(&path, json!({"query": "what does a heron fish in?"})).await;
    let page = answer.accepted();
    assert_eq!(names(page["data"].as_array().unwrap())[0], "heron.txt");
    for result in page["data"].as_array().unwrap() {
        let score = result["score"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&score), "{result}");
    }
    let shown = app.user.post(&path, json!({"query": "mouse"})).await.shown();
    let scores = regex::Regex::new(r#""score": [0-9.]+"#).unwrap();
    assert_snapshot!(scores.replace_all(&shown, r#""score": "<score>""#));
}

#[tokio::test]
async fn a_search_gives_as_many_as_it_is_asked_for_at_most() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    assert_eq!(search(&app, &store, json!({"query": "heron"})).await.len(), 2);
    let one = search(&app, &store, json!({"query": "heron", "max_num_results": 1})).await;
    assert_eq!(names(&one), ["heron.txt"]);
}

#[tokio::test]
async fn what_any_of_several_texts_finds_is_found_once() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let found = search(&app, &store, json!({"query": ["mouse", "invoices", "owl"]})).await;
    let mut names = names(&found);
    names.sort_unstable();
    assert_eq!(names, ["ledger.txt", "owl.md"]);
}

#[tokio::test]
async fn a_filter_says_which_files_may_be_found() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let filtered = async |filters: Value| {
        let found = search(&app, &store, json!({"query": "heron owl invoices", "filters": filters})).await;
        let mut names: Vec<String> = names(&found).into_iter().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    let compare = |kind: &str, key: &str, value: Value| json!({"type": kind, "key": key, "value": value});
    let ledger = compare("eq", "bird", json!(false));
    assert_eq!(filtered(ledger.clone()).await, ["ledger.txt"]);
    assert_eq!(filtered(compare("gte", "number", json!(1.5))).await, ["ledger.txt", "stork.txt"]);
    assert_eq!(filtered(compare("in", "name", json!(["owl.md", "x"]))).await, ["owl.md"]);
    assert_eq!(
        filtered(compare("nin", "name", json!(["owl.md", "ledger.txt"]))).await,
        ["heron.txt", "stork.txt"]
    );
    assert_eq!(filtered(compare("ne", "unknown", json!(1))).await.len(), 4);
    assert_eq!(filtered(compare("gt", "unknown", json!(1))).await, Vec::<String>::new());
    let both = json!({"type": "or", "filters": [ledger, compare("lt", "number", json!(1))]});
    assert_eq!(filtered(both.clone()).await, ["heron.txt", "ledger.txt"]);
    let none = json!({"type": "and", "filters": [both, compare("eq", "name", json!("owl.md"))]});
    assert_eq!(filtered(none).await, Vec::<String>::new());
}

#[tokio::test]
async fn changed_attributes_count_from_that_moment_on() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let owl = search(&app, &store, json!({"query": "owl"})).await[0]["file_id"].clone();
    let filters = json!({"type": "eq", "key": "seen", "value": true});
    let body = json!({"query": "owl", "filters": filters});
    assert_eq!(search(&app, &store, body.clone()).await, Vec::<Value>::new());
    let path = format!("/vector_stores/{store}/files/{}", owl.as_str().unwrap());
    app.user.post(&path, json!({"attributes": {"seen": true}})).await.accepted();
    let found = search(&app, &store, body).await;
    assert_eq!((names(&found), &found[0]["attributes"]), (vec!["owl.md"], &json!({"seen": true})));
}

#[tokio::test]
async fn a_threshold_leaves_out_what_is_worse() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let all = search(&app, &store, json!({"query": "heron fishes"})).await;
    let best = all[0]["score"].as_f64().unwrap();
    assert!(all.len() > 1 && all[1]["score"].as_f64().unwrap() < best);
    let options = json!({"score_threshold": best});
    let few = search(&app, &store, json!({"query": "heron fishes", "ranking_options": options})).await;
    assert_eq!(names(&few), [all[0]["filename"].as_str().unwrap()]);
}

#[tokio::test]
async fn meaning_finds_what_words_do_not_and_weights_say_how_much_each_counts() {
    let embedder = Letters::new("letters");
    let app = TestApp::with(Setup { embedder: Some(embedder), ..Setup::default() }).await;
    let store = birds(&app).await;
    // The letters of the file about invoices, in no word of it.
    let anagram = "seciovni era eud nihtiw ytriht syad";
    let found = search(&app, &store, json!({"query": anagram})).await;
    assert_eq!(names(&found)[0], "ledger.txt");
    let weighted = |meaning: f64, words: f64| {
        let weights = json!({"embedding_weight": meaning, "text_weight": words});
        json!({"query": anagram, "ranking_options": {"hybrid_search": weights}})
    };
    assert_eq!(search(&app, &store, weighted(0.0, 1.0)).await, Vec::<Value>::new());
    assert_eq!(names(&search(&app, &store, weighted(1.0, 0.0)).await)[0], "ledger.txt");
}

#[tokio::test]
async fn several_stores_are_searched_at_once() {
    let app = TestApp::start().await;
    let (one, other) = (birds(&app).await, birds(&app).await);
    let project = Arc::from("demo");
    let stores = app.service.vector_stores();
    let found = stores.search(&project, &[one.clone(), other.clone()], &Query::text("mouse")).await.unwrap();
    let mut places: Vec<&str> = found.iter().map(|passage| passage.vector_store_id.as_str()).collect();
    places.sort_unstable();
    let mut both = [one.as_str(), other.as_str()];
    both.sort_unstable();
    assert_eq!(places, both);
    assert_eq!(found[0].place.heading.as_deref(), Some("Owls"));
    let missing = stores.search(&project, &[one, "vs_nowhere".to_owned()], &Query::text("mouse")).await;
    assert_eq!(missing.unwrap_err().to_string(), "No vector store found with id 'vs_nowhere'.");
}

#[tokio::test]
async fn an_empty_store_has_nothing_to_find() {
    let app = TestApp::start().await;
    let store = app.user.create("/vector_stores", json!({})).await;
    assert_eq!(search(&app, &store, json!({"query": "heron"})).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_question_is_put_in_other_words_where_that_is_allowed() {
    let app = TestApp::start().await;
    let store = birds(&app).await;
    let path = format!("/vector_stores/{store}/search");
    let body = json!({"query": "Where does the owl hunt?", "rewrite_query": true});
    let page = app.user.post(&path, body).await.accepted();
    assert_eq!(page["search_query"], json!(["owl hunt"]));
    assert_eq!(names(page["data"].as_array().unwrap())[0], "owl.md");
    let page = app.user.post(&path, json!({"query": "Where does the owl hunt?"})).await.accepted();
    assert_eq!(page["search_query"], json!(["Where does the owl hunt?"]));
}
