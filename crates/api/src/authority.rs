//! The authority of this service: where programs with a client id get their tokens, as from Entra ID or AD FS.
//!
//! `azure-identity` finds it through `AZURE_AUTHORITY_HOST`. The tenant in the address may be any: there is one here.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cupola_identity::{Grant, GrantRefused, GrantRequest};
use serde::Serialize;
use serde_json::json;

use crate::{
    ApiError, Service,
    body::{Form, answer},
    path::Ids,
    values::{Origin, Parameters},
};

/// What clients name the kind of assertion (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The only grant there is.
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The routes of the authority. They need no caller: it is here that one becomes one.
pub fn routes() -> Router<Service> {
    Router::new()
        .route("/{tenant}/.well-known/openid-configuration", get(configuration))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
}

/// `GET /{tenant}/.well-known/openid-configuration`
async fn configuration(
    State(service): State<Service>,
    Origin(origin): Origin,
    Ids([tenant]): Ids<1>,
) -> Result<Response, ApiError> {
    let at = |path: &str| format!("{origin}/{tenant}/{path}");
    Ok(answer(&json!({
        "issuer": service.principals().issuer().name(),
        // Clients want to see one. Nobody signs in here by a browser.
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "token_endpoint": at("oauth2/v2.0/token"),
        "jwks_uri": at("discovery/v2.0/keys"),
        "grant_types_supported": [CLIENT_CREDENTIALS],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "scopes_supported": ["https://ai.azure.com/.default"],
    })))
}

/// `GET /{tenant}/discovery/v2.0/keys`
async fn keys(State(service): State<Service>) -> Response {
    answer(&json!({ "keys": [service.principals().issuer().public_key()] }))
}

/// `POST /{tenant}/oauth2/v2.0/token`
async fn token(State(service): State<Service>, Form(form): Form) -> Response {
    let granted = match request(&form) {
        Ok(request) => service.principals().grant(&request).await,
        Err(refusal) => return refusal.into_response(),
    };
    match granted {
        Ok(token) => answer(&token),
        Err(refused) => Refusal::from(refused).into_response(),
    }
}

fn request(form: &Parameters) -> Result<GrantRequest, Refusal> {
    let wanted = |name: &str| {
        form.get(name).map(str::to_owned).ok_or_else(|| {
            Refusal::bad("invalid_request", format!("The parameter '{name}' is missing or empty."))
        })
    };
    let kind = wanted("grant_type")?;
    if kind != CLIENT_CREDENTIALS {
        let sentence = format!("There is no grant '{kind}' here. There is '{CLIENT_CREDENTIALS}'.");
        return Err(Refusal::bad("unsupported_grant_type", sentence));
    }
    let proof = match form.get("client_assertion_type") {
        None => Grant::Secret(wanted("client_secret")?),
        Some(JWT_BEARER) => Grant::Assertion(wanted("client_assertion")?),
        Some(_) => {
            let sentence = format!("'client_assertion_type' has to be '{JWT_BEARER}'.");
            return Err(Refusal::bad("invalid_request", sentence));
        }
    };
    // Clients add scopes of OpenID Connect, which mean nothing here.
    let scope = wanted("scope")?;
    let scope = scope.split_whitespace().find(|scope| scope.contains('/')).unwrap_or(&scope).to_owned();
    Ok(GrantRequest { client_id: wanted("client_id")?, proof, scope })
}

/// An error in the form of RFC 6749, section 5.2.
struct Refusal {
    status: StatusCode,
    error: Told,
}

#[derive(Serialize)]
struct Told {
    error: String,
    error_description: String,
}

impl Refusal {
    fn bad(code: &str, sentence: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: Told { error: code.to_owned(), error_description: sentence },
        }
    }
}

impl From<GrantRefused> for Refusal {
    fn from(refused: GrantRefused) -> Self {
        let status = match &refused {
            GrantRefused::InvalidClient | GrantRefused::Assertion(_) => StatusCode::UNAUTHORIZED,
            GrantRefused::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
            GrantRefused::InvalidScope { .. } => StatusCode::BAD_REQUEST,
            GrantRefused::Signing(error) => {
                tracing::error!(%error, "a token could not be signed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        tracing::info!(code = refused.code(), "a service principal got no token");
        Self { status, ..Self::bad(refused.code(), refused.to_string()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, answer(&self.error)).into_response()
    }
}
