//! The server's certificates: a CA of its own, a leaf for its names, and bundles for clients.
//! What is missing is made at the start; what is worn out is renewed there too.

pub(crate) mod authority;
pub(crate) mod bundle;
mod leaf;
mod names;
mod validity;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::CertificateDer;

use self::{authority::Authority, leaf::Leaf};
use crate::{IdentityError, files::CreationLock};

pub use self::names::is_certificate_name;

/// The certificates in use.
pub struct Certificates {
    authority: Authority,
    leaf: Leaf,
    bundle_file: PathBuf,
}

impl Certificates {
    /// Opens the certificates under `data` for this machine's names and `names` beyond them.
    pub fn open(data: &Path, names: &[String]) -> Result<Self, IdentityError> {
        Self::open_at(data, names, SystemTime::now())
    }

    fn open_at(data: &Path, names: &[String], now: SystemTime) -> Result<Self, IdentityError> {
        let names = names::wanted(names)?;
        let _lock = CreationLock::acquire(&data.join("identity"))?;
        let tls = data.join("tls");
        let authority = Authority::open(&tls, now)?;
        let leaf = Leaf::open(&tls, &authority, &names, now)?;
        let bundle_file = bundle::refresh(data, authority.pem())?;
        Ok(Self { authority, leaf, bundle_file })
    }

    /// The CA's certificate.
    pub fn ca_der(&self) -> &CertificateDer<'static> {
        self.authority.der()
    }

    /// The CA's certificate as PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// The file of the CA's certificate.
    pub fn ca_file(&self) -> &Path {
        self.authority.certificate_file()
    }

    /// The file of the system's roots and the CA.
    pub fn bundle_file(&self) -> &Path {
        &self.bundle_file
    }

    /// A TLS server with these certificates: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, IdentityError> {
        let failed = IdentityError::crypto::<rustls::Error>;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(failed("choosing TLS versions"))?
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.certificate.clone()], self.leaf.key.clone_key().into())
            .map_err(failed("loading the server certificate"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificates").field("ca_file", &self.ca_file()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
