//! What makes a hosted agent what it is, as people read it.

use cupola_client::types::HostedDefinition;

use crate::fields::Fields;

/// Adds what is run, with how much, and in which words it is spoken to. Of its environment the names alone:
/// values may be secrets.
pub fn add(fields: &mut Fields, hosted: &HostedDefinition) {
    if let Some(container) = &hosted.container_configuration {
        fields.add("image", &container.image);
        fields.add_some("registry", container.registry_connection_id.as_ref());
    }
    if let Some(code) = &hosted.code_configuration {
        fields.add("runs", format!("{} ({})", code.entry_point.join(" "), code.runtime));
        fields.add_some("dependencies", code.dependency_resolution.as_ref().map(|from| from.as_str()));
        fields.add_some("sha256", code.content_hash.as_ref());
    }
    let amounts = [&hosted.cpu, &hosted.memory].map(|amount| amount.as_deref().unwrap_or("-"));
    fields.add("cpu, memory", amounts.join(", "));
    let spoken =
        hosted.protocol_versions.iter().map(|spoken| format!("{} {}", spoken.protocol, spoken.version));
    fields.add_some("protocols", Some(spoken.collect::<Vec<_>>().join(", ")));
    let names: Vec<&str> = hosted.environment_variables.keys().map(String::as_str).collect();
    fields.add_some("environment", Some(names.join(", ")));
    let idle = hosted.session_configuration.as_ref().and_then(|sessions| sessions.idle_timeout_seconds);
    fields.add_some("idle timeout", idle.map(|seconds| format!("{seconds} s")));
}
