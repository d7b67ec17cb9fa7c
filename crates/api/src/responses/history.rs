//! The items before a response, read page by page from the newest on: those of its conversation, or those of
//! the responses before it.

use std::sync::Arc;

use cupola_store::{Key, Listing, Order, SharedStore, StoreError};
use serde_json::Value;

use super::kinds::RESPONSE;
use crate::{conversations::ITEM, items::Item};

/// Items that are read at once.
const PAGE: usize = 50;

/// The most items that are read in a row where a reader needs all of them.
pub const MOST_ITEMS: usize = 1000;

/// Where reading goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a response and those before it.
    Response(String),
    /// In a conversation, at its newest item or behind one.
    Conversation {
        /// Its id.
        id: String,
        /// The item that was read last.
        after: Option<String>,
    },
}

impl Place {
    /// Right before a response.
    pub fn before(response: &Value) -> Option<Self> {
        if let Some(id) = response["conversation"]["id"].as_str() {
            return Some(Self::Conversation { id: id.to_owned(), after: None });
        }
        response["previous_response_id"].as_str().map(|id| Self::Response(id.to_owned()))
    }

    /// The place as a cursor.
    pub fn cursor(&self) -> String {
        match self {
            Self::Response(id) => format!("response {id}"),
            Self::Conversation { id, after: None } => format!("conversation {id}"),
            Self::Conversation { id, after: Some(after) } => format!("conversation {id} {after}"),
        }
    }

    /// The place of a cursor.
    pub fn of(cursor: &str) -> Option<Self> {
        let mut words = cursor.split(' ').map(str::to_owned);
        match (words.next()?.as_str(), words.next()?, words.next()) {
            ("response", id, None) => Some(Self::Response(id)),
            ("conversation", id, after) => Some(Self::Conversation { id, after }),
            _ => None,
        }
    }
}

/// Some items, newest first, and where the next ones are.
#[derive(Debug, Default)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Where the older ones begin.
    pub next: Option<Place>,
}

/// Reads what was before.
#[derive(Clone)]
pub struct History {
    store: SharedStore,
}

impl History {
    /// A reader of this store.
    pub fn new(store: SharedStore) -> Self {
        Self { store }
    }

    /// The items from a place on.
    pub async fn page(&self, project: &Arc<str>, place: Place) -> Result<Page, StoreError> {
        let mut page = Page { items: Vec::new(), next: Some(place) };
        while page.items.len() < PAGE
            && let Some(place) = page.next.take()
        {
            let more = match place {
                Place::Response(id) => self.response(project, id).await?,
                Place::Conversation { id, after } => self.conversation(project, id, after).await?,
            };
            page.items.extend(more.items);
            page.next = more.next;
        }
        Ok(page)
    }

    /// All items from a place on, as far as a reader goes who needs all of them.
    pub async fn all(&self, project: &Arc<str>, place: Option<Place>) -> Result<Vec<Item>, StoreError> {
        let mut page = Page { items: Vec::new(), next: place };
        while page.items.len() < MOST_ITEMS
            && let Some(place) = page.next.take()
        {
            let more = self.page(project, place).await?;
            page.items.extend(more.items);
            page.next = more.next;
        }
        Ok(page.items)
    }

    /// What a response was asked with, oldest first.
    pub async fn input(&self, project: &Arc<str>, response: &str) -> Result<Vec<Item>, StoreError> {
        let key = Key::new(project, RESPONSE, response);
        match self.store.aside(&key).await? {
            Some(input) => read(&key, &input),
            None => Ok(Vec::new()),
        }
    }

    async fn response(&self, project: &Arc<str>, id: String) -> Result<Page, StoreError> {
        let key = Key::new(project, RESPONSE, id.as_str());
        // A response that was deleted takes what was before it along.
        let Some(resource) = self.store.get(&key).await? else { return Ok(Page::default()) };
        let response: Value = read(&key, &resource.doc)?;
        let next = Place::before(&response);
        let has_ended = !matches!(response["status"].as_str(), Some("queued" | "in_progress"));
        if has_ended && matches!(next, Some(Place::Conversation { .. })) {
            // A conversation has the items of its turns that have ended.
            return Ok(Page { items: Vec::new(), next });
        }
        let mut items = self.input(project, &id).await?;
        let output = response["output"].as_array().into_iter().flatten();
        items.extend(output.filter_map(|item| item.as_object().cloned()));
        items.reverse();
        Ok(Page { items, next })
    }

    async fn conversation(
        &self,
        project: &Arc<str>,
        id: String,
        after: Option<String>,
    ) -> Result<Page, StoreError> {
        let slice = self
            .store
            .list(Listing {
                project,
                kind: ITEM,
                parent: &id,
                facet: None,
                order: Order::Desc,
                after: after.as_deref(),
                before: None,
                limit: PAGE,
            })
            .await?;
        let last = slice.items.last().filter(|_| slice.has_more).map(|item| item.id.clone());
        let next = last.map(|last| Place::Conversation { id, after: Some(last) });
        let items = slice.items.iter();
        let items = items.map(|item| read(&Key::new(project, ITEM, item.id.as_str()), &item.doc));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next })
    }
}

/// A stored document.
pub fn read<T: serde::de::DeserializeOwned>(key: &Key, doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Backend(format!("{key} is damaged: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let after = Some("msg_1".to_owned());
        for place in [
            Place::Response("resp_1".to_owned()),
            Place::Conversation { id: "conv_1".to_owned(), after: None },
            Place::Conversation { id: "conv_1".to_owned(), after },
        ] {
            assert_eq!(Place::of(&place.cursor()).unwrap(), place);
        }
    }

    #[test]
    fn what_is_no_cursor_is_no_place() {
        for text in ["", "response", "elsewhere x", "response a b"] {
            assert_eq!(Place::of(text), None, "{text}");
        }
    }

    #[test]
    fn a_response_follows_its_conversation_rather_than_another_response() {
        let response = json!({"conversation": {"id": "conv_1"}, "previous_response_id": "resp_1"});
        assert!(matches!(Place::before(&response), Some(Place::Conversation { .. })));
        assert_eq!(Place::before(&json!({"conversation": null, "previous_response_id": null})), None);
    }
}
