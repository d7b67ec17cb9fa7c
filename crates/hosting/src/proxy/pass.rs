//! One request to the proxy: a tunnel, or a plain request that is passed on.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, net::TcpStream, sync::OwnedSemaphorePermit};

use super::{Proxy, Refusal};

/// The place among the connections, which a tunnel keeps until its end.
pub(super) type Place = Arc<OwnedSemaphorePermit>;

type Body = Either<Incoming, Full<Bytes>>;

/// Does what is asked, or says why not.
pub(super) async fn answer(proxy: &Proxy, request: Request<Incoming>, place: Place) -> Response<Body> {
    let outcome = if request.method() == Method::CONNECT {
        tunnel(proxy, request, place).await
    } else {
        pass_on(proxy, request).await
    };
    outcome.unwrap_or_else(No::into_response)
}

/// A status and a sentence instead of what was asked for.
struct No(StatusCode, String);

impl No {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Either::Right(Full::from(format!("{}\n", self.1))));
        *response.status_mut() = self.0;
        response
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::NotAllowed(_) | Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::Unreachable(..) => StatusCode::BAD_GATEWAY,
        };
        Self(status, refusal.to_string())
    }
}

async fn tunnel(proxy: &Proxy, request: Request<Incoming>, place: Place) -> Result<Response<Body>, No> {
    let (host, port) = target(request.uri(), None)?;
    let stream = proxy.dial(&host, port).await?;
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            splice(TokioIo::new(upgraded), stream).await;
        }
        drop(place);
    });
    Ok(Response::new(Either::Right(Full::default())))
}

async fn splice(mut program: TokioIo<hyper::upgrade::Upgraded>, mut host: TcpStream) {
    // How it ends, both ends know already.
    let _ = copy_bidirectional(&mut program, &mut host).await;
}

async fn pass_on(proxy: &Proxy, mut request: Request<Incoming>) -> Result<Response<Body>, No> {
    if request.uri().scheme_str() != Some("http") {
        return Err(bad("This is a proxy: ask for http://… or CONNECT."));
    }
    let (host, port) = target(request.uri(), Some(80))?;
    let stream = proxy.dial(&host, port).await?;
    prepare(&mut request)?;
    let failed = |error: hyper::Error| {
        No(StatusCode::BAD_GATEWAY, format!("{host}:{port} broke the connection off: {error}."))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    Ok(response.map(Either::Left))
}

/// The request as its host expects it: with a path for its address, and nothing that is for the proxy.
fn prepare(request: &mut Request<Incoming>) -> Result<(), No> {
    let unreadable = || bad("The address in the request can't be read.");
    let authority = request.uri().authority().ok_or_else(unreadable)?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| unreadable())?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = path.parse::<Uri>().map_err(|_| unreadable())?;
    *request.uri_mut() = uri;
    let proxy_connection = HeaderName::from_static("proxy-connection");
    for name in [PROXY_AUTHORIZATION, PROXY_AUTHENTICATE, proxy_connection, CONNECTION] {
        request.headers_mut().remove(name);
    }
    // What counts is where the request went, not what it claims.
    request.headers_mut().insert(HOST, host);
    Ok(())
}

fn target(uri: &Uri, usual: Option<u16>) -> Result<(String, u16), No> {
    let found = uri.host().and_then(|host| Some((host.to_owned(), uri.port_u16().or(usual)?)));
    found.ok_or_else(|| bad("The request names no host and port."))
}

fn bad(sentence: &str) -> No {
    No(StatusCode::BAD_REQUEST, sentence.to_owned())
}
