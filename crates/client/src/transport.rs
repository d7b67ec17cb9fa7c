//! The HTTP client under the pipeline: rustls, with the system's certificates and the caller's own.

use std::sync::Arc;

use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::{ClientOptions, Error, Result, error::chain};

/// The transport that `options` ask for.
pub(crate) fn transport(options: &ClientOptions) -> Result<Transport> {
    match (&options.azure.transport, &options.ca_pem) {
        (Some(_), Some(_)) => {
            let message = "`ca_pem` has no effect on a transport of your own: set only one of them";
            Err(Error::Setup(message.to_owned()))
        }
        (Some(own), None) => Ok(own.clone()),
        (None, _) => build(options),
    }
}

fn build(options: &ClientOptions) -> Result<Transport> {
    let tls = tls(roots(options.ca_pem.as_deref())?)?;
    let own = client(options, tls.clone(), reqwest::ClientBuilder::no_proxy)?;
    let other = client(options, tls, |builder| builder)?;
    Ok(Transport::new(Arc::new(PastProxies { own, other })))
}

/// Sends what is for this machine past the proxies of the environment: a proxy would look for it on its
/// own machine.
#[derive(Debug)]
struct PastProxies {
    own: reqwest::Client,
    other: reqwest::Client,
}

#[async_trait::async_trait]
impl HttpClient for PastProxies {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let client = if is_loopback(request.url()) { &self.own } else { &self.other };
        client.execute_request(request).await
    }
}

/// Whether the address is one of this machine alone.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn client(
    options: &ClientOptions,
    tls: ClientConfig,
    proxies: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.idle_timeout)
        .tcp_nodelay(true)
        // A redirect would carry the credential to another place.
        .redirect(reqwest::redirect::Policy::none());
    proxies(builder)
        .build()
        .map_err(|error| Error::Setup(format!("can't set up the HTTP client: {}", chain(&error))))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_sent_past_proxies() {
        for (url, is_own) in [
            ("https://localhost:8443/p", true),
            ("https://LOCALHOST/p", true),
            ("https://127.0.0.1:8443/p", true),
            ("https://127.8.9.10/p", true),
            ("https://[::1]:8443/p", true),
            ("https://localhost.example.org/p", false),
            ("https://128.0.0.1/p", false),
            ("https://[::2]/p", false),
            ("https://models.example.org/p", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), is_own, "{url}");
        }
    }
}
