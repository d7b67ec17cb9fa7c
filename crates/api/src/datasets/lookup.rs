//! What lies where, for other parts of this service.

use std::sync::Arc;

use super::{
    handlers::DATASET,
    storage::{Blob, Shelf},
    uploads,
};
use crate::{ApiError, Service, assets::Place};

/// The address of a dataset's data, from the dataset's id (`azureai://…/data/NAME/versions/VERSION`). Nothing where
/// the text is no such id.
pub async fn address_of(service: &Service, project: &Arc<str>, id: &str) -> Result<Option<String>, ApiError> {
    let Some((name, version)) = name_and_version(project, id) else { return Ok(None) };
    let place = Place { project: Arc::clone(project), name: name.to_owned(), version: version.to_owned() };
    let record = DATASET.get(service, &place).await?;
    Ok(Some(uploads::data_uri(&record).unwrap_or_default()))
}

fn name_and_version<'i>(project: &str, id: &'i str) -> Option<(&'i str, &'i str)> {
    let (scheme, path) = id.split_once("://")?;
    if !matches!(scheme, "azureai" | "azureml") {
        return None;
    }
    let mut segments = path.rsplit('/');
    let (version, versions, name, collection) =
        (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
    let before: Vec<&str> = segments.collect();
    // The segments stand in reverse: the name of a project before its collection.
    let other_project = before.windows(2).any(|pair| pair[1] == "projects" && pair[0] != project);
    let is_dataset = versions == "versions" && matches!(collection, "data" | "datasets");
    (is_dataset && !other_project).then_some((name, version))
}

/// The blobs at an address of this project's storage: one, or all of a folder, by name. Nothing where the address is
/// elsewhere.
pub async fn blobs_at(
    service: &Service,
    project: &Arc<str>,
    address: &str,
) -> Result<Option<Vec<Blob>>, ApiError> {
    let Some(container) = uploads::container_of(project, address) else { return Ok(None) };
    let inside = address.split('?').next().unwrap_or(address);
    let name = inside.split_once(&format!("/{container}")).map_or("", |(_, name)| name);
    let name = percent_encoding::percent_decode_str(name.trim_matches('/')).decode_utf8_lossy();
    let shelf = Shelf { project: Arc::clone(project), container };
    if !name.is_empty()
        && let Some(blob) = shelf.blob(service, &name).await?
    {
        return Ok(Some(vec![blob]));
    }
    let folder = if name.is_empty() { String::new() } else { format!("{name}/") };
    let mut blobs = shelf.blobs(service).await?;
    blobs.retain(|blob| blob.name.starts_with(&folder));
    Ok(Some(blobs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_found_by_its_id_in_the_same_project_alone() {
        let found = |id| name_and_version("demo", id);
        let id = "azureai://accounts/cupola/projects/demo/data/books/versions/2";
        assert_eq!(found(id), Some(("books", "2")));
        assert_eq!(found("azureml://locations/eu/workspaces/w/data/books/versions/2"), Some(("books", "2")));
        assert_eq!(found("azureai://accounts/cupola/projects/other/data/books/versions/2"), None);
        assert_eq!(found("azureai://accounts/cupola/projects/demo/indexes/books/versions/2"), None);
        assert_eq!(found("https://host/blobs/demo/data-1/data/books/versions/2"), None);
    }
}
