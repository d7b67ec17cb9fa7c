//! Pending uploads and credentials: signed addresses for the data of a dataset.

use axum::{extract::State, response::Response};
use cupola_engine::ids;
use serde_json::{Value, json};

use super::{
    grant::{self, Scope},
    handlers::DATASET,
    storage,
};
use crate::{
    ApiError, Service,
    assets::{Fields, Place, check_name},
    body::{Json, answer},
    path::{Ids, Project},
    values::Origin,
};

/// Where the blob endpoint is.
pub(super) const PREFIX: &str = "/blobs";
/// How long an upload may take, in seconds.
const UPLOAD_TIME: i64 = 24 * 60 * 60;
/// How long data may be read with credentials, in seconds.
const READ_TIME: i64 = 60 * 60;

/// `POST /datasets/{name}/versions/{version}/startPendingUpload`
pub async fn start_pending_upload(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
    Origin(origin): Origin,
    Json(request): Json<Fields>,
) -> Result<Response, ApiError> {
    check_name("name", &name)?;
    check_name("version", &version)?;
    let kind = request.get("pendingUploadType").and_then(Value::as_str).unwrap_or("BlobReference");
    if !matches!(kind, "BlobReference" | "TemporaryBlobReference") {
        return Err(ApiError::invalid(format!(
            "Invalid value: '{kind}'. Supported values are: 'BlobReference' and 'TemporaryBlobReference'."
        ))
        .code("invalid_value")
        .param("pendingUploadType"));
    }
    let container = ids::new("data-");
    let upload_id = request.get("pendingUploadId").and_then(Value::as_str).unwrap_or(&container).to_owned();
    let place = Place { project, name, version };
    storage::create_container(&service, &place, &container).await?;
    let address = container_address(&origin, &place.project, &container);
    Ok(answer(&json!({
        "blobReference": reference(&service, &place.project, &container, &address, "racwl", UPLOAD_TIME),
        "pendingUploadId": upload_id,
        "version": place.version,
        "pendingUploadType": kind,
    })))
}

/// `POST /datasets/{name}/versions/{version}/credentials`
pub async fn credentials(
    State(service): State<Service>,
    Project(project): Project,
    Ids([name, version]): Ids<2>,
) -> Result<Response, ApiError> {
    let place = Place { project, name, version };
    let record = DATASET.get(&service, &place).await?;
    let address = data_uri(&record).unwrap_or_default();
    let container = container_of(&place.project, &address).ok_or_else(|| {
        ApiError::invalid(format!(
            "The data of this version is at '{address}', which this service does not keep. \
             Use credentials of the store that does."
        ))
        .code("invalid_value")
    })?;
    let reference = reference(&service, &place.project, &container, &address, "rl", READ_TIME);
    Ok(answer(&json!({ "blobReference": reference })))
}

fn reference(
    service: &Service,
    project: &str,
    container: &str,
    address: &str,
    letters: &str,
    seconds: i64,
) -> Value {
    let until = service.clock().seconds() + seconds;
    let query = grant::sign(service.sealing(), Scope { project, container }, letters, until);
    json!({
        "blobUri": address,
        "storageAccountArmId": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cupola\
                                /providers/Microsoft.Storage/storageAccounts/cupola",
        "credential": { "type": "SAS", "sasUri": format!("{address}?{query}") },
    })
}

fn container_address(origin: &str, project: &str, container: &str) -> String {
    format!("{origin}{PREFIX}/{project}/{container}")
}

/// Where the data of a stored record is.
pub(super) fn data_uri(record: &[u8]) -> Option<String> {
    let fields: Fields = serde_json::from_slice(record).ok()?;
    fields.get("dataUri").and_then(Value::as_str).map(str::to_owned)
}

/// Takes the signature off an address of this project's data. Some clients record the address that they put
/// the data to; whoever reads the record could write there.
pub(super) fn remove_signature(project: &str, record: &mut Fields) {
    if let Some(Value::String(address)) = record.get_mut("dataUri")
        && container_of(project, address).is_some()
        && let Some(signature) = address.find('?')
    {
        address.truncate(signature);
    }
}

/// The container of an address, if it is one of this project's. The service may have had another name when
/// the address was written, so the host does not count.
pub(super) fn container_of(project: &str, address: &str) -> Option<String> {
    let path = address.split_once("://")?.1.split_once('/')?.1;
    let inside = path.strip_prefix(PREFIX.trim_start_matches('/'))?.strip_prefix('/')?;
    let container = inside.strip_prefix(project)?.strip_prefix('/')?.split(['/', '?']).next()?;
    (!container.is_empty()).then(|| container.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_found_in_addresses_of_the_same_project_alone() {
        let found = |address| container_of("demo", address);
        assert_eq!(found("https://old-host:1/blobs/demo/data-1/a/b.txt").as_deref(), Some("data-1"));
        assert_eq!(found("https://host/blobs/demo/data-1").as_deref(), Some("data-1"));
        assert_eq!(found("https://host/blobs/demolition/data-1"), None);
        assert_eq!(found("https://account.blob.core.windows.net/container/x"), None);
    }
}
