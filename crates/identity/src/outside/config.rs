//! What the configuration says of an issuer.

use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

use crate::{ALL_PROJECTS, IdentityError, ProjectRoles, roles};

/// One `[[identity.issuers]]` entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// What its callers are called here: `NAME:SUBJECT`. So nobody of one issuer can be taken for somebody of another.
    pub name: String,
    /// The issuer, exactly as its tokens name it in `iss`.
    pub issuer: String,
    /// Where its keys are, where it has no discovery document.
    pub jwks_uri: Option<String>,
    /// The audiences that are accepted; those of the Azure clients where left out.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The claim that names the caller, for example `oid` of Entra ID.
    #[serde(default = "subject_claim")]
    pub subject_claim: String,
    /// By how many seconds its clock may differ from this machine's.
    #[serde(default = "clock_skew")]
    pub clock_skew_seconds: u64,
    /// What its callers may do. Without any, nobody of this issuer gets in.
    #[serde(default)]
    pub grants: Vec<GrantConfig>,
}

/// One `[[identity.issuers.grants]]` entry: roles for those callers of whom a claim says something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantConfig {
    /// The claim, with dots into objects: `groups`, `realm_access.roles`. Left out, the grant is for all callers.
    pub claim: Option<String>,
    /// What the claim has to say: the value itself, or one of several.
    pub value: Option<String>,
    /// The projects; all of them where left out.
    #[serde(default = "every_project")]
    pub projects: Vec<String>,
    /// The roles there.
    pub roles: Vec<String>,
}

fn subject_claim() -> String {
    "sub".to_owned()
}

fn clock_skew() -> u64 {
    60
}

fn every_project() -> Vec<String> {
    vec![ALL_PROJECTS.to_owned()]
}

impl IssuerConfig {
    /// Refuses what can't be meant.
    pub(crate) fn check(&self) -> Result<(), IdentityError> {
        let bad = |reason: String| Err(IdentityError::BadIssuer { name: self.name.clone(), reason });
        if !is_name(&self.name) {
            return bad("`name` has to be of letters, digits, '.', '-' and '_'".to_owned());
        }
        for (key, address) in [("issuer", Some(&self.issuer)), ("jwks_uri", self.jwks_uri.as_ref())] {
            if address.is_some_and(|address| !is_trustworthy(address)) {
                return bad(format!(
                    "`{key}` has to begin with https:// (http:// is for this machine alone)"
                ));
            }
        }
        for grant in &self.grants {
            if grant.claim.is_some() != grant.value.is_some() {
                return bad("a grant has both `claim` and `value`, or none of them".to_owned());
            }
            if let Some(unknown) = grant.roles.iter().find(|role| !roles::is_role(role)) {
                let known = roles::names().collect::<Vec<_>>().join(", ");
                return bad(format!("there is no role {unknown:?}; there are: {known}"));
            }
        }
        Ok(())
    }

    /// How far its clock may be off.
    pub(crate) fn clock_skew(&self) -> Duration {
        Duration::from_secs(self.clock_skew_seconds)
    }

    /// What a caller of whom the claims say this may do.
    pub(crate) fn roles(&self, claims: &Value) -> ProjectRoles {
        let mut granted = ProjectRoles::new();
        for grant in self.grants.iter().filter(|grant| grant.is_for(claims)) {
            for project in &grant.projects {
                let roles = granted.entry(project.clone()).or_default();
                roles.extend(
                    grant.roles.iter().filter(|role| !roles.contains(role)).cloned().collect::<Vec<_>>(),
                );
            }
        }
        granted
    }
}

impl GrantConfig {
    fn is_for(&self, claims: &Value) -> bool {
        let (Some(claim), Some(wanted)) = (&self.claim, &self.value) else { return true };
        // Some claims have dots in their names, because they are addresses.
        let found =
            claims.get(claim).or_else(|| claim.split('.').try_fold(claims, |inner, step| inner.get(step)));
        match found {
            // `scp` and `scope` are words with spaces between them.
            Some(Value::String(said)) => said == wanted || said.split_whitespace().any(|word| word == wanted),
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(wanted)),
            _ => false,
        }
    }
}

