//! The part of Azure Blob that uploads and downloads of datasets take: Put Blob, Put Block, Put Block List,
//! Get Blob and its properties, Delete Blob, List Blobs. Whoever has a signed address may come in.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    blob_errors::BlobError,
    blob_list,
    grant::{self, Permission, Scope},
    receive,
    storage::{Blob, Part, Shelf, Written},
};
use crate::{Service, values::Parameters};

/// The largest list of blocks: 50,000 names.
const BLOCK_LIST: usize = 8 * 1024 * 1024;
/// The version of Azure Blob that is spoken, if the client does not say which it wants.
const VERSION: &str = "2025-01-05";

/// The routes; they stand outside of the gate.
pub fn routes() -> Router<Service> {
    Router::new()
        .route("/blobs/{project}/{container}", any(container))
        .route("/blobs/{project}/{container}/{*blob}", any(blob))
}

async fn container(
    State(service): State<Service>,
    Path((project, container)): Path<(String, String)>,
    request: Request,
) -> Response {
    let entry = Entry::of(&service, &project, container, &request);
    let answer = match entry {
        Ok(entry) => entry.container(request.method()).await,
        Err(error) => Err(error),
    };
    finished(answer, &request.into_parts().0.headers)
}

async fn blob(
    State(service): State<Service>,
    Path((project, container, name)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let entry = Entry::of(&service, &project, container, &request);
    let answer = match entry {
        Ok(entry) => entry.blob(&name, request).await,
        Err(error) => Err(error),
    };
    finished(answer, &headers)
}

/// What the clients expect on every answer.
fn finished(answer: Result<Response, BlobError>, asked: &HeaderMap) -> Response {
    const MS_VERSION: HeaderName = HeaderName::from_static("x-ms-version");
    const MS_REQUEST: HeaderName = HeaderName::from_static("x-ms-request-id");
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let version = asked.get(&MS_VERSION).cloned().unwrap_or(HeaderValue::from_static(VERSION));
    response.headers_mut().insert(MS_VERSION, version);
    if let Ok(id) = HeaderValue::from_str(&cupola_engine::ids::new("req_")) {
        response.headers_mut().insert(MS_REQUEST, id);
    }
    response
}

/// A request that named a container.
struct Entry {
    service: Service,
    shelf: Shelf,
    query: Parameters,
}

impl Entry {
    fn of(service: &Service, project: &str, container: String, request: &Request) -> Result<Self, BlobError> {
        let project = service.project(project).ok_or_else(BlobError::no_container)?;
        let query = Parameters::parse(request.uri().query().unwrap_or_default());
        Ok(Self { service: service.clone(), shelf: Shelf { project, container }, query })
    }

    fn allow(&self, permission: Permission) -> Result<(), BlobError> {
        let scope = Scope { project: &self.shelf.project, container: &self.shelf.container };
        let now = self.service.clock().seconds();
        Ok(grant::check(self.service.sealing(), scope, &self.query, permission, now)?)
    }

    async fn container(&self, method: &Method) -> Result<Response, BlobError> {
        let is_container = self.query.get("restype") == Some("container");
        match (method, is_container, self.query.get("comp")) {
            (&Method::GET, true, Some("list")) => {
                self.allow(Permission::List)?;
                self.require_container().await?;
                let blobs = self.shelf.blobs(&self.service).await?;
                let xml = blob_list::page(&self.shelf.container, &blobs, &self.query)?;
                Ok(([(header::CONTENT_TYPE, "application/xml")], xml).into_response())
            }
            (&Method::GET | &Method::HEAD, true, None) => {
                self.allow(Permission::Read)?;
                self.require_container().await?;
                Ok(StatusCode::OK.into_response())
            }
            _ => Err(not_offered()),
        }
    }

    async fn require_container(&self) -> Result<(), BlobError> {
        if self.shelf.exists(&self.service).await? { Ok(()) } else { Err(BlobError::no_container()) }
    }

    async fn blob(&self, name: &str, request: Request) -> Result<Response, BlobError> {
        match (request.method(), self.query.get("comp")) {
            (&Method::PUT, None) => self.put(name, request).await,
            (&Method::PUT, Some("block")) => self.put_block(name, request).await,
            (&Method::PUT, Some("blocklist")) => self.put_block_list(name, request).await,
            (&Method::GET, None) => self.get(name, request.headers(), true).await,
            (&Method::HEAD, None) => self.get(name, request.headers(), false).await,
            (&Method::DELETE, None) => {
                self.allow(Permission::Delete)?;
                let was_there = self.shelf.delete(&self.service, name).await?;
                if was_there { Ok(StatusCode::ACCEPTED.into_response()) } else { Err(BlobError::no_blob()) }
            }
            _ => Err(not_offered()),
        }
    }

    async fn put(&self, name: &str, request: Request) -> Result<Response, BlobError> {
        self.allow(Permission::Write)?;
        self.require_container().await?;
        let kind = text(request.headers(), "x-ms-blob-type").unwrap_or("BlockBlob");
        if kind != "BlockBlob" {
            let message = format!("Blobs of type {kind} are not offered here; use BlockBlob.");
            return Err(BlobError::invalid("InvalidHeaderValue", message));
        }
        let (head, body) = request.into_parts();
        if must_be_new(&head.headers) && self.shelf.blob(&self.service, name).await?.is_some() {
            return Err(BlobError::exists());
        }
        let part = receive::part(&self.service, body, None).await?;
        self.write(name, &head.headers, vec![part]).await
    }

    async fn put_block(&self, name: &str, request: Request) -> Result<Response, BlobError> {
        self.allow(Permission::Write)?;
        self.require_container().await?;
        let block = self.query.get("blockid").ok_or_else(|| {
            BlobError::invalid("MissingRequiredQueryParameter", "The parameter 'blockid' is missing.")
        })?;
        let part = receive::part(&self.service, request.into_body(), Some(block.to_owned())).await?;
        match self.shelf.put_block(&self.service, name, block, &part).await? {
            Written::Done => Ok(StatusCode::CREATED.into_response()),
            Written::Exists => Err(BlobError::exists()),
            Written::NoContainer => {
                self.forget(&part).await;
                Err(BlobError::no_container())
            }
        }
    }

    async fn put_block_list(&self, name: &str, request: Request) -> Result<Response, BlobError> {
        self.allow(Permission::Write)?;
        let (head, body) = request.into_parts();
        let invalid = || BlobError::invalid("InvalidXmlDocument", "The body is not a list of blocks.");
        let xml = to_bytes(body, BLOCK_LIST).await.map_err(|_| invalid())?;
        let names = std::str::from_utf8(&xml).ok().and_then(blob_list::block_names).ok_or_else(invalid)?;
        let mut known = self.shelf.blocks(&self.service, name).await?;
        if let Some(current) = self.shelf.blob(&self.service, name).await? {
            known.extend(current.parts);
        }
        let parts = names.iter().map(|name| {
            known.iter().find(|part| part.block.as_ref() == Some(name)).cloned().ok_or_else(|| {
                BlobError::invalid("InvalidBlockList", format!("There is no block with the id '{name}'."))
            })
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let answer = self.write(name, &head.headers, parts.clone()).await?;
        self.shelf.clear_blocks(&self.service, name, &parts).await?;
        Ok(answer)
    }

    async fn write(&self, name: &str, headers: &HeaderMap, parts: Vec<Part>) -> Result<Response, BlobError> {
        let content_type = text(headers, "x-ms-blob-content-type").or_else(|| text(headers, "content-type"));
        let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
        let blob = Blob::new(&self.service, name, content_type, parts);
        let written = self.shelf.put(&self.service, &blob, !must_be_new(headers)).await?;
        let refusal = match written {
            Written::Done => {
                let mut response = StatusCode::CREATED.into_response();
                describe(&blob, response.headers_mut());
                response
                    .headers_mut()
                    .insert("x-ms-request-server-encrypted", HeaderValue::from_static("false"));
                return Ok(response);
            }
            Written::Exists => BlobError::exists(),
            Written::NoContainer => BlobError::no_container(),
        };
        // Blocks stay for another attempt; the bytes of a whole blob would stay for nobody.
        for part in &blob.parts {
            if part.block.is_none() {
                self.forget(part).await;
            }
        }
        Err(refusal)
    }

    async fn forget(&self, part: &Part) {
        if let Err(error) = self.service.blobs().delete(&part.id).await {
            tracing::warn!(blob = part.id, %error, "bytes that nobody needs were not deleted");
        }
    }

    async fn get(&self, name: &str, headers: &HeaderMap, with_body: bool) -> Result<Response, BlobError> {
        self.allow(Permission::Read)?;
        let blob = self.shelf.blob(&self.service, name).await?.ok_or_else(BlobError::no_blob)?;
        let len = blob.len();
        let range = text(headers, "x-ms-range").or_else(|| text(headers, "range"));
        let range = range.filter(|_| with_body).map(|range| span(range, len)).transpose()?;
        let (first, end) = range.unwrap_or((0, len));
        let mut response =
            Response::new(if with_body { self.bytes(&blob, first, end) } else { Body::empty() });
        let answered = response.headers_mut();
        describe(&blob, answered);
        answered.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
        answered.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answered.insert(header::CONTENT_LENGTH, HeaderValue::from(end - first));
        if let Ok(content_type) = HeaderValue::from_str(&blob.content_type) {
            answered.insert(header::CONTENT_TYPE, content_type);
        }
        if range.is_some() {
            if let Ok(range) = HeaderValue::from_str(&format!("bytes {first}-{}/{len}", end - 1)) {
                answered.insert(header::CONTENT_RANGE, range);
            }
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }

    /// The bytes from `first` to before `end`, part after part.
    fn bytes(&self, blob: &Blob, first: u64, end: u64) -> Body {
        let mut begins = 0;
        let mut wanted = Vec::new();
        for part in &blob.parts {
            let (from, to) = (first.max(begins), end.min(begins + part.len));
            if from < to {
                wanted.push((part.id.clone(), from - begins, to - begins));
            }
            begins += part.len;
        }
        let service = self.service.clone();
        let pieces = futures_util::stream::iter(wanted).then(move |(id, from, to)| {
            let service = service.clone();
            async move { Ok::<_, std::io::Error>(cut(bytes_of(&service, &id).await?, from, to)) }
        });
        Body::from_stream(pieces.try_flatten())
    }
}

async fn bytes_of(service: &Service, id: &str) -> std::io::Result<cupola_store::ByteStream> {
    let found = service.blobs().get(id).await.map_err(std::io::Error::other)?;
    found.ok_or_else(|| std::io::Error::other("the bytes of a blob are gone"))
}

/// The bytes from `from` to before `to` of a stream.
fn cut(stream: cupola_store::ByteStream, from: u64, to: u64) -> cupola_store::ByteStream {
    let state = (stream, 0);
    Box::pin(futures_util::stream::try_unfold(state, move |(mut stream, mut at)| async move {
        while at < to {
            let Some(mut piece) = stream.try_next().await? else { break };
            let begins = at;
            at += piece.len() as u64;
            if at <= from {
                continue;
            }
            piece.truncate(usize::try_from(to - begins).unwrap_or(usize::MAX).min(piece.len()));
            let skipped = usize::try_from(from.saturating_sub(begins)).unwrap_or(0);
            let piece: Bytes = piece.slice(skipped..);
            return Ok(Some((piece, (stream, at))));
        }
        Ok(None)
    }))
}

/// The first byte and the one behind the last of `bytes=0-99` or `bytes=5-`.
fn span(range: &str, len: u64) -> Result<(u64, u64), BlobError> {
    let invalid = || {
        let message = "The range specified is invalid for the current size of the resource.";
        BlobError::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    };
    let (first, last) =
        range.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')).ok_or_else(invalid)?;
    let first = first.trim().parse::<u64>().map_err(|_| invalid())?;
    let last = match last.trim() {
        "" => len.saturating_sub(1),
        last => last.parse::<u64>().map_err(|_| invalid())?.min(len.saturating_sub(1)),
    };
    if first >= len || last < first { Err(invalid()) } else { Ok((first, last + 1)) }
}

fn describe(blob: &Blob, headers: &mut HeaderMap) {
    if let Ok(etag) = HeaderValue::from_str(&blob.etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Ok(modified) = HeaderValue::from_str(&http_date(blob.modified)) {
        headers.insert(header::LAST_MODIFIED, modified);
    }
}

/// A time as headers write it.
pub(super) fn http_date(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn must_be_new(headers: &HeaderMap) -> bool {
    text(headers, "if-none-match") == Some("*")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn not_offered() -> BlobError {
    let message = "This operation of Azure Blob is not offered here. Datasets need Put Blob, Put Block, Put \
                   Block List, Get Blob, Delete Blob and List Blobs.";
    BlobError::invalid("UnsupportedOperation", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_there_is() {
        for (range, expected) in [
            ("bytes=0-4", Some((0, 5))),
            ("bytes=3-", Some((3, 10))),
            ("bytes=3-99", Some((3, 10))),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(span(range, 10).ok(), expected, "{range}");
        }
        assert!(span("bytes=0-", 0).is_err());
    }

    #[test]
    fn dates_are_written_as_in_headers() {
        assert_eq!(http_date(1_795_165_200), "Fri, 20 Nov 2026 09:00:00 GMT");
    }
}
