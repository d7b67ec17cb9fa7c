//! Files: upload, list, get, content, delete.

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, State},
    http::{HeaderValue, header},
    response::Response,
};
use cupola_engine::ids;
use cupola_store::{Change, Listing, Order, Slice, StoreError};
use cupola_wire::classic::File;

use super::{
    checks,
    kinds::{self, FILE, key},
    upload::{broken, keep, readable_name, short_text},
};
use crate::{
    ApiError, Service,
    body::{answer, document, json},
    listing::ListQuery,
    path::{Ids, Project},
};

/// Purposes that a client may give.
const PURPOSES: &[&str] = &["assistants", "vision", "batch", "fine-tune", "user_data", "evals"];

/// `POST /files`
pub async fn upload(
    State(service): State<Service>,
    Project(project): Project,
    request: Request,
) -> Result<Response, ApiError> {
    let mut form = Multipart::from_request(request, &service).await.map_err(|refusal| {
        ApiError::invalid(format!("The body is not multipart/form-data: {}.", refusal.body_text()))
            .code("invalid_value")
    })?;
    let id = ids::of_length("assistant-", 22);
    let received = receive(&service, &mut form, &id).await;
    let file = match received.and_then(|upload| upload.into_file(id.clone(), service.clock().seconds())) {
        Ok(file) => file,
        Err(refusal) => {
            service.blobs().delete(&id).await?;
            return Err(refusal);
        }
    };
    let doc = document(&file);
    let change = Change::Insert {
        key: key(&project, FILE, file.id),
        parent: String::new(),
        facet: file.purpose,
        created_at: file.created_at,
        doc: doc.clone(),
        aside: None,
    };
    service.store().commit(vec![change]).await?;
    Ok(json(doc))
}

/// What a form brought.
#[derive(Default)]
struct Upload {
    bytes: Option<u64>,
    filename: Option<String>,
    purpose: Option<String>,
}

impl Upload {
    fn into_file(self, id: String, created_at: i64) -> Result<File, ApiError> {
        let missing = |field: &str| {
            ApiError::invalid(format!("Missing required parameter: '{field}'."))
                .code("missing_required_parameter")
                .param(field)
        };
        let bytes = self.bytes.ok_or_else(|| missing("file"))?;
        let purpose = self.purpose.ok_or_else(|| missing("purpose"))?;
        if !PURPOSES.contains(&purpose.as_str()) {
            let sentence = format!(
                "Invalid value: '{purpose}'. Supported values are: {}.",
                PURPOSES.iter().map(|p| format!("'{p}'")).collect::<Vec<_>>().join(", ")
            );
            return Err(ApiError::invalid(sentence).code("invalid_value").param("purpose"));
        }
        if bytes == 0 {
            return Err(ApiError::invalid("The file is empty.").code("invalid_value").param("file"));
        }
        let filename = self.filename.unwrap_or_else(|| "file".to_owned());
        checks::text("filename", Some(&filename), 1024)?;
        Ok(File {
            object: "file".to_owned(),
            id,
            purpose,
            filename,
            bytes,
            created_at,
            expires_at: None,
            status: Some("processed".to_owned()),
            status_details: None,
            extra: cupola_wire::Extra::new(),
        })
    }
}

async fn receive(service: &Service, form: &mut Multipart, id: &str) -> Result<Upload, ApiError> {
    let mut upload = Upload::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("file") if upload.bytes.is_none() => {
                upload.filename = upload.filename.or_else(|| field.file_name().map(readable_name));
                upload.bytes = Some(keep(service, field, id).await?);
            }
            Some("purpose") => upload.purpose = Some(short_text(field, "purpose").await?),
            Some("filename") => upload.filename = Some(short_text(field, "filename").await?),
            _ => {}
        }
    }
    Ok(upload)
}

/// `GET /files`: all of them, in one answer.
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let listing = Listing {
        project: &project,
        kind: FILE,
        parent: "",
        facet: query.purpose.as_deref(),
        order: Order::Desc,
        after: None,
        before: None,
        limit: usize::MAX,
    };
    Ok(whole_list(&service.store().list(listing).await?))
}

/// A list without pages: the clients expect no paging keys here.
fn whole_list(slice: &Slice) -> Response {
    let mut list = Vec::from(br#"{"object":"list","data":["#.as_slice());
    for (index, item) in slice.items.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        list.extend_from_slice(&item.doc);
    }
    list.extend_from_slice(b"]}");
    json(list)
}

/// `GET /files/{file}`
pub async fn get(
    State(service): State<Service>,
    Project(project): Project,
    Ids([file]): Ids<1>,
) -> Result<Response, ApiError> {
    Ok(json(kinds::find(&service, &key(&project, FILE, file)).await?.doc))
}

/// `GET /files/{file}/content`
pub async fn content(
    State(service): State<Service>,
    Project(project): Project,
    Ids([file]): Ids<1>,
) -> Result<Response, ApiError> {
    let key = key(&project, FILE, file);
    let info: File = kinds::read(&key, &kinds::find(&service, &key).await?.doc)?;
    let bytes = service.blobs().get(&key.id).await?.ok_or_else(|| kinds::not_found(FILE, &key.id))?;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(info.bytes));
    Ok(response)
}

/// `DELETE /files/{file}`: also out of the vector stores that it is in.
pub async fn delete(
    State(service): State<Service>,
    Project(project): Project,
    Ids([file]): Ids<1>,
) -> Result<Response, ApiError> {
    match service.vector_stores().delete_file(&project, &key(&project, FILE, file.clone())).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Err(kinds::not_found(FILE, &file)),
        Err(error) => return Err(error.into()),
    }
    // Bytes without a resource can't be reached any more; losing power in between leaks only space.
    service.blobs().delete(&file).await?;
    Ok(answer(&kinds::deleted(file, "file")))
}
