//! On whose behalf a request comes: the caller, or the user that a caller speaks for.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use cupola_identity::Caller;

use crate::{ApiError, Service, path::Project};

const DELEGATED: &str = "x-ms-user-identity";
const LONGEST: usize = 256;

/// The action that lets a caller speak for others.
const IMPERSONATE: &str = "agents/userIdentity/action";

/// Whose sessions and responses a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(pub String);

impl FromRequestParts<Service> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Arc<Caller>>().ok_or_else(ApiError::no_such_route)?;
        let project = parts.extensions.get::<Project>().ok_or_else(ApiError::no_such_route)?;
        let Some(user) = parts.headers.get(DELEGATED) else { return Ok(Self(caller.subject.clone())) };
        if !caller.may(&project.0, IMPERSONATE) {
            return Err(ApiError::forbidden(
                "action_not_allowed",
                format!(
                    "'{}' may not speak for other users ('{DELEGATED}'): no role of it allows '{IMPERSONATE}'.",
                    caller.subject
                ),
            ));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-@".contains(&byte);
        match user.to_str() {
            Ok(user) if (1..=LONGEST).contains(&user.len()) && user.bytes().all(plain) => {
                // Apart from callers of the same name.
                Ok(Self(format!("{}/{user}", caller.subject)))
            }
            _ => Err(ApiError::invalid(format!(
                "Invalid '{DELEGATED}': expected 1 to {LONGEST} letters, digits and '._:-@'."
            ))
            .code("invalid_value")
            .param(DELEGATED)),
        }
    }
}
