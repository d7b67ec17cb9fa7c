//! A code package on its way in: a form with the version's metadata and a zip file.

use axum::{
    RequestExt as _,
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::HeaderMap,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::Package;
use crate::{
    ApiError, Service,
    body::{PATIENCE, parse},
    hosted::{
        hosting::Hosting,
        rooms,
        sources::{self, Content, Held},
    },
    path::Project,
};

/// The largest package.
const MOST_BYTES: u64 = 250 * 1024 * 1024;

/// The largest metadata.
const MOST_METADATA: usize = 1024 * 1024;

const DIGEST: &str = "x-ms-code-zip-sha256";

/// What a form brought.
#[derive(Debug)]
pub struct Uploaded {
    /// The body as it would have been sent as JSON, with the package's digest in it.
    pub body: Map<String, Value>,
    /// Keeps the package from being removed before a version needs it.
    pub held: Held,
}

/// Reads the form, and keeps the package under its digest.
pub async fn receive(service: &Service, mut request: Request) -> Result<Uploaded, ApiError> {
    let hosting = rooms::hosting(service)?;
    let Project(project) = request.extract_parts_with_state(service).await?;
    let expected = digest_of(request.headers())?;
    let mut form = Multipart::from_request(request, service).await.map_err(|refusal| {
        ApiError::invalid(format!("The body is not multipart/form-data: {}.", refusal.body_text()))
            .code("invalid_value")
    })?;
    let held = hosting.sources().hold().await;
    let (mut body, mut digest) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("metadata") => body = Some(metadata(field).await?),
            Some("code") => digest = Some(keep(hosting, field, expected.as_deref()).await?),
            _ => {}
        }
    }
    if let Some(digest) = &digest {
        // It stays for as long as a version needs it; nobody knows yet whether there will be one.
        let content = Content::Package { digest: digest.clone() };
        sources::offer(service, &project, &content).await?;
    }
    let missing = |part: &str| {
        ApiError::invalid(format!("The form has no part '{part}'."))
            .code("missing_required_parameter")
            .param(part)
    };
    let mut body: Map<String, Value> = body.ok_or_else(|| missing("metadata"))?;
    let digest = digest.ok_or_else(|| missing("code"))?;
    let configuration = body
        .get_mut("definition")
        .and_then(Value::as_object_mut)
        .and_then(|definition| definition.get_mut("code_configuration"))
        .and_then(Value::as_object_mut);
    let Some(configuration) = configuration else {
        let param = "definition.code_configuration";
        return Err(ApiError::invalid(format!("Missing required parameter: '{param}'."))
            .code("missing_required_parameter")
            .param(param));
    };
    configuration.insert("content_hash".to_owned(), digest.into());
    Ok(Uploaded { body, held })
}

/// The digest that the client says the package has.
fn digest_of(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(digest) = headers.get(DIGEST) else { return Ok(None) };
    let digest = digest.to_str().unwrap_or_default().to_ascii_lowercase();
    if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(digest));
    }
    Err(ApiError::invalid(format!("Invalid '{DIGEST}': expected 64 hexadecimal digits."))
        .code("invalid_value")
        .param(DIGEST))
}

async fn metadata(mut field: Field<'_>) -> Result<Map<String, Value>, ApiError> {
    let mut text = Vec::new();
    while let Some(piece) = next(&mut field).await? {
        text.extend_from_slice(&piece);
        if text.len() > MOST_METADATA {
            return Err(ApiError::too_large("body_too_large", "The part 'metadata' is larger than 1 MiB."));
        }
    }
    parse(&text)
}

/// Writes the package beside its place while its digest is computed, and moves it there.
async fn keep(hosting: &Hosting, mut field: Field<'_>, expected: Option<&str>) -> Result<String, ApiError> {
    let kept = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => ApiError::from(cupola_store::StoreError::Full),
        _ => ApiError::internal("keeping a code package", error),
    };
    let packages = hosting.packages();
    tokio::fs::create_dir_all(&packages).await.map_err(kept)?;
    let half = tempfile::NamedTempFile::new_in(&packages).map_err(kept)?;
    let mut file = tokio::fs::File::create(half.path()).await.map_err(kept)?;
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    while let Some(piece) = next(&mut field).await? {
        size += piece.len() as u64;
        if size > MOST_BYTES {
            let message = format!("The code package is larger than {} MiB.", MOST_BYTES >> 20);
            return Err(ApiError::too_large("file_too_large", message));
        }
        hasher.update(&piece);
        file.write_all(&piece).await.map_err(kept)?;
    }
    file.sync_all().await.map_err(kept)?;
    let digest = hex::encode(hasher.finalize());
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(ApiError::invalid(format!(
            "The code package has the SHA-256 {digest}, and '{DIGEST}' says {expected}. It was damaged on its way."
        ))
        .code("invalid_value")
        .param(DIGEST));
    }
    let package = Package::of(&packages, &digest);
    if let Some(folder) = package.zip().parent() {
        tokio::fs::create_dir_all(folder).await.map_err(kept)?;
    }
    half.persist(package.zip()).map_err(|error| kept(error.error))?;
    Ok(digest)
}

async fn next(field: &mut Field<'_>) -> Result<Option<bytes::Bytes>, ApiError> {
    match tokio::time::timeout(PATIENCE, field.chunk()).await {
        Ok(piece) => piece.map_err(broken),
        Err(_) => Err(ApiError::timeout("No further piece of the form came within 60 seconds.")),
    }
}

fn broken(error: axum::extract::multipart::MultipartError) -> ApiError {
    ApiError::invalid(format!("The multipart body can't be read: {}.", error.body_text()))
        .code("invalid_value")
}
