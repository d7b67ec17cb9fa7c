//! Data sources: what lies at an address of this service's storage or in one of its datasets.

use std::sync::Arc;

use cupola_engine::ids;
use cupola_wire::{
    classic::File,
    vector_stores::{AssetType, DataSource},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    ApiError, Service,
    datasets::{self, Blob},
};

/// The blobs of a data source; at least one.
pub async fn resolve(
    service: &Service,
    project: &Arc<str>,
    param: &str,
    source: &DataSource,
) -> Result<Vec<Blob>, ApiError> {
    if let AssetType::Other(word) = &source.kind {
        return Err(ApiError::invalid(format!(
            "Invalid value: '{word}'. Supported values are: 'uri_asset' and 'id_asset'."
        ))
        .code("invalid_value")
        .param(format!("{param}.type")));
    }
    let param = format!("{param}.uri");
    let wrong = |sentence: String| ApiError::invalid(sentence).code("invalid_value").param(&param);
    let address = match datasets::address_of(service, project, &source.uri).await {
        Ok(Some(address)) => address,
        Ok(None) => source.uri.clone(),
        Err(refusal) => return Err(refusal.param(&param)),
    };
    let blobs = datasets::blobs_at(service, project, &address).await?.ok_or_else(|| {
        wrong(format!(
            "The data source '{address}' is not kept by this service, and nothing is fetched from elsewhere. \
             Upload it as a file or as a dataset of this project, and name that."
        ))
    })?;
    if blobs.is_empty() {
        return Err(wrong(format!("There is nothing at '{address}'.")));
    }
    Ok(blobs)
}

/// A file of its own with what a blob holds. The file is no resource yet, but its bytes are kept.
pub async fn copy(service: &Service, blob: &Blob) -> Result<File, ApiError> {
    let id = ids::of_length("assistant-", 22);
    let blobs = Arc::clone(service.blobs());
    let parts: Vec<String> = blob.parts.iter().map(|part| part.id.clone()).collect();
    let bytes = stream::iter(parts)
        .then(move |part| {
            let blobs = Arc::clone(&blobs);
            async move {
                let found = blobs.get(&part).await.map_err(std::io::Error::other)?;
                found.ok_or_else(|| std::io::Error::other("a part of the data is gone"))
            }
        })
        .try_flatten();
    let written = service.blobs().put(&id, Box::pin(bytes)).await?;
    Ok(File {
        object: "file".to_owned(),
        id,
        purpose: "assistants".to_owned(),
        filename: blob.name.rsplit('/').next().unwrap_or(&blob.name).to_owned(),
        bytes: written,
        created_at: service.vector_stores().now(),
        expires_at: None,
        status: Some("processed".to_owned()),
        status_details: None,
        extra: cupola_wire::Extra::new(),
    })
}
