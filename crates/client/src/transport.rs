//! The HTTP client under the pipeline: rustls, with the system's certificates and the caller's own.

use std::sync::Arc;

use azure_core::http::Transport;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::{AgentsClientOptions, Error, Result, error::chain};

/// The transport that `options` ask for.
pub(crate) fn transport(options: &AgentsClientOptions) -> Result<Transport> {
    match (&options.azure.transport, &options.ca_pem) {
        (Some(_), Some(_)) => {
            let message = "`ca_pem` has no effect on a transport of your own: set only one of them";
            Err(Error::Setup(message.to_owned()))
        }
        (Some(own), None) => Ok(own.clone()),
        (None, _) => build(options),
    }
}

fn build(options: &AgentsClientOptions) -> Result<Transport> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(roots(options.ca_pem.as_deref())?)?)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.idle_timeout)
        .tcp_nodelay(true)
        // A redirect would carry the credential to another place.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::Setup(format!("can't set up the HTTP client: {}", chain(&error))))?;
    Ok(Transport::new(Arc::new(client)))
}

fn tls(roots: RootCertStore) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(format!("can't set up TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's certificates (or those of `SSL_CERT_FILE`) and those of `ca_pem`.
fn roots(ca_pem: Option<&[u8]>) -> Result<RootCertStore> {
    let system = rustls_native_certs::load_native_certs();
    if let (true, Some(error)) = (system.certs.is_empty() && ca_pem.is_none(), system.errors.first()) {
        return Err(Error::Setup(format!("no trusted certificates: {error}")));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.certs);
    for certificate in ca_pem.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        let certificate = certificate
            .map_err(|error| Error::Setup(format!("`ca_pem` is not a list of certificates: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| Error::Setup(format!("`ca_pem` has a bad certificate: {error}")))?;
    }
    Ok(roots)
}
