//! What a name, a version and a definition must be like.

use cupola_wire::agents::{CreateAgentVersion, Definition};
use serde_json::Value;

use super::{endpoint, template};
use crate::{ApiError, classic::checks, tools};

const MAX_NAME: usize = 63;

/// A name: letters and digits, with hyphens between them.
pub fn name(param: &str, name: &str) -> Result<(), ApiError> {
    checks::text(param, Some(name), MAX_NAME)?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !name.is_empty() && plain && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid '{param}': '{name}' is not a name of an agent. A name starts and ends with a letter or a digit, \
         has hyphens in between, and is at most {MAX_NAME} characters long."
    ))
    .code("invalid_payload")
    .param(param))
}

/// The body that creates a version.
pub fn version(body: &CreateAgentVersion) -> Result<(), ApiError> {
    checks::text("description", body.description.as_deref(), checks::MAX_DESCRIPTION)?;
    checks::metadata("metadata", body.metadata.as_ref())?;
    endpoint::check(body.agent_endpoint.as_ref())?;
    definition(&body.definition)
}

/// A definition. Tools of kinds that this service does not know are kept: they may be known where it runs.
fn definition(definition: &Definition) -> Result<(), ApiError> {
    let Some(prompt) = definition.prompt() else { return Ok(()) };
    if prompt.model.is_empty() {
        return Err(missing("definition.model"));
    }
    checks::text("definition.model", Some(&prompt.model), checks::MAX_NAME)?;
    checks::text("definition.instructions", prompt.instructions.as_deref(), checks::MAX_INSTRUCTIONS)?;
    checks::range("definition.temperature", prompt.temperature, 0.0, 2.0)?;
    checks::range("definition.top_p", prompt.top_p, 0.0, 1.0)?;
    let tools = prompt.tools.unwrap_or_default();
    checks::count("definition.tools", tools.len(), checks::MAX_TOOLS)?;
    for (index, tool) in tools.iter().enumerate() {
        if !tool.get("type").is_some_and(Value::is_string) {
            return Err(missing(&format!("definition.tools[{index}].type")));
        }
        tools::check(&format!("definition.tools[{index}]"), tool)?;
    }
    // Without inputs nothing is filled in, and braces are just text.
    if prompt.structured_inputs.is_some_and(|inputs| !inputs.is_empty()) {
        template::check("definition.instructions", prompt.instructions.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

fn missing(param: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{param}'."))
        .code("missing_required_parameter")
        .param(param)
}
