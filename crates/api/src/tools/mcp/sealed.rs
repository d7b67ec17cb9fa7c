//! What a server is told with every request: tokens and keys. They are never stored or shown in clear. In their
//! places stands `REDACTED`, and beside them what they are, sealed for the address they were given for.

use std::collections::BTreeMap;

use cupola_engine::turn::TurnFault;
use cupola_identity::SealingKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fault;
use crate::ApiError;

/// What stands in the place of a secret.
pub const REDACTED: &str = "REDACTED";
/// The field with the sealed secrets.
pub const SEALED: &str = "sealed_headers";

/// What was sealed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Told {
    /// The address that it was given for, where that was known: it is told to nobody else.
    #[serde(default)]
    url: Option<String>,
    /// The values of headers by name.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A token.
    #[serde(default)]
    authorization: Option<String>,
}

/// Seals what a server is told and takes it out of `fields`: a tool, or what it works on. What was sealed before
/// and is not given anew is kept. Templates are no secrets: what they become is sealed when they are filled.
pub fn seal(
    sealing: &SealingKey,
    project: &str,
    fields: &mut Map<String, Value>,
    url: Option<&str>,
) -> Result<(), ApiError> {
    let earlier = fields.get(SEALED).and_then(Value::as_str).and_then(|text| open(sealing, project, text));
    let earlier = earlier.filter(|told| told.is_for(url)).unwrap_or_default();
    let mut told = Told { url: url.map(str::to_owned), ..Told::default() };
    if let Some(Value::Object(headers)) = fields.get_mut("headers") {
        for (name, value) in headers {
            match taken(value) {
                Taken::New(secret) => drop(told.headers.insert(name.clone(), secret)),
                Taken::Before => {
                    let kept = earlier.headers.get_key_value(name);
                    told.headers.extend(kept.map(|(name, secret)| (name.clone(), secret.clone())));
                }
                Taken::Nothing => {}
            }
        }
    }
    if let Some(value) = fields.get_mut("authorization") {
        told.authorization = match taken(value) {
            Taken::New(secret) => Some(secret),
            Taken::Before => earlier.authorization.clone(),
            Taken::Nothing => None,
        };
    }
    if told.headers.is_empty() && told.authorization.is_none() {
        fields.shift_remove(SEALED);
        return Ok(());
    }
    if told == earlier {
        return Ok(());
    }
    // Texts by text keys are always JSON.
    let plain = serde_json::to_string(&told).unwrap_or_default();
    let sealed = sealing.seal(&owner(project), &plain);
    let sealed = sealed.map_err(|error| ApiError::internal("sealing credentials", error))?;
    fields.insert(SEALED.to_owned(), json!(sealed));
    Ok(())
}

/// What was found in the place of a secret.
enum Taken {
    /// A secret, which is no longer there.
    New(String),
    /// What stands there once it is taken.
    Before,
    /// No secret.
    Nothing,
}

fn taken(value: &mut Value) -> Taken {
    match value {
        Value::String(text) if text == REDACTED => Taken::Before,
        Value::String(text) if text.is_empty() || text.contains("{{") => Taken::Nothing,
        Value::String(text) => Taken::New(std::mem::replace(text, REDACTED.to_owned())),
        _ => Taken::Nothing,
    }
}

/// The headers that a server at this address is told.
pub fn headers(
    sealing: &SealingKey,
    project: &str,
    fields: &Value,
    url: &str,
) -> Result<Vec<(String, String)>, TurnFault> {
    let Some(sealed) = fields[SEALED].as_str() else { return Ok(Vec::new()) };
    let told = open(sealing, project, sealed).ok_or_else(|| {
        let message = "The credentials for the server can't be opened any more. Give them again.";
        fault("unauthorized", message.to_owned())
    })?;
    if !told.is_for(Some(url)) {
        let message = "The credentials were given for another address of the server. Give them again.";
        return Err(fault("unauthorized", message.to_owned()));
    }
    let token = told.authorization.map(|token| ("authorization".to_owned(), bearer(&token)));
    Ok(told.headers.into_iter().chain(token).collect())
}

/// A token as a header says it.
pub fn bearer(token: &str) -> String {
    match token.split_once(' ') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => token.to_owned(),
        _ => format!("Bearer {token}"),
    }
}

impl Told {
    fn is_for(&self, url: Option<&str>) -> bool {
        self.url.is_none() || self.url.as_deref() == url
    }
}

fn open(sealing: &SealingKey, project: &str, sealed: &str) -> Option<Told> {
    let plain = sealing.unseal(&owner(project), sealed).ok()?;
    serde_json::from_str(plain.expose()).ok()
}

fn owner(project: &str) -> String {
    format!("{project}/mcp")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const URL: &str = "https://tools.test/mcp";

    fn key() -> SealingKey {
        SealingKey::open(tempfile::tempdir().unwrap().path()).unwrap()
    }

    fn sealed(key: &SealingKey, fields: Value) -> Value {
        let Value::Object(mut fields) = fields else { panic!("is an object") };
        seal(key, "demo", &mut fields, Some(URL)).unwrap();
        Value::Object(fields)
    }

    fn told(key: &SealingKey, fields: &Value, url: &str) -> Result<Vec<(String, String)>, String> {
        headers(key, "demo", fields, url).map_err(|fault| fault.message)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn secrets_leave_a_word_behind_and_are_told_to_their_server_alone() {
        let key = key();
        let tool = json!({"headers": {"X-Key": "k3y"}, "authorization": "t0ken", "server_url": URL});
        let stored = sealed(&key, tool);
        assert_eq!(stored["headers"], json!({"X-Key": "REDACTED"}));
        assert_eq!(stored["authorization"], "REDACTED");
        let text = stored.to_string();
        assert!(!text.contains("k3y") && !text.contains("t0ken"), "{text}");
        let expected = vec![pair("X-Key", "k3y"), pair("authorization", "Bearer t0ken")];
        assert_eq!(told(&key, &stored, URL), Ok(expected));
        let elsewhere = told(&key, &stored, "https://evil.test/mcp").unwrap_err();
        assert!(elsewhere.contains("another address"), "{elsewhere}");
        assert!(headers(&key, "other", &stored, URL).is_err());
    }

    #[test]
    fn what_comes_back_as_it_was_shown_is_kept() {
        let key = key();
        let stored = sealed(&key, json!({"headers": {"A": "1", "B": "2"}}));
        assert_eq!(sealed(&key, stored.clone()), stored);
        let mut changed = stored.clone();
        changed["headers"] = json!({"A": "REDACTED", "C": "3"});
        let changed = sealed(&key, changed);
        assert_eq!(told(&key, &changed, URL), Ok(vec![pair("A", "1"), pair("C", "3")]));
        let mut without = stored;
        without["headers"] = json!({});
        assert_eq!(sealed(&key, without), json!({"headers": {}}));
    }

    #[test]
    fn templates_are_sealed_when_they_are_filled() {
        let key = key();
        let template = json!({"headers": {"Authorization": "Bearer {{token}}"}});
        assert_eq!(sealed(&key, template.clone()), template);
    }

    #[test]
    fn a_tool_without_secrets_stays_as_it_is() {
        let tool = json!({"type": "mcp", "server_label": "s", "headers": null});
        assert_eq!(sealed(&key(), tool.clone()), tool);
    }
}
