//! Compaction items: a summary of what was said before, which clients carry around without being able to
//! read it or to write one themselves.

use cupola_identity::SealingKey;
use serde_json::{Value, json};

use super::{
    Item,
    content::{missing, wrong_type},
};
use crate::ApiError;

/// The type of these items.
pub const COMPACTION: &str = "compaction";

/// For whom summaries are sealed. No connection has such a name: those have a slash.
fn owner(project: &str) -> String {
    format!("compaction of {project}")
}

/// An item that holds this summary, for this project alone.
pub fn item(key: &SealingKey, project: &str, id: &str, summary: &str) -> Result<Value, ApiError> {
    let sealed = key
        .seal(&owner(project), summary)
        .map_err(|error| ApiError::internal("sealing the summary of a conversation", error))?;
    Ok(json!({"type": COMPACTION, "id": id, "encrypted_content": sealed}))
}

/// The summary in an item; nothing if the item was not made here for this project.
pub fn summary(key: &SealingKey, project: &str, item: &Item) -> Option<String> {
    let sealed = item.get("encrypted_content").and_then(Value::as_str)?;
    let opened = key.unseal(&owner(project), sealed).ok()?;
    Some(opened.expose().to_owned())
}

/// Refuses compaction items that were not made here for this project. `param` is where the items stand.
pub fn check(key: &SealingKey, project: &str, param: &str, items: &[Item]) -> Result<(), ApiError> {
    for (index, item) in items.iter().enumerate() {
        if item.get("type").and_then(Value::as_str) != Some(COMPACTION) {
            continue;
        }
        let param = format!("{param}[{index}].encrypted_content");
        match item.get("encrypted_content") {
            None => return Err(missing(&param)),
            Some(Value::String(_)) => {}
            Some(_) => return Err(wrong_type(&param, "a string")),
        }
        if summary(key, project, item).is_none() {
            let message = format!(
                "The encrypted content of the item '{param}' could not be verified: it was not made by this \
                 service for this project, or it was changed. Compact the conversation again."
            );
            return Err(ApiError::invalid(message).code("invalid_encrypted_content").param(param));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sealed(key: &SealingKey) -> Item {
        item(key, "demo", "cmp_1", "They want tea.").unwrap().as_object().cloned().unwrap()
    }

    #[test]
    fn a_summary_is_read_where_it_was_made_and_nowhere_else() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealingKey::open(here.path()).unwrap();
        let item = sealed(&key);
        assert_eq!(summary(&key, "demo", &item).as_deref(), Some("They want tea."));
        assert_eq!(summary(&key, "other", &item), None);
        assert_eq!(summary(&SealingKey::open(elsewhere.path()).unwrap(), "demo", &item), None);
        assert!(!item["encrypted_content"].to_string().contains("tea"));
    }

    #[test]
    fn an_item_that_was_not_made_here_is_named() {
        let home = tempfile::tempdir().unwrap();
        let key = SealingKey::open(home.path()).unwrap();
        let mut forged = sealed(&key);
        forged.insert("encrypted_content".to_owned(), json!("They want coffee."));
        let refused = check(&key, "demo", "input", &[sealed(&key), forged]).unwrap_err();
        assert_eq!(refused.detail().param.as_deref(), Some("input[1].encrypted_content"));
        assert_eq!(refused.detail().code.as_deref(), Some("invalid_encrypted_content"));
        assert!(check(&key, "demo", "input", &[sealed(&key)]).is_ok());
    }
}
