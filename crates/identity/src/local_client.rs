//! What a program on the same machine needs to use the server: whom to trust and how to get a token.

use std::path::{Path, PathBuf};

use crate::{
    IdentityError, Secret,
    certificates::{authority::Authority, bundle},
    files::CreationLock,
};

/// The client's side of a data directory.
#[derive(Debug)]
pub struct LocalClient {
    /// The certificate of the CA alone, as PEM.
    pub ca_file: PathBuf,
    /// The system's roots and the CA, as PEM.
    pub bundle_file: PathBuf,
    /// The value of `IDENTITY_HEADER`.
    pub identity_header: Secret,
}

impl LocalClient {
    /// Reads what is under `data` and makes what is missing, so that it works before the first start.
    pub fn open(data: &Path) -> Result<Self, IdentityError> {
        let directory = data.join("identity");
        let _lock = CreationLock::acquire(&directory)?;
        let tls = data.join("tls");
        let authority = Authority::open(&tls, std::time::SystemTime::now())?;
        Ok(Self {
            ca_file: authority.certificate_file().to_owned(),
            bundle_file: bundle::refresh(data, authority.pem())?,
            identity_header: Secret::open(&directory.join("header.secret"))?,
        })
    }
}
