//! Files: the built-in model looks for what it is asked, and answers with the best passage and its marker.

use serde_json::{Value, json};

use super::reply::Call;
use crate::FunctionDeclaration;

/// How the function is called, by itself or with a number behind it.
const NAME: &str = "file_search";
const OPEN: char = '【';
const CLOSE: char = '】';

/// Whether a function searches files.
pub(crate) fn is_search(function: &FunctionDeclaration) -> bool {
    is_named_so(&function.name) && function.parameters.pointer("/properties/queries").is_some()
}

/// Whether an output is that of such a function.
pub(crate) fn is_named_so(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// A call that looks for what the user said.
pub(crate) fn search(function: &FunctionDeclaration, user_text: &str) -> Call {
    let arguments: Value = json!({ "queries": [user_text.trim()] });
    Call { name: function.name.clone(), arguments: arguments.to_string() }
}

/// The best passage of an output, with its marker; `clip` shortens it.
pub(crate) fn answer(output: &str, clip: impl Fn(&str) -> String) -> String {
    let Some(Passage { marker, name, text }) = best(output) else {
        return "I found nothing about that in the files.".to_owned();
    };
    format!("The best passage is in {name}: \"{}\"{marker}", clip(text))
}

struct Passage<'a> {
    marker: &'a str,
    name: &'a str,
    text: &'a str,
}

/// The first passage: a line with its marker and its file, then its text up to the next marker.
fn best(output: &str) -> Option<Passage<'_>> {
    let from = &output[output.find(&format!("\n{OPEN}"))? + 1..];
    let (marker, rest) = from.split_at(from.find(CLOSE)? + CLOSE.len_utf8());
    let (name, rest) = rest.split_once('\n')?;
    let end = rest.find(&format!("\n\n{OPEN}")).unwrap_or(rest.len());
    Some(Passage { marker, name: name.trim(), text: rest[..end].trim() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_passage_is_quoted_with_its_marker() {
        let output =
            "How to cite.\n\n【0:0†source】 a.md, page 2\nIt floats.\n\nMostly.\n\n【0:1†source】 b.md\nNo.";
        let expected = "The best passage is in a.md, page 2: \"It floats.\n\nMostly.\"【0:0†source】";
        assert_eq!(answer(output, str::to_owned), expected);
    }

    #[test]
    fn where_nothing_was_found_it_says_so() {
        for output in ["Nothing was found.", "The call failed.", "\n【0:0"] {
            assert_eq!(answer(output, str::to_owned), "I found nothing about that in the files.");
        }
    }

    #[test]
    fn a_function_that_only_has_a_similar_name_is_no_search() {
        let named = |name: &str, parameters: Value| FunctionDeclaration {
            name: name.to_owned(),
            description: None,
            parameters,
            strict: None,
        };
        let queries = json!({"properties": {"queries": {"type": "array"}}});
        assert!(is_search(&named("file_search", queries.clone())));
        assert!(is_search(&named("file_search_2", queries.clone())));
        assert!(!is_search(&named("file_searches", queries)));
        assert!(!is_search(&named("file_search", json!({"properties": {"path": {}}}))));
    }
}
