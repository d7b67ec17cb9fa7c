//! `file_search`: passages from vector stores, with markers by which the model can cite them.

mod check;
mod found;
mod library;
mod settings;
mod shown;
mod stores;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use serde_json::{Map, Value, json};

pub use library::{Library, NotSearched, Passage, Wanted};

use super::{fault, read_settings};
pub(crate) use check::check_stores;
use found::Found;
use settings::Settings;
pub(crate) use shown::Calls;

/// The tool's kind, and the name of its function.
pub const KIND: &str = "file_search";
/// The most queries of one call; more are not looked for.
const MOST_QUERIES: usize = 8;
const DESCRIPTION: &str = "Searches the files that belong to this conversation and gives the passages that \
                           fit best. Use it before you answer a question that the files may answer.";

/// The tool.
pub struct FileSearch {
    library: Arc<dyn Library>,
}

impl FileSearch {
    /// Searches this library.
    pub fn new(library: Arc<dyn Library>) -> Self {
        Self { library }
    }
}

#[async_trait]
impl Tool for FileSearch {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let more = read(settings)?.description.map(|more| format!("{DESCRIPTION} {more}"));
        Ok(vec![FunctionDeclaration {
            name: KIND.to_owned(),
            description: Some(more.unwrap_or_else(|| DESCRIPTION.to_owned())),
            parameters: json!({
                "type": "object",
                "properties": {"queries": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "What to look for: one to five short texts in different words, in the \
                                    language of the files.",
                }},
                "required": ["queries"],
                "additionalProperties": false,
            }),
            strict: None,
        }])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let settings = read(&call.settings)?;
        let queries = queries(&call.arguments).ok_or_else(|| {
            let message = "'queries' has to be an array of texts, with at least one.";
            fault("invalid_arguments", message)
        })?;
        let wanted = Wanted {
            queries,
            limit: settings.limit(),
            filters: settings.filters.clone(),
            may_rerank: settings.may_rerank(),
            threshold: settings.threshold(),
            weights: settings.weights(),
        };
        let project = &call.turn.project;
        let passages = match settings.vector_store_ids.as_slice() {
            [] => Vec::new(),
            stores => {
                let found = self.library.search(project, stores, &wanted).await;
                found.map_err(|error| fault("search_failed", error.to_string()))?
            }
        };
        let (found, text) = Found::told(call.ordinal, wanted.queries, passages, call.room);
        // What was found is texts and numbers: writing it as JSON can't fail.
        let detail = serde_json::to_value(found).unwrap_or_default();
        Ok(ToolOutput { text, detail, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        true
    }
}

fn read(settings: &Value) -> Result<Settings, TurnFault> {
    read_settings(KIND, settings)
}

/// What is to be looked for. Models also write one text where several may stand, or `query`.
fn queries(arguments: &Map<String, Value>) -> Option<Vec<String>> {
    let asked = arguments.get("queries").or_else(|| arguments.get("query"))?;
    let texts = match asked {
        Value::Array(texts) => texts.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?,
        Value::String(text) => vec![text.as_str()],
        _ => return None,
    };
    let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    let queries: Vec<String> = texts.take(MOST_QUERIES).map(str::to_owned).collect();
    (!queries.is_empty()).then_some(queries)
}

#[cfg(test)]
mod tests;
