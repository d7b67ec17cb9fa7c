//! The items of one conversation.

use std::sync::Arc;

use cupola_wire::{
    classic::{ListQuery, Page},
    conversations::Conversation,
    responses::Item,
};
use serde_json::json;

use crate::{
    ItemStream, Result,
    list::List,
    service::{Query, Service},
};

/// The items of one conversation.
#[derive(Clone, Debug)]
pub struct Items {
    service: Arc<Service>,
    conversation_id: String,
}

/// Which items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemQuery {
    /// Only those of this type, for example `message`.
    pub item_type: Option<String>,
    /// What is shown that is left out otherwise, for example `file_search_call.results`.
    pub include: Vec<String>,
    /// Which page.
    pub page: ListQuery,
}

impl From<ListQuery> for ItemQuery {
    fn from(page: ListQuery) -> Self {
        Self { page, ..Self::default() }
    }
}

impl Items {
    pub(crate) fn new(service: Arc<Service>, conversation_id: String) -> Self {
        Self { service, conversation_id }
    }

    /// Adds items, oldest first; at most twenty at once.
    pub async fn create(&self, items: &[Item]) -> Result<Page<Item>> {
        self.service.post(&self.path(), &json!({ "items": items })).await
    }

    /// One item.
    pub async fn get(&self, item_id: &str) -> Result<Item> {
        self.service.get(&self.one(item_id), Query::new()).await
    }

    /// The items that the query asks for; newest first, where it does not say otherwise.
    pub fn list(&self, query: impl Into<ItemQuery>) -> ItemStream<Item> {
        let query = query.into();
        self.all(&query).items(query.page)
    }

    /// One page of the items.
    pub async fn list_page(&self, query: &ItemQuery) -> Result<Page<Item>> {
        self.all(query).page(&query.page).await
    }

    /// Deletes an item; the conversation stays.
    pub async fn delete(&self, item_id: &str) -> Result<Conversation> {
        self.service.delete(&self.one(item_id)).await
    }

    fn path(&self) -> [&str; 3] {
        ["conversations", &self.conversation_id, "items"]
    }

    fn one<'a>(&'a self, item_id: &'a str) -> [&'a str; 4] {
        ["conversations", &self.conversation_id, "items", item_id]
    }

    fn all(&self, query: &ItemQuery) -> List {
        List::new(&self.service, &self.path())
            .filtered("item_type", query.item_type.clone())
            .including(&query.include)
    }
}
