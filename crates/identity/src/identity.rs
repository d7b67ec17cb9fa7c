//! Everything about identity that a server needs, opened from one data directory.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    ApiKeyConfig, Authenticator, Certificates, DEFAULT_LIFETIME, Documents, HttpDocuments, IdentityError,
    Issuer, IssuerConfig, ManagedIdentity, PrincipalConfig, Principals, Secret, api_key::ApiKeys,
    files::CreationLock, outside::OutsideIssuers,
};

/// What the configuration says about identity.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names and addresses of the server beyond this machine's own.
    pub names: Vec<String>,
    /// The issuer's name, where it is not the data directory's own.
    pub issuer: Option<String>,
    /// How long tokens live.
    pub token_lifetime: Duration,
    /// The API keys.
    pub api_keys: Vec<ApiKeyConfig>,
    /// Issuers outside that are trusted.
    pub issuers: Vec<IssuerConfig>,
    /// Programs that get their tokens here.
    pub principals: Vec<PrincipalConfig>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            issuer: None,
            token_lifetime: DEFAULT_LIFETIME,
            api_keys: Vec::new(),
            issuers: Vec::new(),
            principals: Vec::new(),
        }
    }
}

/// The server's identity.
pub struct Identity {
    /// Its certificates.
    pub certificates: Certificates,
    /// Signs tokens.
    pub issuer: Arc<Issuer>,
    /// Checks requests.
    pub authenticator: Arc<Authenticator>,
    /// Answers the token endpoint of programs on this machine.
    pub managed_identity: Arc<ManagedIdentity>,
    /// Answers the token endpoint of service principals.
    pub principals: Arc<Principals>,
}

impl Identity {
    /// Reads what is under `data` and makes what is missing or worn out.
    pub fn open(data: &Path, settings: &Settings) -> Result<Self, IdentityError> {
        let api_keys = ApiKeys::load(&settings.api_keys)?;
        check_issuers(settings)?;
        let documents: Arc<dyn Documents> = Arc::new(HttpDocuments::default());
        let outside = OutsideIssuers::new(&settings.issuers, &documents);
        let certificates = Certificates::open(data, &settings.names)?;
        let issuer = Arc::new(Issuer::open(data, settings.issuer.as_deref(), settings.token_lifetime)?);
        let header = open_header(data)?;
        let principals = Principals::new(issuer.clone(), &settings.principals, &documents)?;
        Ok(Self {
            certificates,
            principals: Arc::new(principals),
            authenticator: Arc::new(Authenticator::new(issuer.clone(), api_keys, outside)),
            managed_identity: Arc::new(ManagedIdentity::new(header, issuer.clone())),
            issuer,
        })
    }
}

/// Each issuer can be used, and two are never taken for one.
fn check_issuers(settings: &Settings) -> Result<(), IdentityError> {
    for (index, entry) in settings.issuers.iter().enumerate() {
        entry.check()?;
        let mut before = settings.issuers[..index].iter();
        if before.any(|other| other.issuer == entry.issuer || other.name == entry.name) {
            let reason = "another entry has the same `name` or `issuer`".to_owned();
            return Err(IdentityError::BadIssuer { name: entry.name.clone(), reason });
        }
    }
    Ok(())
}

fn open_header(data: &Path) -> Result<Secret, IdentityError> {
    let directory = data.join("identity");
    let _lock = CreationLock::acquire(&directory)?;
    Secret::open(&directory.join("header.secret"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::FutureExt as _;

    use super::*;
    use crate::{LocalClient, TokenRequest};

    fn request() -> TokenRequest {
        TokenRequest { resource: "https://ai.azure.com".into(), ..TokenRequest::default() }
    }

    #[test]
    fn a_client_prepared_before_the_first_start_is_believed_after_it() {
        let data = tempfile::tempdir().unwrap();
        let client = LocalClient::open(data.path()).unwrap();
        let ca = std::fs::read_to_string(&client.ca_file).unwrap();
        let server = Identity::open(data.path(), &Settings::default()).unwrap();
        assert_eq!(server.certificates.ca_pem(), ca);
        let answer =
            server.managed_identity.answer(Some(client.identity_header.expose()), &request()).unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        assert!(
            server
                .authenticator
                .authenticate(Some(&bearer), None)
                .now_or_never()
                .unwrap()
                .unwrap()
                .allows_project("demo")
        );
    }

    #[test]
    fn starts_at_the_same_moment_agree_on_one_identity() {
        let data = tempfile::tempdir().unwrap();
        let open = || {
            let identity = Identity::open(data.path(), &Settings::default()).unwrap();
            (identity.certificates.ca_pem().to_owned(), identity.issuer.name().to_owned())
        };
        let seen: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|one| one == &seen[0]));
    }

    #[test]
    fn debug_output_of_a_client_hides_the_header() {
        let data = tempfile::tempdir().unwrap();
        let client = LocalClient::open(data.path()).unwrap();
        assert!(!format!("{client:?}").contains(client.identity_header.expose()));
    }
}
