//! The card of an agent: who it is, what it can, and where it is asked.

use serde_json::{Map, Value};
use url::Url;

use super::{Failure, Version};

/// The most characters of a name and of a description that are of use to a model.
const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 4_000;
const MOST_SKILLS: usize = 50;
const JSON_RPC: &str = "JSONRPC";

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it can do.
    pub skills: Vec<Skill>,
    /// Where it is asked.
    pub url: Url,
    /// In which version of the protocol.
    pub version: Version,
    /// Whether it tells what happens on the way.
    pub streams: bool,
    /// The header in which it wants an API key, where it says one.
    pub key_header: Option<String>,
}

/// Something that an agent can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// What that is.
    pub description: String,
}

impl Card {
    /// Reads the card that was found at this address. Nothing of it is taken on trust but where it leads.
    pub fn read(card: &Value, found_at: &Url) -> Result<Self, Failure> {
        let Some(fields) = card.as_object() else {
            return Err(Failure::NoCard { url: found_at.clone(), reason: "it is no JSON object".to_owned() });
        };
        let (url, version) = interface(fields, found_at)?;
        let skills = fields.get("skills").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            name: text(fields, "name", LONGEST_NAME),
            description: text(fields, "description", LONGEST_DESCRIPTION),
            skills: skills.filter_map(skill).take(MOST_SKILLS).collect(),
            url,
            version,
            streams: card["capabilities"]["streaming"] == true,
            key_header: key_header(card),
        })
    }
}

/// Where the agent is asked over JSON-RPC: the newest version that it speaks there.
fn interface(fields: &Map<String, Value>, found_at: &Url) -> Result<(Url, Version), Failure> {
    let wrong = |reason: String| Failure::NoCard { url: found_at.clone(), reason };
    let said = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
    let mut offered: Vec<(String, Version)> = Vec::new();
    for interface in list(fields, "supportedInterfaces") {
        if said(interface, "protocolBinding").eq_ignore_ascii_case(JSON_RPC) {
            offered.push((said(interface, "url"), Version::named(&said(interface, "protocolVersion"))));
        }
    }
    let own = |field: &str| fields.get(field).and_then(Value::as_str);
    let version = Version::named(own("protocolVersion").unwrap_or_default());
    if own("preferredTransport").is_none_or(|transport| transport.eq_ignore_ascii_case(JSON_RPC)) {
        offered.extend(own("url").map(|url| (url.to_owned(), version)));
    }
    for interface in list(fields, "additionalInterfaces") {
        if said(interface, "transport").eq_ignore_ascii_case(JSON_RPC) {
            offered.push((said(interface, "url"), version));
        }
    }
    let newest = offered.iter().find(|(_, version)| *version == Version::V1).or(offered.first());
    let (url, version) = newest.ok_or_else(|| wrong("it names no address for JSON-RPC".to_owned()))?;
    let url = found_at.join(url).map_err(|error| wrong(format!("its address '{url}' is none: {error}")))?;
    Ok((url, *version))
}

fn list<'c>(fields: &'c Map<String, Value>, name: &str) -> impl Iterator<Item = &'c Value> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn skill(skill: &Value) -> Option<Skill> {
    let fields = skill.as_object()?;
    let name = text(fields, "name", LONGEST_NAME);
    let description = text(fields, "description", LONGEST_NAME);
    (!name.is_empty()).then_some(Skill { name, description })
}

fn text(fields: &Map<String, Value>, name: &str, most: usize) -> String {
    let said = fields.get(name).and_then(Value::as_str).unwrap_or_default();
    said.trim().chars().take(most).collect()
}

/// The header of the first scheme that wants a key in one. Both versions write it differently.
fn key_header(card: &Value) -> Option<String> {
    let schemes = card["securitySchemes"].as_object()?;
    schemes.values().find_map(|scheme| {
        let of_v1 = &scheme["apiKeySecurityScheme"];
        let (scheme, place) = match of_v1 {
            Value::Object(_) => (of_v1, &of_v1["location"]),
            _ if scheme["type"] == "apiKey" => (scheme, &scheme["in"]),
            _ => return None,
        };
        let name = scheme["name"].as_str()?;
        (place == "header").then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(card: Value) -> Result<Card, Failure> {
        Card::read(&card, &"https://a.example/agents/b/.well-known/agent-card.json".parse().unwrap())
    }

    #[test]
    fn a_card_of_0_3_says_where_the_agent_is() {
        let card = read(json!({
            "protocolVersion": "0.3.0", "name": " Weather ", "description": "Knows it.",
            "url": "https://a.example/rpc", "preferredTransport": "JSONRPC",
            "capabilities": {"streaming": true},
            "skills": [{"id": "s", "name": "forecast", "description": "Looks ahead."}, {"id": "t"}],
            "securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "x-key"}},
        }))
        .unwrap();
        assert_eq!((card.name.as_str(), card.url.as_str()), ("Weather", "https://a.example/rpc"));
        assert_eq!((card.version, card.streams, card.skills.len()), (Version::V0, true, 1));
        assert_eq!(card.key_header.as_deref(), Some("x-key"));
    }

    #[test]
    fn a_card_of_1_0_says_where_the_agent_is() {
        let card = read(json!({
            "name": "Weather",
            "supportedInterfaces": [
                {"url": "https://a.example/grpc", "protocolBinding": "GRPC", "protocolVersion": "1.0"},
                {"url": "https://a.example/old", "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
                {"url": "/new", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            ],
            "securitySchemes": {"k": {"apiKeySecurityScheme": {"location": "header", "name": "x-key"}}},
        }))
        .unwrap();
        assert_eq!((card.url.as_str(), card.version), ("https://a.example/new", Version::V1));
        assert!(!card.streams);
        assert_eq!(card.key_header.as_deref(), Some("x-key"));
    }

    #[test]
    fn an_agent_whose_first_transport_is_another_one_may_speak_json_rpc_beside_it() {
        let card = read(json!({
            "protocolVersion": "0.3.0", "url": "https://a.example/grpc", "preferredTransport": "GRPC",
            "additionalInterfaces": [{"url": "https://a.example/rpc", "transport": "JSONRPC"}],
        }));
        assert_eq!(card.unwrap().url.as_str(), "https://a.example/rpc");
        let none = read(json!({"url": "https://a.example/grpc", "preferredTransport": "GRPC"}));
        assert!(none.unwrap_err().to_string().contains("it names no address for JSON-RPC"));
        assert!(read(json!([1])).unwrap_err().to_string().contains("it is no JSON object"));
    }
}
