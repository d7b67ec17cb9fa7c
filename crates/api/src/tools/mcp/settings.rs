//! The settings of an `mcp` tool, in the form that both dialects bring them to.

use std::collections::BTreeSet;

use cupola_engine::turn::TurnFault;
use cupola_tools::mcp::{Listed, Wanted};
use serde::Deserialize;
use serde_json::Value;

use super::fault;

/// The settings. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    /// What the server is called in this agent.
    #[serde(default)]
    pub server_label: String,
    /// Where it is.
    #[serde(default)]
    pub server_url: Option<String>,
    /// Which of its tools may be used.
    #[serde(default)]
    pub allowed_tools: Option<Allowed>,
    /// Which calls have to be approved.
    #[serde(default)]
    pub require_approval: Option<Required>,
    /// The connection that holds the credentials.
    #[serde(default)]
    pub project_connection_id: Option<String>,
}

/// Which tools may be used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Allowed {
    /// These.
    Names(BTreeSet<String>),
    /// Those that the filter holds.
    Filter(Filter),
}

/// Some of a server's tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Filter {
    /// Those with these names.
    #[serde(default)]
    pub tool_names: Option<BTreeSet<String>>,
    /// Those that say of themselves that they change nothing, or that do not say so.
    #[serde(default)]
    pub read_only: Option<bool>,
}

/// Which calls have to be approved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Required {
    /// `always` or `never`.
    Word(String),
    /// It depends on the tool.
    PerTool {
        /// Calls of these.
        #[serde(default)]
        always: Option<Filter>,
        /// Calls of all but these.
        #[serde(default)]
        never: Option<Filter>,
    },
}

impl Settings {
    /// Reads them.
    pub fn read(settings: &Value) -> Result<Self, TurnFault> {
        Self::deserialize(settings).map_err(|error| {
            fault("invalid_value", format!("The settings of an MCP tool can't be read: {error}."))
        })
    }

    /// Which of the server's tools are wanted.
    pub fn wanted(&self) -> Wanted {
        match &self.allowed_tools {
            None => Wanted::default(),
            // An empty list is what some clients send where they mean all.
            Some(Allowed::Names(names)) if names.is_empty() => Wanted::default(),
            Some(Allowed::Names(names)) => Wanted { names: Some(names.clone()), read_only: None },
            Some(Allowed::Filter(filter)) => {
                Wanted { names: filter.tool_names.clone(), read_only: filter.read_only }
            }
        }
    }

    /// Whether each call of a tool has to be approved. Where nobody says, it has.
    pub fn needs_approval(&self, tool: &Listed) -> bool {
        match &self.require_approval {
            None => true,
            Some(Required::Word(word)) => word != "never",
            Some(Required::PerTool { always, never }) => {
                let holds =
                    |filter: &Option<Filter>| filter.as_ref().is_some_and(|filter| filter.holds(tool));
                holds(always) || !holds(never)
            }
        }
    }
}

impl Filter {
    /// Whether the tool is one of them. A filter that says nothing holds nothing.
    fn holds(&self, tool: &Listed) -> bool {
        let says_something = self.tool_names.is_some() || self.read_only.is_some();
        says_something
            && self.tool_names.as_ref().is_none_or(|names| names.contains(&tool.name))
            && self.read_only.is_none_or(|read_only| read_only == tool.is_read_only())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn tool(name: &str, read_only: bool) -> Listed {
        let annotations = json!({"readOnlyHint": read_only});
        Listed { name: name.to_owned(), description: None, input_schema: json!({}), annotations }
    }

    fn needs(require: Value, name: &str, read_only: bool) -> bool {
        let settings = Settings::read(&json!({"server_label": "s", "require_approval": require})).unwrap();
        settings.needs_approval(&tool(name, read_only))
    }

    #[test]
    fn every_call_has_to_be_approved_unless_something_else_is_said() {
        assert!(needs(Value::Null, "pay", true));
        assert!(needs(json!("always"), "pay", true));
        assert!(needs(json!("sometimes"), "pay", true));
        assert!(!needs(json!("never"), "pay", false));
    }

    #[test]
    fn approval_may_depend_on_the_tool() {
        let per_tool = || json!({"never": {"tool_names": ["look"]}, "always": {"tool_names": ["pay"]}});
        assert!(!needs(per_tool(), "look", false));
        assert!(needs(per_tool(), "pay", true));
        assert!(needs(per_tool(), "other", true));
        let read_only = || json!({"never": {"read_only": true}});
        assert!(!needs(read_only(), "look", true));
        assert!(needs(read_only(), "pay", false));
        let both = || json!({"never": {"tool_names": ["look"], "read_only": true}});
        assert!(needs(both(), "look", false) && !needs(both(), "look", true));
        assert!(needs(json!({"never": {}}), "look", true));
        assert!(needs(
            json!({"never": {"tool_names": ["pay"]}, "always": {"tool_names": ["pay"]}}),
            "pay",
            true
        ));
    }

    #[test]
    fn tools_are_allowed_by_name_or_by_a_filter() {
        let allowed = |allowed: Value| {
            Settings::read(&json!({"server_label": "s", "allowed_tools": allowed})).unwrap().wanted()
        };
        let held = |wanted: Wanted| {
            let all = [tool("look", true), tool("pay", false)];
            all.into_iter().filter(|tool| wanted.holds(tool)).map(|tool| tool.name).collect::<Vec<_>>()
        };
        assert_eq!(held(allowed(Value::Null)), ["look", "pay"]);
        assert_eq!(held(allowed(json!([]))), ["look", "pay"]);
        assert_eq!(held(allowed(json!(["pay", "gone"]))), ["pay"]);
        assert_eq!(held(allowed(json!({"tool_names": ["pay"]}))), ["pay"]);
        assert_eq!(held(allowed(json!({"read_only": true}))), ["look"]);
        assert!(held(allowed(json!({"tool_names": []}))).is_empty());
    }
}
