//! What an agent is: a kind, and whatever that kind has. Kept exactly as it was sent; what must be there
//! is checked when it is read.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use crate::{
    Extra, INNER_PATH,
    hosted::HostedDefinition,
    tagged::{tag, variant},
};

/// The kinds of agent that a definition can be of.
pub const KINDS: &[&str] = &["prompt", "hosted", "workflow", "external", "voice", "container_app"];

/// A definition, as it was sent, with its kind in front.
#[derive(Clone, Debug, Serialize, PartialEq)]
#[serde(transparent)]
pub struct Definition(Extra);

impl Definition {
    /// One of [`KINDS`].
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// All fields, `kind` among them.
    pub fn fields(&self) -> &Extra {
        &self.0
    }

    /// All fields, to be changed.
    pub fn into_fields(self) -> Extra {
        self.0
    }

    /// What a prompt agent has; nothing for other kinds.
    pub fn prompt(&self) -> Option<PromptDefinition> {
        if self.kind() != "prompt" {
            return None;
        }
        serde_json::from_value(Value::Object(self.0.clone())).ok()
    }

    /// What a hosted agent has; nothing for other kinds.
    pub fn hosted(&self) -> Option<HostedDefinition> {
        if self.kind() != "hosted" {
            return None;
        }
        serde_json::from_value(Value::Object(self.0.clone())).ok()
    }

    /// The definition with these fields.
    pub(crate) fn of_kind(kind: &str, fields: &impl Serialize) -> Self {
        let mut all = Extra::new();
        all.insert("kind".to_owned(), kind.into());
        // A struct with text for keys is always an object.
        if let Ok(Value::Object(said)) = serde_json::to_value(fields) {
            all.extend(said.into_iter().filter(|(name, _)| name != "kind"));
        }
        Self(all)
    }
}

impl TryFrom<Extra> for Definition {
    type Error = serde_json::Error;

    fn try_from(fields: Extra) -> Result<Self, Self::Error> {
        serde_json::from_value(Value::Object(fields))
    }
}

impl From<PromptDefinition> for Definition {
    fn from(prompt: PromptDefinition) -> Self {
        Self::of_kind("prompt", &prompt)
    }
}

impl<'de> Deserialize<'de> for Definition {
    /// Of any kind, so that a client can read what a newer service has.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        tag(&value, "kind")?;
        match value {
            Value::Object(mut fields) => {
                if let Some(kind) = fields.shift_remove("kind") {
                    fields.shift_insert(0, "kind".to_owned(), kind);
                }
                Ok(Self(fields))
            }
            _ => Err(D::Error::custom("invalid type, expected an object")),
        }
    }
}

/// Reads a definition of one of [`KINDS`], with the fields that its kind needs.
pub(super) fn of_known_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Definition, D::Error> {
    let definition = Definition::deserialize(deserializer)?;
    let fields = || Value::Object(definition.0.clone());
    match definition.kind() {
        "prompt" => drop(variant::<PromptDefinition, D::Error>(fields())?),
        "workflow" => drop(variant::<WorkflowDefinition, D::Error>(fields())?),
        kind if KINDS.contains(&kind) => {}
        kind => {
            let known = KINDS.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
            let message = format!("kind{INNER_PATH}unknown variant `{kind}`, expected one of {known}");
            return Err(D::Error::custom(message));
        }
    }
    Ok(definition)
}

/// An agent that is a model with instructions and tools.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct PromptDefinition {
    /// The deployment that answers for it.
    pub model: String,
    /// The system instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Sampling temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How much it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Extra>,
    /// The tools that it may call; each has a `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Extra>>,
    /// A word, or an object that names a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// The form of its answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Extra>,
    /// What a response can fill into its instructions and tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_inputs: Option<IndexMap<String, StructuredInput>>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Something that a response can fill in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct StructuredInput {
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its value where a response gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Value>,
    /// What its value must look like: a JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Extra>,
    /// Whether a response must give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

#[derive(Deserialize)]
struct WorkflowDefinition {
    #[serde(default, rename = "workflow")]
    _workflow: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_is_echoed_as_it_was_sent_with_its_kind_in_front() {
        let sent = json!({"model": "m", "later": [1, null], "instructions": null, "kind": "prompt"});
        let definition: Definition = serde_json::from_value(sent).expect("is read");
        assert_eq!(
            serde_json::to_string(&definition).expect("is written"),
            r#"{"kind":"prompt","model":"m","later":[1,null],"instructions":null}"#
        );
    }

    #[test]
    fn an_unknown_kind_is_read_but_not_accepted() {
        let sent = json!({"kind": "robot"});
        let read: Definition = serde_json::from_value(sent.clone()).expect("is read");
        assert_eq!(read.kind(), "robot");
        let error = of_known_kind(sent).expect_err("is refused").to_string();
        assert!(
            error.starts_with("kind\u{1f}unknown variant `robot`, expected one of `prompt`"),
            "{error:?}"
        );
    }
}
