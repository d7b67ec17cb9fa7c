//! A request for a token and its answer, in the words of OAuth 2.0 (RFC 6749, sections 4.4 and 5).

use serde::Serialize;

use crate::{AuthError, IdentityError, IssuedToken, Secret};

/// A request for a token.
#[derive(Debug)]
pub struct GrantRequest {
    /// Who asks.
    pub client_id: String,
    /// By what it proves that.
    pub proof: Grant,
    /// What the token is for.
    pub scope: String,
}

/// A proof.
pub enum Grant {
    /// The secret that both sides know.
    Secret(String),
    /// A token of another issuer (RFC 7523).
    Assertion(String),
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Secret(_) => "Secret(hidden)",
            Self::Assertion(_) => "Assertion(hidden)",
        })
    }
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct TokenGrant {
    token_type: &'static str,
    expires_in: u64,
    ext_expires_in: u64,
    #[serde(serialize_with = "exposed")]
    access_token: Secret,
}

impl TokenGrant {
    pub(super) fn of(issued: IssuedToken) -> Self {
        let expires_in = issued.expires_in.as_secs();
        Self { token_type: "Bearer", expires_in, ext_expires_in: expires_in, access_token: issued.token }
    }
}

fn exposed<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum GrantRefused {
    /// No such client, or not its secret or token.
    #[error(
        "The client is not known here, or its secret or token is not the right one. \
         Compare it with the `[[identity.principals]]` entries in cupola.toml."
    )]
    InvalidClient,
    /// The token that was to prove who asks is no good.
    #[error("The client assertion was refused. {0}")]
    Assertion(AuthError),
    /// Its issuer can't be asked at the moment.
    #[error("{0}")]
    Unreachable(AuthError),
    /// A token for something else than this service.
    #[error("There are no tokens for the scope {scope:?} here. Ask for `https://ai.azure.com/.default`.")]
    InvalidScope {
        /// What was asked for.
        scope: String,
    },
    /// The token could not be signed.
    #[error(transparent)]
    Signing(IdentityError),
}

impl GrantRefused {
    /// The error's name in OAuth 2.0.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidClient | Self::Assertion(_) => "invalid_client",
            Self::Unreachable(_) => "temporarily_unavailable",
            Self::InvalidScope { .. } => "invalid_scope",
            Self::Signing(_) => "server_error",
        }
    }
}
