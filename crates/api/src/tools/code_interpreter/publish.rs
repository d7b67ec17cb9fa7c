//! Files that code has written become files of the project, for clients that know no others.

use std::sync::Arc;

use cupola_engine::ids;
use cupola_store::{Change, StoreError};
use cupola_wire::{Extra, classic::File};

use super::ran::{Ran, Written};
use crate::{body::document, classic, containers::Containers, containers::FileRecord};

/// What the wire calls the purpose of files that agents write.
const PURPOSE: &str = "assistants_output";

/// Makes files of the project of those that were written now.
pub async fn publish(
    containers: &Containers,
    project: &Arc<str>,
    written: &[FileRecord],
    ran: &mut Ran,
) -> Result<(), StoreError> {
    for file in written {
        let Some(bytes) = containers.blobs().get(&file.blob).await? else { continue };
        let id = ids::of_length("assistant-", 22);
        let length = containers.blobs().put(&id, bytes).await?;
        let published = File {
            object: "file".to_owned(),
            id: id.clone(),
            purpose: PURPOSE.to_owned(),
            filename: file.place(),
            bytes: length,
            created_at: containers.now(),
            expires_at: None,
            status: Some("processed".to_owned()),
            status_details: None,
            extra: Extra::new(),
        };
        let change = Change::Insert {
            key: classic::file_key(project, &id),
            parent: String::new(),
            facet: PURPOSE.to_owned(),
            created_at: published.created_at,
            doc: document(&published),
            aside: None,
        };
        if let Err(error) = containers.commit(vec![change]).await {
            containers.blobs().delete(&id).await?;
            return Err(error);
        }
        let is_it = |written: &&mut Written| written.file_id == file.id;
        for copy in ran.figures.iter_mut().chain(&mut ran.files).filter(is_it) {
            copy.published = Some(id.clone());
        }
    }
    Ok(())
}
