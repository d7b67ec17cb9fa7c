//! What tools a server has: page by page, within limits of pages, tools and bytes.

use std::collections::BTreeSet;

use rmcp::{RoleClient, model::PaginatedRequestParams, service::Peer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Failure;

/// The most pages that are asked for.
const MOST_PAGES: usize = 100;
/// The most tools that are taken.
const MOST_TOOLS: usize = 512;
/// The most bytes of all tools that are taken together.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Which tools are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those with these names, where there are any.
    pub names: Option<BTreeSet<String>>,
    /// Only those that say, or do not say, of themselves that they change nothing.
    pub read_only: Option<bool>,
}

/// A tool as the server lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// A JSON schema of its arguments.
    pub input_schema: Value,
    /// What it says about itself.
    #[serde(default)]
    pub annotations: Value,
}

impl Listed {
    /// Whether it says that it changes nothing.
    pub fn is_read_only(&self) -> bool {
        self.annotations["readOnlyHint"] == true
    }
}

impl Wanted {
    /// Whether a tool is wanted.
    pub fn holds(&self, tool: &Listed) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(&tool.name))
            && self.read_only.is_none_or(|read_only| read_only == tool.is_read_only())
    }
}

/// Asks a server for the tools that are wanted.
pub async fn ask(peer: &Peer<RoleClient>, host: &str, wanted: &Wanted) -> Result<Vec<Listed>, Failure> {
    let mut tools: Vec<Listed> = Vec::new();
    let (mut bytes, mut cursor) = (0, None);
    let too_much = |most| Failure::TooMuch { host: host.to_owned(), most };
    for _ in 0..MOST_PAGES {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let page = peer.list_tools(Some(params)).await.map_err(|error| Failure::of_session(host, error))?;
        for tool in page.tools {
            let tool = listed(tool);
            if !wanted.holds(&tool) || tools.iter().any(|other| other.name == tool.name) {
                continue;
            }
            bytes += serde_json::to_vec(&tool).map_or(0, |written| written.len());
            if bytes > MOST_BYTES {
                return Err(too_much("2 MiB about its tools"));
            }
            if tools.len() == MOST_TOOLS {
                return Err(too_much("512 tools"));
            }
            tools.push(tool);
        }
        cursor = page.next_cursor.filter(|next| !next.is_empty());
        if cursor.is_none() {
            return Ok(tools);
        }
    }
    Err(too_much("100 pages of tools"))
}

fn listed(tool: rmcp::model::Tool) -> Listed {
    let annotations = tool.annotations.and_then(|annotations| serde_json::to_value(annotations).ok());
    Listed {
        name: tool.name.into_owned(),
        description: tool.description.map(|text| text.into_owned()),
        input_schema: Value::Object(tool.input_schema.as_ref().clone()),
        annotations: annotations.unwrap_or_else(|| json!(null)),
    }
}
