//! What the tool makes of what models write, and of what is found.
#![allow(clippy::unwrap_used)]

use super::*;

fn asked(arguments: Value) -> Option<Vec<String>> {
    queries(arguments.as_object().unwrap())
}

fn passage(filename: &str, text: &str) -> Passage {
    Passage { filename: filename.to_owned(), text: text.to_owned(), ..Passage::default() }
}

#[test]
fn queries_are_understood_in_every_form_in_which_models_write_them() {
    let queries = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    assert_eq!(asked(json!({"queries": ["a", " b ", ""]})), queries(&["a", "b"]));
    assert_eq!(asked(json!({"queries": "a"})), queries(&["a"]));
    assert_eq!(asked(json!({"query": "a"})), queries(&["a"]));
    let many: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(asked(json!({"queries": many})).unwrap().len(), MOST_QUERIES);
    for nothing in [json!({}), json!({"queries": []}), json!({"queries": [1]}), json!({"queries": " "})] {
        assert_eq!(asked(nothing), None);
    }
}

#[test]
fn the_model_is_given_each_passage_with_its_marker_and_its_place() {
    let mut first = passage("a.pdf", " It floats.\n");
    first.page = Some(3);
    first.heading = Some("Boats".to_owned());
    let found = vec![first, passage("b.md", "It sinks.")];
    let (found, told) = Found::told(2, vec!["q".to_owned()], found, 10_000);
    let (_, passages) = told.split_once("\n\n").unwrap();
    let expected =
        "【2:0†source】 a.pdf, page 3, under \"Boats\"\nIt floats.\n\n【2:1†source】 b.md\nIt sinks.";
    assert_eq!(passages, expected);
    assert_eq!((found.call, found.results.len()), (2, 2));
}

#[test]
fn passages_that_do_not_fit_are_left_out_and_the_best_one_never_is() {
    let passages = || vec![passage("a.md", &"x".repeat(900)), passage("b.md", "short")];
    let results = |room| Found::told(0, Vec::new(), passages(), room).0.results.len();
    assert_eq!((results(10), results(1_000), results(2_000)), (1, 1, 2));
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let (found, told) = Found::told(0, Vec::new(), Vec::new(), 1_000);
    assert!(told.starts_with("Nothing was found."));
    assert!(found.results.is_empty());
}
