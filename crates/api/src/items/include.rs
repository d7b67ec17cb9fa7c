//! What is left out of items unless a client asks for it: results that can be large.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Item;
use crate::{body::document, values::Parameters};

/// What a client asks to be included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Include(Vec<String>);

impl Include {
    /// From the words of a body's `include`.
    pub fn of(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// From a query: `include` and `include[]`, repeated or with commas.
    pub fn from_query(parameters: &Parameters) -> Self {
        let given = parameters.all("include").chain(parameters.all("include[]"));
        Self::of(given.flat_map(|words| words.split(',')).map(|word| word.trim().to_owned()))
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|asked| asked == word)
    }

    /// Whether items of this type may have something to leave out.
    pub fn concerns(kind: &str) -> bool {
        matches!(
            kind,
            "file_search_call"
                | "code_interpreter_call"
                | "web_search_call"
                | "memory_search_call"
                | "reasoning"
        )
    }

    /// A response without what was not asked for.
    pub fn apply_to_response(&self, response: Bytes) -> Bytes {
        let may_concern =
            |text: &str| text.contains("_search_call\"") || text.contains("_interpreter_call\"");
        if !std::str::from_utf8(&response).is_ok_and(may_concern) {
            return response;
        }
        let Ok(mut read) = serde_json::from_slice::<Value>(&response) else { return response };
        for item in read["output"].as_array_mut().into_iter().flatten() {
            if let Value::Object(item) = item {
                self.apply(item);
            }
        }
        document(&read)
    }

    /// Leaves out what was not asked for.
    pub fn apply(&self, item: &mut Item) {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "file_search_call" => self.blank(item, "results", "file_search_call.results"),
            "memory_search_call" => self.blank(item, "results", "memory_search_call.results"),
            "code_interpreter_call" => self.blank(item, "outputs", "code_interpreter_call.outputs"),
            "web_search_call" if !self.has("web_search_call.action.sources") => {
                if let Some(Value::Object(action)) = item.get_mut("action") {
                    action.shift_remove("sources");
                }
            }
            "reasoning" if !self.has("reasoning.encrypted_content") => {
                item.shift_remove("encrypted_content");
            }
            _ => {}
        }
    }

    fn blank(&self, item: &mut Item, field: &str, word: &str) {
        if !self.has(word)
            && let Some(value) = item.get_mut(field)
        {
            *value = json!(null);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(include: &str, item: Value) -> Value {
        let Value::Object(mut item) = item else { panic!("an item is an object") };
        Include::from_query(&Parameters::parse(include)).apply(&mut item);
        Value::Object(item)
    }

    #[test]
    fn results_are_left_out_unless_they_are_asked_for() {
        let item = json!({"type": "file_search_call", "queries": ["q"], "results": [{"text": "t"}]});
        let without = json!({"type": "file_search_call", "queries": ["q"], "results": null});
        assert_eq!(shown("", item.clone()), without);
        assert_eq!(shown("include=other", item.clone()), without);
        for query in ["include=file_search_call.results", "include%5B%5D=x,file_search_call.results"] {
            assert_eq!(shown(query, item.clone()), item);
        }
    }

    #[test]
    fn each_type_leaves_out_its_own() {
        let code = json!({"type": "code_interpreter_call", "code": "1", "outputs": [1]});
        assert_eq!(shown("", code)["outputs"], json!(null));
        let search = json!({"type": "web_search_call", "action": {"query": "q", "sources": [1]}});
        assert_eq!(shown("", search)["action"], json!({"query": "q"}));
        let thought = json!({"type": "reasoning", "summary": [], "encrypted_content": "x"});
        assert_eq!(shown("", thought), json!({"type": "reasoning", "summary": []}));
        let message = json!({"type": "message", "content": [{"type": "input_image", "image_url": "u"}]});
        assert_eq!(shown("", message.clone()), message);
    }
}
