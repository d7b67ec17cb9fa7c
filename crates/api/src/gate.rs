//! The gate: every request is given an id, and every request to a project a caller.

use std::sync::Arc;

use axum::{
    extract::{Extension, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cupola_identity::{AuthError, Caller};

use crate::{ApiError, Sandbox, Service, path::Project};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// What the paths of projects begin with.
const PROJECTS: &str = "/api/projects/";

/// The id of a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Gives every answer its request id, and the client's own id back.
pub async fn identify(mut request: Request, next: Next) -> Response {
    let client_id = request.headers().get(CLIENT_REQUEST_ID).cloned();
    let id = cupola_engine::ids::new("req_");
    tracing::debug!(request = %id, method = %request.method(), path = request.uri().path(), "request");
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        tracing::debug!(request = %id, status = response.status().as_u16(), "refused");
    }
    let headers = response.headers_mut();
    // The id is made of letters, digits and `_`.
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(client_id) = client_id {
        headers.insert(CLIENT_REQUEST_ID, client_id);
    }
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    response
}

/// Adds to errors what the newer clients expect in them.
pub async fn detail(Extension(id): Extension<RequestId>, request: Request, next: Next) -> Response {
    crate::error::with_details(next.run(request).await, &id.0).await
}

/// There is no such route, in the words of those who may have meant it.
pub async fn lost(Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    refused(&uri, &id, ApiError::no_such_route()).await
}

/// The route exists, for another method.
pub async fn wrong_method(Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    refused(&uri, &id, ApiError::method_not_allowed()).await
}

async fn refused(uri: &Uri, id: &RequestId, error: ApiError) -> Response {
    match uri.path().starts_with(PROJECTS) {
        true => crate::error::with_details(error.into_response(), &id.0).await,
        false => error.into_response(),
    }
}

/// Who is not let in learns why. Where the issuer can't be asked, that may be otherwise in a moment.
fn refused_caller(refusal: AuthError) -> ApiError {
    match refusal {
        AuthError::IssuerUnreachable { .. } => ApiError::unavailable(refusal.code(), refusal.to_string()),
        _ => ApiError::unauthenticated(refusal.code(), refusal.to_string()),
    }
}

/// What a caller needs for one operation.
#[derive(Clone)]
pub struct Gate {
    /// The service.
    pub service: Service,
    /// The action that a role of the caller has to allow.
    pub action: &'static str,
}

/// Lets a caller into the project that the path names, or says why not.
pub async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    match gate.caller_in_project(headers, path).await {
        Ok((caller, project)) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(project);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl Gate {
    async fn caller_in_project(
        &self,
        headers: &HeaderMap,
        path: &str,
    ) -> Result<(Arc<Caller>, Project), ApiError> {
        let service = &self.service;
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let caller = service
            .authenticator()
            .authenticate(text(header::AUTHORIZATION), text(API_KEY))
            .await
            .map_err(refused_caller)?;
        let name = path.strip_prefix(PROJECTS).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let project = service.project(name).ok_or_else(ApiError::no_such_route)?;
        if !caller.allows_project(&project) {
            return Err(ApiError::forbidden(
                "no_access_to_project",
                format!("'{}' has no role in the project '{project}'.", caller.subject),
            ));
        }
        if Sandbox::of_subject(&caller.subject).is_some()
            && service.managed_identity().is_over(&caller, &project)
        {
            return Err(ApiError::forbidden(
                "no_access_to_project",
                format!("'{}' is gone, and its tokens are worth nothing any more.", caller.subject),
            ));
        }
        if !caller.may(&project, self.action) {
            return Err(ApiError::forbidden(
                "action_not_allowed",
                format!(
                    "No role of '{}' in the project '{project}' allows '{}'.",
                    caller.subject, self.action
                ),
            ));
        }
        Ok((caller, Project(project)))
    }
}
