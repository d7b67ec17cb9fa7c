//! Whose sessions a request is about.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{ApiError, Service, storage::Requester};

/// The caller, or the user for whom a caller asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(pub String);

impl FromRequestParts<Service> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        Ok(Requester::from_request_parts(parts, service).await?.into())
    }
}

impl From<Requester> for Owner {
    fn from(requester: Requester) -> Self {
        Self(requester.user)
    }
}
