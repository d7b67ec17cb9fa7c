//! A client with one connection that it keeps. It blocks its thread, so that a pause of half a
//! millisecond is one: timers of event loops count whole milliseconds.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio_rustls::TlsConnector;

/// Whom a client talks to, and how.
#[derive(Clone)]
pub struct Target {
    /// Where it is.
    pub address: SocketAddr,
    /// Whom to trust; without it nothing is encrypted.
    pub tls: Option<Arc<ClientConfig>>,
    /// What it says about itself.
    pub bearer: Option<HeaderValue>,
}

/// One connection and the thread's own event loop.
pub struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    target: Target,
    host: HeaderValue,
}

/// Trust in the one authority whose certificate is in that file.
pub fn trust(file: &Path) -> Result<Arc<ClientConfig>> {
    let certificate = CertificateDer::from_pem_file(file)
        .with_context(|| format!("{} holds no certificate", file.display()))?;
    trust_in(certificate)
}

/// Trust in one certificate.
pub fn trust_in(certificate: CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).context("the certificate cannot be trusted")?;
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

impl Client {
    /// Connects, and waits until the other side has finished the handshake.
    pub fn connect(target: Target) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no event loop")?;
        let host = HeaderValue::from_str(&target.address.to_string()).context("no host")?;
        let sender = runtime.block_on(open(&target))?;
        Ok(Self { runtime, sender, target, host })
    }

    /// A `GET`.
    pub fn get(&mut self, path: &str) -> Result<Bytes> {
        self.send(self.request(Method::GET, path, Bytes::new())?)
    }

    /// A `GET` with one header more.
    pub fn get_with(&mut self, path: &str, (name, value): (&'static str, &str)) -> Result<Bytes> {
        let mut request = self.request(Method::GET, path, Bytes::new())?;
        request.headers_mut().insert(name, HeaderValue::from_str(value).context("no header")?);
        self.send(request)
    }

    /// A `POST` of JSON.
    pub fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Result<Bytes> {
        self.send(self.request(Method::POST, path, body.into())?)
    }

    /// A `POST` of a form, whose content type tells how to read it.
    pub fn post_form(&mut self, path: &str, kind: &str, form: impl Into<Bytes>) -> Result<Bytes> {
        let mut request = self.request(Method::POST, path, form.into())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_str(kind).context("no content type")?);
        self.send(request)
    }

    /// A `DELETE`.
    pub fn delete(&mut self, path: &str) -> Result<Bytes> {
        self.send(self.request(Method::DELETE, path, Bytes::new())?)
    }

    /// The whole answer, which has to be a success.
    fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (status, answer) = self.runtime.block_on(async {
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
        })?;
        expect_success(&method, uri.path(), status, &answer)?;
        Ok(answer)
    }

    /// A `POST` whose answer is a stream of events; `hear` gets each event when it is complete.
    pub fn stream(&mut self, path: &str, body: impl Into<Bytes>, mut hear: impl FnMut(&[u8])) -> Result<()> {
        let request = self.request(Method::POST, path, body.into())?;
        self.runtime.block_on(async {
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            if !status.is_success() {
                let answer = response.into_body().collect().await?.to_bytes();
                return expect_success(&Method::POST, path, status, &answer);
            }
            read_events(response, &mut hear).await
        })
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if let Some(bearer) = &self.target.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request.body(Full::new(body)).context("no request")
    }
}

fn expect_success(method: &Method, path: &str, status: StatusCode, answer: &[u8]) -> Result<()> {
    if !status.is_success() {
        bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(answer));
    }
    Ok(())
}

async fn read_events(response: Response<Incoming>, hear: &mut impl FnMut(&[u8])) -> Result<()> {
    let mut body = response.into_body();
    let mut pending = Vec::new();
    while let Some(piece) = body.frame().await {
        let Ok(data) = piece.context("the stream broke off")?.into_data() else { continue };
        pending.extend_from_slice(&data);
        let mut read = 0;
        while let Some(end) = pending[read..].windows(2).position(|pair| pair == b"\n\n") {
            hear(&pending[read..read + end]);
            read += end + 2;
        }
        pending.drain(..read);
    }
    Ok(())
}

async fn open(target: &Target) -> Result<SendRequest<Full<Bytes>>> {
    let stream =
        TcpStream::connect(target.address).await.with_context(|| format!("{} is silent", target.address))?;
    stream.set_nodelay(true).context("no delay can't be turned off")?;
    let Some(tls) = &target.tls else { return speak(stream).await };
    let name = ServerName::IpAddress(target.address.ip().into());
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.context("no TLS")?;
    speak(stream).await
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.context("no HTTP")?;
    // Whoever waits for an answer learns of a broken connection there.
    tokio::spawn(async { drop(connection.await) });
    Ok(sender)
}