/// A name that can't be taken for anybody else's: sandboxes are called `sandbox/…`, callers of issuers `NAME:…`.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    !name.is_empty() && name.chars().all(is_plain)
}

/// Keys that come over an open network could be anybody's.
pub(crate) fn is_trustworthy(address: &str) -> bool {
    let is_local = |rest: &str| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| {
            host.strip_prefix(local).is_some_and(|port| port.is_empty() || port.starts_with(':'))
        })
    };
    address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
        || address.strip_prefix("http://").is_some_and(is_local)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn entry(grants: Value) -> IssuerConfig {
        let entry = json!({"name": "corp", "issuer": "https://id.example.org", "grants": grants});
        serde_json::from_value(entry).unwrap()
    }

    fn roles_of(grants: Value, claims: Value) -> Value {
        serde_json::to_value(entry(grants).roles(&claims)).unwrap()
    }

    #[test]
    fn a_grant_without_a_claim_is_for_everybody() {
        let grants = json!([{"roles": ["Reader"]}]);
        assert_eq!(roles_of(grants, json!({})), json!({"*": ["Reader"]}));
    }

    #[test]
    fn a_claim_may_be_a_value_a_list_words_or_inside_of_another() {
        let grant = |claim: &str| json!([{"claim": claim, "value": "dev", "projects": ["demo"], "roles": ["Reader"]}]);
        let given = json!({"demo": ["Reader"]});
        for (claim, claims) in [
            ("team", json!({"team": "dev"})),
            ("groups", json!({"groups": ["ops", "dev"]})),
            ("scp", json!({"scp": "read dev"})),
            ("realm_access.roles", json!({"realm_access": {"roles": ["dev"]}})),
            ("https://a.example/team", json!({"https://a.example/team": "dev"})),
        ] {
            assert_eq!(roles_of(grant(claim), claims), given, "{claim}");
        }
        for claims in [json!({}), json!({"team": "developers"}), json!({"team": 1}), json!({"team": ["de"]})]
        {
            assert_eq!(roles_of(grant("team"), claims), json!({}));
        }
    }

    #[test]
    fn grants_add_up_without_repetition() {
        let grants = json!([
            {"roles": ["Reader"]},
            {"claim": "team", "value": "dev", "roles": ["Reader", "Owner"]},
        ]);
        assert_eq!(roles_of(grants, json!({"team": "dev"})), json!({"*": ["Reader", "Owner"]}));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_reason() {
        let refusal = |change: Value| {
            let mut entry = json!({"name": "corp", "issuer": "https://id.example.org"});
            for (key, value) in change.as_object().unwrap() {
                entry[key] = value.clone();
            }
            serde_json::from_value::<IssuerConfig>(entry).unwrap().check().unwrap_err().to_string()
        };
        for name in ["", "a:b", "sandbox/a"] {
            assert!(refusal(json!({ "name": name })).contains("letters"));
        }
        assert!(refusal(json!({"issuer": "http://id.example.org"})).contains("https://"));
        assert!(refusal(json!({"issuer": "http://localhost.example.org"})).contains("https://"));
        assert!(refusal(json!({"grants": [{"claim": "team", "roles": []}]})).contains("both"));
        assert!(refusal(json!({"grants": [{"roles": ["Superman"]}]})).contains("Superman"));
    }

    #[test]
    fn this_machine_is_trusted_without_tls() {
        for issuer in ["http://127.0.0.1:9000/realms/x", "http://localhost", "http://[::1]:80"] {
            let entry = json!({"name": "corp", "issuer": issuer});
            serde_json::from_value::<IssuerConfig>(entry).unwrap().check().unwrap();
        }
    }
}
