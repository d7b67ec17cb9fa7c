//! Whether an `openapi` tool can work, found out when it is given and not when it is needed.

use cupola_tools::openapi::Document;
use serde_json::{Map, Value};

use super::{KIND, settings::Settings};
use crate::ApiError;

/// The longest name of a function that model servers take.
const LONGEST_NAME: usize = 64;

/// Refuses a definition that can't work, with the path of what is at fault. `param` is the tool's own path.
pub(crate) fn check(param: &str, tool: &Map<String, Value>) -> Result<(), ApiError> {
    let at = format!("{param}.{KIND}");
    let definition = match tool.get(KIND) {
        Some(definition @ Value::Object(_)) => definition,
        Some(_) => return Err(refusal("invalid_type", &at, "It has to be an object.")),
        None => return Err(missing(&at)),
    };
    for field in ["name", "spec"] {
        if definition.get(field).is_none_or(Value::is_null) {
            return Err(missing(&format!("{at}.{field}")));
        }
    }
    let settings = serde_path_to_error::deserialize::<_, Settings>(definition).map_err(|error| {
        refusal("invalid_value", &format!("{at}.{}", error.path()), &format!("{}.", error.inner()))
    })?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if settings.name.is_empty() || !settings.name.bytes().all(is_plain) {
        let reason =
            "It has to consist of letters, digits, '-' and '_': the names of functions begin with it.";
        return Err(refusal("invalid_value", &format!("{at}.name"), reason));
    }
    let within =
        |place: &str| if place.is_empty() { format!("{at}.spec") } else { format!("{at}.spec.{place}") };
    let operations = Document::read(&settings.spec).and_then(|document| document.operations());
    let operations =
        operations.map_err(|flaw| refusal("invalid_value", &within(&flaw.place), &flaw.reason))?;
    for operation in operations {
        let name = settings.function(operation.id());
        if name.len() > LONGEST_NAME {
            let reason = format!(
                "The function is named '{name}', which is longer than the {LONGEST_NAME} characters that models \
                 take. Shorten the operationId or the name of the tool."
            );
            return Err(refusal(
                "invalid_value",
                &within(&format!("{}.operationId", operation.place())),
                &reason,
            ));
        }
    }
    Ok(())
}

fn missing(param: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{param}'."))
        .code("missing_required_parameter")
        .param(param)
}

fn refusal(code: &str, param: &str, reason: &str) -> ApiError {
    ApiError::invalid(format!("Invalid '{param}': {reason}")).code(code).param(param)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn tool() -> Value {
        json!({"type": "openapi", "openapi": {
            "name": "shop", "auth": {"type": "anonymous"},
            "spec": {
                "openapi": "3.1.0", "servers": [{"url": "https://shop.example"}],
                "paths": {"/pets": {"get": {"operationId": "list"}}},
            },
        }})
    }

    fn refused(change: &dyn Fn(&mut Value)) -> String {
        let mut tool = tool();
        change(&mut tool["openapi"]);
        let refusal = check("tools[0]", tool.as_object().unwrap()).unwrap_err();
        refusal.detail().param.clone().unwrap()
    }

    #[test]
    fn a_definition_that_works_is_taken_with_every_kind_of_credentials() {
        for auth in [
            json!({"type": "anonymous"}),
            json!({"type": "connection", "security_scheme": {"connection_id": "c"}}),
            json!({"type": "project_connection", "security_scheme": {"project_connection_id": "c"}}),
            json!({"type": "managed_identity", "security_scheme": {"audience": "https://a"}}),
        ] {
            let mut tool = tool();
            tool["openapi"]["auth"] = auth;
            check("tools[0]", tool.as_object().unwrap()).unwrap();
        }
    }

    #[test]
    fn a_definition_that_can_not_work_is_refused_with_its_path() {
        let at = |change: &dyn Fn(&mut Value)| refused(change);
        assert_eq!(at(&|it| it["name"] = json!(null)), "tools[0].openapi.name");
        assert_eq!(at(&|it| it["name"] = json!("my shop")), "tools[0].openapi.name");
        assert_eq!(at(&|it| *it = json!("x")), "tools[0].openapi");
        assert_eq!(at(&|it| it["spec"] = json!({})), "tools[0].openapi.spec.openapi");
        assert_eq!(at(&|it| it["spec"]["servers"] = json!([])), "tools[0].openapi.spec.servers");
        assert_eq!(at(&|it| it["auth"] = json!({"type": "magic"})), "tools[0].openapi.auth.type");
        let operation =
            |id: String| move |it: &mut Value| it["spec"]["paths"]["/pets"]["get"]["operationId"] = json!(id);
        let place = "tools[0].openapi.spec.paths./pets.get.operationId";
        assert_eq!(at(&operation(String::new())), place);
        assert_eq!(at(&operation("x".repeat(60))), place);
    }
}
