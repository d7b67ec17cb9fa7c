//! The claims that every token has, or may be limited by (RFC 7519, section 4.1).

use std::time::Duration;

use serde::Deserialize;

use crate::{AuthError, authenticator::expired};

/// The registered claims that are looked at.
#[derive(Deserialize)]
pub(super) struct Registered {
    pub(super) sub: Option<String>,
    pub(super) aud: Option<Audience>,
    /// In seconds, possibly with a fraction.
    exp: Option<f64>,
    nbf: Option<f64>,
}

/// One, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl From<Audience> for Vec<String> {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::One(one) => vec![one],
            Audience::Several(several) => several,
        }
    }
}

impl Registered {
    /// Until when the token is good, if it is now.
    pub(super) fn ends(&self, clock_skew: Duration, now: u64) -> Result<u64, AuthError> {
        let skew = clock_skew.as_secs();
        // A token that never ends could never be taken back.
        let Some(ends) = self.exp.map(seconds) else { return Err(AuthError::Malformed) };
        if now > ends.saturating_add(skew) {
            return Err(expired(ends));
        }
        if self.nbf.map(seconds).is_some_and(|begins| now.saturating_add(skew) < begins) {
            return Err(AuthError::NotYet);
        }
        Ok(ends)
    }
}

/// Numbers beyond what a clock shows are its end: `as` saturates.
fn seconds(claim: f64) -> u64 {
    claim as u64
}
