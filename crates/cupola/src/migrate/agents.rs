//! A classic agent as the first version of a named one.

use cupola_client::types::{Agent, CreateAgentVersion, Extra, PromptDefinition};
use serde_json::{Value, json};

use super::{
    origin::{SOURCE, with_pairs},
    report::{Losses, Mapped},
    tools::tools,
};

/// The pair that holds what the agent was called, where that is no name of the newer API.
const CLASSIC_NAME: &str = "classic_name";

/// The body that makes the version of the agent that is called `name` from now on.
pub fn version(agent: &Agent, name: &str) -> Mapped<CreateAgentVersion> {
    let mut losses = Losses::default();
    let tools = tools(&agent.tools, &agent.tool_resources, &mut losses);
    let definition = PromptDefinition {
        model: agent.model.clone(),
        instructions: agent.instructions.clone(),
        temperature: agent.temperature,
        top_p: agent.top_p,
        tools: Some(tools).filter(|tools| !tools.is_empty()),
        text: format(&agent.response_format, &mut losses),
        ..PromptDefinition::default()
    };
    for field in agent.extra.keys() {
        losses.note(field.as_str(), "this version of Cupola does not know the field");
    }
    let classic_name = agent.name.as_deref().filter(|classic| !classic.is_empty() && *classic != name);
    let mut own = vec![(SOURCE, agent.id.as_str())];
    own.extend(classic_name.map(|classic| (CLASSIC_NAME, classic)));
    let made = CreateAgentVersion {
        metadata: Some(with_pairs(&agent.metadata, &own, &mut losses)),
        description: agent.description.clone().filter(|text| !text.is_empty()),
        ..CreateAgentVersion::new(definition)
    };
    Mapped { made, losses }
}

/// The form of the answers; nothing where the agent leaves it open.
fn format(classic: &Value, losses: &mut Losses) -> Option<Extra> {
    let kind = match classic {
        Value::Null => return None,
        Value::String(word) => word.as_str(),
        other => other["type"].as_str().unwrap_or_default(),
    };
    let mut format = Extra::new();
    format.insert("type".to_owned(), json!(kind));
    match kind {
        "auto" | "none" | "" => return None,
        "text" | "json_object" => {}
        "json_schema" => {
            let schema = classic["json_schema"].as_object().cloned().unwrap_or_default();
            format.extend(schema.into_iter().filter(|(_, value)| !value.is_null()));
        }
        other => {
            losses.note(format!("response_format {other}"), "the newer API has no such format");
            return None;
        }
    }
    Some([("format".to_owned(), Value::Object(format))].into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn agent(fields: Value) -> Agent {
        let mut agent = json!({
            "id": "asst_1", "object": "assistant", "created_at": 1, "name": null, "description": null,
            "model": "gpt-4o", "instructions": null, "top_p": null, "temperature": null,
        });
        agent.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(agent).unwrap()
    }

    fn made(fields: Value, name: &str) -> Value {
        let Mapped { made, losses } = version(&agent(fields), name);
        assert_eq!(losses, Losses::default());
        serde_json::to_value(made).unwrap()
    }

    #[test]
    fn an_agent_becomes_a_prompt_definition_with_everything_it_had() {
        let made = made(
            json!({
                "name": "helper", "description": "Helps.", "instructions": "Be {{brief}}.",
                "temperature": 0.5, "top_p": 1.0, "metadata": {"team": "weather"},
                "tools": [{"type": "code_interpreter"}], "response_format": {"type": "json_object"},
            }),
            "helper",
        );
        assert_eq!(
            made,
            json!({
                "description": "Helps.",
                "metadata": {"migrated_from": "asst_1", "team": "weather"},
                "definition": {
                    "kind": "prompt", "model": "gpt-4o", "instructions": "Be {{brief}}.",
                    "temperature": 0.5, "top_p": 1.0,
                    "tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": []}}],
                    "text": {"format": {"type": "json_object"}},
                },
            })
        );
    }

    #[test]
    fn what_the_agent_does_not_have_its_definition_does_not_have() {
        let made = made(json!({"response_format": "auto"}), "agent");
        assert_eq!(made["definition"], json!({"kind": "prompt", "model": "gpt-4o"}));
    }

    #[test]
    fn a_name_that_had_to_change_is_kept_in_the_metadata() {
        let made = made(json!({"name": "Mein Agent"}), "Mein-Agent");
        assert_eq!(made["metadata"], json!({"migrated_from": "asst_1", "classic_name": "Mein Agent"}));
    }

    #[test]
    fn a_json_schema_loses_its_box() {
        let schema = json!({"type": "object"});
        let classic = json!({"type": "json_schema",
            "json_schema": {"name": "place", "schema": schema, "strict": false, "description": null}});
        let made = made(json!({"response_format": classic}), "agent");
        assert_eq!(
            made["definition"]["text"],
            json!({"format": {"type": "json_schema", "name": "place", "schema": schema, "strict": false}})
        );
    }

    #[test]
    fn fields_that_are_not_known_are_named_as_losses() {
        let sent = agent(json!({"reasoning_effort": "low", "response_format": {"type": "grammar"}}));
        let losses = version(&sent, "agent").losses;
        let lost: Vec<_> = losses.iter().map(|loss| loss.what.as_str()).collect();
        assert_eq!(lost, ["response_format grammar", "reasoning_effort"]);
    }
}
