//! Searching the web: `web_search` and its kin, all through the provider of the configuration.

mod found;
mod settings;
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use cupola_engine::{
    tools::{Tool, ToolCall, ToolOutput},
    turn::TurnFault,
};
use cupola_models::FunctionDeclaration;
use cupola_tools::web::{NotSearched, Provider};
use serde_json::{Value, json};

use found::Found;
use settings::Settings;
pub(crate) use shown::{CUSTOM_SEARCH, CUSTOM_SEARCH_PREVIEW, GROUNDING, Searches};

use super::fault;

/// The kinds whose calls are items of their own type.
pub const KINDS: [&str; 4] =
    ["web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11"];
/// Bing as a tool of its own.
pub const GROUNDING_KIND: &str = "bing_grounding";
/// A configured part of Bing, in responses and in runs.
pub const CUSTOM_SEARCH_PREVIEW_KIND: &str = "bing_custom_search_preview";
/// The same in runs.
pub const CUSTOM_SEARCH_KIND: &str = "bing_custom_search";

/// Every kind of tool that searches the web.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().chain([GROUNDING_KIND, CUSTOM_SEARCH_PREVIEW_KIND, CUSTOM_SEARCH_KIND])
}

const DESCRIPTION: &str = "Searches the web and gives the pages that fit best. Use it for what is new, and for what \
                           you do not know.";
const NOT_CONFIGURED: &str = "This service has no provider for searching the web, so nothing was looked for. Whoever \
                              runs it can configure one: [tools.web_search].";

/// The tool.
pub struct WebSearch {
    provider: Option<Provider>,
    /// The name of its function.
    function: &'static str,
}

impl WebSearch {
    /// Searches through this provider, where there is one.
    pub fn new(kind: &'static str, provider: Option<Provider>) -> Self {
        let function = if kind.starts_with("web_search") { KINDS[0] } else { kind };
        Self { provider, function }
    }
}

#[async_trait]
impl Tool for WebSearch {
    async fn functions(&self, _: &Arc<str>, settings: &Value) -> Result<Vec<FunctionDeclaration>, TurnFault> {
        let hints = read(settings)?.hints();
        let words: Vec<_> = std::iter::once(DESCRIPTION.to_owned()).chain(hints).collect();
        Ok(vec![FunctionDeclaration {
            name: self.function.to_owned(),
            description: Some(words.join(" ")),
            parameters: json!({
                "type": "object",
                "properties": {"query": {"type": "string", "description": "What to look for, in a few words."}},
                "required": ["query"],
                "additionalProperties": false,
            }),
            strict: None,
        }])
    }

    async fn call(&self, call: ToolCall) -> Result<ToolOutput, TurnFault> {
        let asked = call.arguments.get("query").and_then(Value::as_str).map(str::trim);
        let words = asked.filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| fault("invalid_arguments", "'query' has to be a text."))?;
        let provider = self.provider.as_ref();
        let provider = provider.ok_or_else(|| fault("web_search_not_configured", NOT_CONFIGURED))?;
        let query = read(&call.settings)?.query(words.to_owned());
        let pages = provider.search(&query).await.map_err(|error| not_searched(&error))?;
        let request = provider.address(&query).to_string();
        let (found, text) = Found::told(call.ordinal, query.words, request, pages, call.room);
        // What was found is texts and numbers: writing it as JSON can't fail.
        let detail = serde_json::to_value(found).unwrap_or_default();
        Ok(ToolOutput { text, detail, ..ToolOutput::default() })
    }

    fn is_repeatable(&self, _: &str, _: &Value) -> bool {
        true
    }
}

fn read(settings: &Value) -> Result<Settings, TurnFault> {
    Settings::read(settings).map_err(|error| {
        fault("invalid_value", format!("The settings of the search can't be read: {error}."))
    })
}

fn not_searched(error: &NotSearched) -> TurnFault {
    let code = match error {
        NotSearched::Failed(failure) => failure.code(),
        NotSearched::NoInstances(_) => "invalid_value",
        NotSearched::Refused(..) | NotSearched::Unreadable => "search_failed",
    };
    fault(code, error.to_string())
}
