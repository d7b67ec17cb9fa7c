//! One repository of a registry, spoken to over the OCI distribution protocol.

mod authorize;
mod problem;

use std::{fs, future::Future, net::IpAddr, time::Duration};

use futures_util::StreamExt as _;
use reqwest::{
    Certificate, Client, Method, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RANGE},
};
use tokio::sync::Mutex;

pub(super) use problem::Problem;

use super::{
    Credentials, Patience, Reference, StoreSettings,
    digest::Digest,
    manifest::{ACCEPTED, Descriptor, LARGEST_DOCUMENT, Manifest, invalid},
};
use crate::{Code, Failure};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A client that trusts what the settings say.
pub(super) fn client(settings: &StoreSettings) -> Result<Client, Failure> {
    let unusable = |what: String| Failure::new(Code::SandboxUnavailable, what);
    let mut certificates = Vec::new();
    for file in &settings.certificates {
        let read = fs::read(file).map_err(|error| error.to_string());
        let read = read.and_then(|pem| Certificate::from_pem_bundle(&pem).map_err(|error| error.to_string()));
        let file = file.display();
        certificates.extend(read.map_err(|error| {
            unusable(format!("The certificates for registries in {file} can't be read: {error}."))
        })?);
    }
    Client::builder()
        .user_agent(concat!("cupola/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.patience.silence)
        .read_timeout(settings.patience.silence)
        .tls_certs_merge(certificates)
        .build()
        .map_err(|error| unusable(format!("Registries can't be spoken to: {error}.")))
}

/// A repository, for as long as one pull takes.
pub(super) struct Registry<'a> {
    http: &'a Client,
    reference: &'a Reference,
    credentials: Credentials,
    patience: Patience,
    plain: bool,
    /// What the registry was content with last.
    authorization: Mutex<Option<HeaderValue>>,
}

/// A manifest and the digest of its bytes.
pub(super) struct Found {
    pub digest: Digest,
    pub manifest: Manifest,
}

impl<'a> Registry<'a> {
    /// The repository of `reference`.
    pub async fn of(
        http: &'a Client,
        reference: &'a Reference,
        credentials: Credentials,
        settings: &StoreSettings,
    ) -> Self {
        let host = reference.host();
        let may_be_plain = is_loopback(host)
            || settings.insecure_registries.iter().any(|name| name.eq_ignore_ascii_case(host));
        let plain = may_be_plain && answers_plainly(http, host).await;
        let patience = settings.patience;
        Self { http, reference, credentials, patience, plain, authorization: Mutex::new(None) }
    }

    /// What the registry says the digest of the reference is, where it says that without sending anything.
    pub async fn digest(&self) -> Result<Option<Digest>, Failure> {
        let path = format!("manifests/{}", self.reference.version());
        let attempt = || async {
            match self.ask(Method::HEAD, &path, ACCEPTED, 0).await {
                Ok(answer) => Ok(Some(answer)),
                // Not every registry knows HEAD, and an answer to GET says more.
                Err(Problem::Answered { .. }) => Ok(None),
                Err(problem) => Err(problem),
            }
        };
        let answer = self.persist(attempt).await.map_err(|problem| self.failure(problem))?;
        let headers = answer.as_ref().map(Response::headers);
        let said = headers.and_then(|headers| headers.get("docker-content-digest"));
        Ok(said.and_then(|said| said.to_str().ok()).and_then(Digest::parse))
    }

    /// The manifest under a tag or digest.
    pub async fn manifest(&self, version: &str) -> Result<Found, Failure> {
        let path = format!("manifests/{version}");
        let (bytes, sent_as) = self
            .persist(|| self.document(&path, ACCEPTED, LARGEST_DOCUMENT))
            .await
            .map_err(|p| self.failure(p))?;
        let digest = Digest::of(&bytes);
        if let Some(wanted) = Digest::parse(version)
            && wanted != digest
        {
            return Err(invalid(format!(
                "The registry sent a damaged manifest: {digest} in place of {wanted}."
            )));
        }
        Ok(Found { manifest: Manifest::read(&bytes, &sent_as)?, digest })
    }

    /// A small blob as a whole.
    pub async fn small_blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        if descriptor.size > LARGEST_DOCUMENT {
            return Err(invalid(format!("Its configuration is larger than {LARGEST_DOCUMENT} bytes.")));
        }
        let path = format!("blobs/{}", descriptor.digest);
        let (bytes, _) = self
            .persist(|| self.document(&path, "*/*", descriptor.size))
            .await
            .map_err(|p| self.failure(p))?;
        if Digest::of(&bytes) != descriptor.digest {
            return Err(invalid(format!(
                "The registry sent a damaged configuration, not {}.",
                descriptor.digest
            )));
        }
        Ok(bytes)
    }

    /// The bytes of a blob from `offset` on, if the registry can do that; else from the beginning.
    pub async fn blob(&self, digest: &Digest, offset: u64) -> Result<Response, Problem> {
        self.ask(Method::GET, &format!("blobs/{digest}"), "*/*", offset).await
    }

    /// How long the registry is waited for.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Waits before attempt number `attempt`, counted from one, is repeated.
    pub async fn pause(&self, attempt: u32) {
        let pause = self.patience.pause.saturating_mul(1 << attempt.saturating_sub(1).min(8));
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }

    /// In words for who asked for the image.
    pub fn failure(&self, problem: Problem) -> Failure {
        problem.about(self.reference, &self.credentials, self.patience)
    }

    async fn persist<T, F: Future<Output = Result<T, Problem>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, Problem> {
        let mut attempts = 1;
        loop {
            match attempt().await {
                Err(problem) if problem.may_pass() && attempts < self.patience.attempts => {
                    self.pause(attempts).await;
                    attempts += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn document(&self, path: &str, accept: &str, largest: u64) -> Result<(Vec<u8>, String), Problem> {
        let answer = self.ask(Method::GET, path, accept, 0).await?;
        let sent_as =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent_as = sent_as.to_owned();
        Ok((read_at_most(answer, largest).await?, sent_as))
    }

    async fn ask(&self, method: Method, path: &str, accept: &str, offset: u64) -> Result<Response, Problem> {
        let scheme = if self.plain { "http" } else { "https" };
        let url = format!("{scheme}://{}/v2/{}/{path}", self.reference.host(), self.reference.repository());
        let mut authorized = false;
        loop {
            let mut request = self.http.request(method.clone(), &url).header(ACCEPT, accept);
            if offset > 0 {
                request = request.header(RANGE, format!("bytes={offset}-"));
            }
            if let Some(authorization) = self.authorization.lock().await.clone() {
                request = request.header(AUTHORIZATION, authorization);
            }
            let answer = request.send().await?;
            if answer.status() == StatusCode::UNAUTHORIZED
                && !authorized
                && let Some(authorization) = self.authorize(answer.headers()).await?
            {
                *self.authorization.lock().await = Some(authorization);
                authorized = true;
                continue;
            }
            return match answer.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(answer),
                _ => Err(Problem::answered(answer).await),
            };
        }
    }
}

/// Reads a body that must not be longer than this.
async fn read_at_most(answer: Response, largest: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > largest {
            return Err(Problem::TooMuch(largest));
        }
    }
    Ok(bytes)
}

/// Whether only programs on this machine can be behind a host.
fn is_loopback(host: &str) -> bool {
    let name = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => &host[..colon],
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a registry that need not have TLS has none. Servers with TLS answer plain requests with 400, or
/// not at all.
async fn answers_plainly(http: &Client, host: &str) -> bool {
    match http.get(format!("http://{host}/v2/")).send().await {
        Ok(answer) => answer.status() != StatusCode::BAD_REQUEST,
        Err(error) => error.is_connect() || error.is_timeout(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_name_and_address() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:1", "127.8.0.1", "[::1]:5000", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com:5000", "10.0.0.1:5000", "[::2]:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
