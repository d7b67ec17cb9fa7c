//! Everything that can go wrong with identity, each with a code that `cupola explain` knows.

use std::{io, path::PathBuf};

use jiff::Timestamp;

/// Every code of this crate. Each has a page, `docs/errors/<code>.md`.
pub const CODES: &[&str] = &[
    "bad_api_key_entry",
    "bad_certificate_name",
    "bad_issuer_entry",
    "bad_principal_entry",
    "expired_token",
    "identity_file_unusable",
    "invalid_token",
    "issuer_unreachable",
    "missing_credentials",
    "nameless_token",
    "token_not_valid_yet",
    "unknown_api_key",
    "unsupported_resource",
    "wrong_audience",
    "wrong_identity_header",
    "wrong_issuer",
];

/// Why a request was not let in. The text is for the client and holds no part of what it sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Neither a bearer token nor an API key came with the request.
    #[error(
        "The request carries no credentials. Send `Authorization: Bearer <token>` or `api-key: <key>`; \
         `cupola env` prints the environment that lets DefaultAzureCredential do it."
    )]
    Missing,
    /// The `Authorization` header uses another scheme.
    #[error(
        "The Authorization header does not use the Bearer scheme. \
         Send `Authorization: Bearer <token>` or `api-key: <key>`."
    )]
    WrongScheme,
    /// It looks like a token, but can't be read.
    #[error("The token is malformed. Send it whole and unchanged; `cupola token` prints a fresh one.")]
    Malformed,
    /// The signature is not ours.
    #[error(
        "The token was not signed by this server. It may come from another data directory or from Azure; \
         get one from here: `cupola token`, or `eval \"$(cupola env)\"` for DefaultAzureCredential."
    )]
    BadSignature,
    /// Signed by us, but with another issuer name.
    #[error(
        "The token names another issuer than {expected}. Get a new one: `cupola token`, \
         or restart the client after `identity.issuer` changed."
    )]
    WrongIssuer {
        /// The issuer of this server.
        expected: String,
    },
    /// Meant for another service.
    #[error(
        "The token is for the audience {found:?}, which is not served here. \
         Ask for the scope `https://ai.azure.com/.default`."
    )]
    WrongAudience {
        /// The audience in the token.
        found: String,
    },
    /// Once good, now too old.
    #[error(
        "The token expired at {at}; get a new one: `cupola token`, or let DefaultAzureCredential refresh it."
    )]
    Expired {
        /// When it expired.
        at: Timestamp,
    },
    /// It names an issuer that is trusted, but that issuer has not signed it.
    #[error(
        "The token names the issuer {issuer:?}, but is not signed with one of its current keys. \
         Get a new token from there."
    )]
    NotSignedByIssuer {
        /// The issuer.
        issuer: String,
    },
    /// The issuer's keys can't be fetched. That may pass.
    #[error(
        "The keys of the issuer {issuer:?} can't be fetched at the moment, so its tokens can't be checked. \
         Try again; the log of the server says what stands in the way."
    )]
    IssuerUnreachable {
        /// The issuer.
        issuer: String,
    },
    /// It begins later.
    #[error("The token is not valid yet. Compare the clocks of the issuer and of this server.")]
    NotYet,
    /// It does not say who holds it.
    #[error(
        "The token has no claim {claim:?}, which is to name the caller. \
         Ask the issuer for it, or name another one in `identity.issuers` (subject_claim)."
    )]
    Nameless {
        /// The claim.
        claim: String,
    },
    /// Not a token, and no configured key either.
    #[error(
        "The API key is not known here. Compare it with the `[[identity.api_keys]]` entries in \
         cupola.toml, or use a token: `cupola token`."
    )]
    UnknownApiKey,
}

impl AuthError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::WrongScheme => "missing_credentials",
            Self::Malformed | Self::BadSignature | Self::NotSignedByIssuer { .. } => "invalid_token",
            Self::IssuerUnreachable { .. } => "issuer_unreachable",
            Self::NotYet => "token_not_valid_yet",
            Self::Nameless { .. } => "nameless_token",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::WrongAudience { .. } => "wrong_audience",
            Self::Expired { .. } => "expired_token",
            Self::UnknownApiKey => "unknown_api_key",
        }
    }
}

/// Why the managed identity endpoint gave no token.
#[derive(Debug, thiserror::Error)]
pub enum ManagedIdentityError {
    /// The header that proves the caller may ask is missing or wrong.
    #[error(
        "The X-IDENTITY-HEADER header is missing or wrong. Export IDENTITY_HEADER as `cupola env` prints it \
         for this data directory."
    )]
    WrongHeader,
    /// A token for something that is not this server.
    #[error(
        "No token for the resource {resource:?} can be had here. \
         Ask for `https://ai.azure.com`; other Azure services need Azure's own identity."
    )]
    UnsupportedResource {
        /// What was asked for.
        resource: String,
    },
    /// The token could not be signed.
    #[error(transparent)]
    Signing(#[from] IdentityError),
}

impl ManagedIdentityError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongHeader => "wrong_identity_header",
            Self::UnsupportedResource { .. } => "unsupported_resource",
            Self::Signing(error) => error.code(),
        }
    }
}

/// Why identity could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file system said no.
    #[error("{path} can't be {action}: {source}")]
    File {
        /// What was tried, as a participle: "read", "written".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there, but does not hold what it should.
    #[error("{path} is not usable: {reason}. {remedy}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A name that can't stand in a certificate.
    #[error(
        "`tls.names` holds {name:?}, which is neither a host name nor an IP address. \
         Write for example \"cupola.example.org\" or \"192.0.2.7\"."
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// An API key entry that can't be used.
    #[error("`identity.api_keys` entry {name:?}: {reason}")]
    BadApiKey {
        /// The entry's name.
        name: String,
        /// What is wrong and what to do, without the key.
        reason: String,
    },
    /// An entry of a service principal that can't be used.
    #[error("`identity.principals` entry {client_id:?}: {reason}")]
    BadPrincipal {
        /// The entry's client id.
        client_id: String,
        /// What is wrong with it, without the secret.
        reason: String,
    },
    /// An entry of an issuer that can't be used.
    #[error("`identity.issuers` entry {name:?}: {reason}")]
    BadIssuer {
        /// The entry's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cryptography library refused.
    #[error("{action} failed: {reason}")]
    Crypto {
        /// What was tried.
        action: &'static str,
        /// What the library said.
        reason: String,
    },
}

impl IdentityError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Unusable { .. } | Self::Crypto { .. } => "identity_file_unusable",
            Self::BadName { .. } => "bad_certificate_name",
            Self::BadApiKey { .. } => "bad_api_key_entry",
            Self::BadIssuer { .. } => "bad_issuer_entry",
            Self::BadPrincipal { .. } => "bad_principal_entry",
        }
    }

    /// For `map_err` on calls into a cryptography library.
    pub(crate) fn crypto<E: ToString>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Crypto { action, reason: error.to_string() }
    }
}
