//! Sends an API key with each request.

use std::sync::Arc;

use azure_core::{
    credentials::Secret,
    http::{
        Context, Request,
        policies::{Policy, PolicyResult},
    },
};

/// Sends an API key with each request, in the header `api-key`.
#[derive(Debug)]
pub(crate) struct ApiKeyPolicy {
    key: Secret,
}

impl ApiKeyPolicy {
    pub(crate) fn new(key: Secret) -> Self {
        Self { key }
    }
}

#[async_trait::async_trait]
impl Policy for ApiKeyPolicy {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("api-key", self.key.secret().to_owned());
        next[0].send(ctx, request, &next[1..]).await
    }
}
