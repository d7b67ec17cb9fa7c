//! Who is calling, and how both sides prove it: certificates, tokens, API keys and callers.
//!
//! [`Identity::open`] gives the server all of it from one data directory. [`LocalClient`] gives a
//! program on the same machine what it needs to be believed and to believe the server.

mod api_key;
mod audience;
mod authenticator;
mod caller;
mod certificates;
mod credential;
mod error;
mod files;
mod identity;
mod issuer;
mod local_client;
mod managed_identity;
mod outside;
mod principal;
mod roles;
mod secret;
mod secrets;
mod token_cache;

pub use api_key::ApiKeyConfig;
pub use audience::{ACCEPTED_AUDIENCES, DEFAULT_AUDIENCE};
pub use authenticator::Authenticator;
pub use caller::{ALL_PROJECTS, Caller, DEFAULT_ROLE, ProjectRoles, default_roles_everywhere};
pub use certificates::{Certificates, is_certificate_name};
pub use error::{AuthError, CODES, IdentityError, ManagedIdentityError};
pub use identity::{Identity, Settings};
pub use issuer::{Claims, DEFAULT_LIFETIME, IssuedToken, Issuer};
pub use local_client::LocalClient;
pub use managed_identity::{Lease, ManagedIdentity, TokenAnswer, TokenRequest};
pub use outside::{Documents, GrantConfig, HttpDocuments, IssuerConfig};
pub use principal::{
    FederatedConfig, Grant, GrantRefused, GrantRequest, PrincipalConfig, Principals, TokenGrant,
};
pub use secret::Secret;
pub use secrets::{SealingKey, Unopenable};
