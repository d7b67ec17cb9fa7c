//! Who a hosted agent is to others: ids that it keeps through all of its versions.

use cupola_wire::agents::{AgentObject, AgentVersion};
use rand::RngExt;
use serde_json::json;

/// Gives an agent its ids with its first version, and every version the same ones.
pub fn give(agent: &mut AgentObject, version: &mut AgentVersion) {
    if !is_given(agent) {
        let guid = guid();
        let blueprint = format!("{}-{}", agent.name, &guid[..5]);
        let ids = json!({
            "instance_identity": {"principal_id": self::guid(), "client_id": self::guid()},
            "blueprint": {"principal_id": self::guid(), "client_id": self::guid()},
            "blueprint_reference": {"type": "ManagedAgentIdentityBlueprint", "blueprint_id": blueprint},
            "agent_guid": guid,
        });
        let serde_json::Value::Object(ids) = ids else { return };
        agent.extra.extend(ids);
    }
    for name in ["instance_identity", "blueprint", "blueprint_reference", "agent_guid"] {
        if let Some(id) = agent.extra.get(name) {
            version.extra.entry(name).or_insert_with(|| id.clone());
        }
    }
}

/// Whether an agent has its ids.
pub fn is_given(agent: &AgentObject) -> bool {
    agent.extra.contains_key("instance_identity")
}

/// A random UUID.
fn guid() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    // Version 4, variant 1: RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
