//! Preview features: what a client must ask for by name before it creates it. Only creating needs that.

use axum::http::{HeaderMap, HeaderName, Uri};
use cupola_wire::agents::CreateAgentVersion;

use crate::{ApiError, values::Parameters};

const HEADER: HeaderName = HeaderName::from_static("foundry-features");

/// Refuses to create what the client has not asked for by name. Clients of a preview version of the API
/// have asked for everything by using it, and send no such header.
pub fn admit(headers: &HeaderMap, uri: &Uri, body: &CreateAgentVersion) -> Result<(), ApiError> {
    let query = Parameters::parse(uri.query().unwrap_or_default());
    if query.get("api-version").is_some_and(|version| version.ends_with("-preview")) {
        return Ok(());
    }
    let kind = match body.definition.kind() {
        "workflow" => Some(("Workflow agents", "WorkflowAgents=V1Preview")),
        "external" => Some(("External agents", "ExternalAgents=V1Preview")),
        "voice" => Some(("Voice agents", "VoiceAgents=V1Preview")),
        _ => None,
    };
    let draft = (body.draft == Some(true)).then_some(("Draft agents", "DraftAgents=V1Preview"));
    for (what, feature) in kind.into_iter().chain(draft) {
        if !asked_for(headers, feature) {
            return Err(required(what, feature));
        }
    }
    Ok(())
}

fn asked_for(headers: &HeaderMap, feature: &str) -> bool {
    headers
        .get_all(HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|asked| asked.trim() == feature)
}

fn required(what: &str, feature: &str) -> ApiError {
    let message = format!(
        "{what} is in preview. This operation requires the following opt-in preview feature(s): {feature}. \
         Include the 'Foundry-Features: {feature}' header in your request."
    );
    ApiError::forbidden("preview_feature_required", message)
        .kind("invalid_request_error")
        .param("Foundry-Features")
}
