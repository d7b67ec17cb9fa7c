//! What is left out of run steps unless a client asks for it: the passages that a search found.

use bytes::Bytes;
use serde_json::Value;

use crate::{body::document, values::Parameters};

/// What has to be asked for.
const CONTENTS: &str = "step_details.tool_calls[*].file_search.results[*].content";

/// What a client asks to be included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Include {
    contents: bool,
}

impl Include {
    /// From a query: `include` and `include[]`, repeated or with commas.
    pub fn from_query(parameters: &Parameters) -> Self {
        let mut given = parameters.all("include").chain(parameters.all("include[]"));
        Self { contents: given.any(|words| words.split(',').any(|word| word.trim() == CONTENTS)) }
    }

    /// Leaves out what was not asked for of a step.
    pub fn apply(self, step: &mut Value) {
        if self.contents {
            return;
        }
        for call in step["step_details"]["tool_calls"].as_array_mut().into_iter().flatten() {
            let Some(results) = call.pointer_mut("/file_search/results").and_then(Value::as_array_mut) else {
                continue;
            };
            for result in results.iter_mut().filter_map(Value::as_object_mut) {
                result.shift_remove("content");
            }
        }
    }

    /// The same of a step as it is stored. One without a search is not even read.
    pub fn apply_to_document(self, step: Bytes) -> Bytes {
        let has_search = std::str::from_utf8(&step).is_ok_and(|text| text.contains("\"file_search\""));
        if self.contents || !has_search {
            return step;
        }
        match serde_json::from_slice::<Value>(&step) {
            Ok(mut read) => {
                self.apply(&mut read);
                document(&read)
            }
            Err(_) => step,
        }
    }
}
