//! What the path of a request names.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use crate::{ApiError, Service};

/// The project of a request. The gate has let the caller into it.
#[derive(Clone, Debug)]
pub struct Project(pub Arc<str>);

impl FromRequestParts<Service> for Project {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::no_such_route)
    }
}

/// The ids in the path, in order, without the project.
#[derive(Clone, Debug)]
pub struct Ids<const N: usize>(pub [String; N]);

impl<const N: usize> FromRequestParts<Service> for Ids<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, service).await.map_err(|_| ApiError::no_such_route())?;
        let ids = params.iter().filter(|(name, _)| *name != "project").map(|(_, id)| id.to_owned());
        let ids = ids.collect::<Vec<_>>().try_into().map_err(|_| ApiError::no_such_route())?;
        Ok(Self(ids))
    }
}
