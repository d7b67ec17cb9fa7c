//! Lists: one page, or everything as a stream that asks for the next page when it needs it.

use std::sync::Arc;

use cupola_wire::classic::{ListQuery, Order, Page};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use serde::de::DeserializeOwned;

use crate::{
    Error, Result,
    service::{Query, Service},
};

/// The objects of a list, page after page.
pub type ItemStream<T> = BoxStream<'static, Result<T>>;

/// A list of the service: where it is, and what it is narrowed to.
#[derive(Clone)]
pub(crate) struct List {
    service: Arc<Service>,
    path: Vec<String>,
    filter: Query,
}

impl List {
    pub(crate) fn new(service: &Arc<Service>, path: &[&str]) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { service: service.clone(), path, filter: Query::new() }
    }

    /// Narrows the list.
    pub(crate) fn filtered(mut self, name: &'static str, value: Option<String>) -> Self {
        self.filter.extend(value.map(|value| (name, value)));
        self
    }

    /// Shows what is left out otherwise.
    pub(crate) fn including(mut self, words: &[String]) -> Self {
        self.filter.extend(words.iter().map(|word| ("include[]", word.clone())));
        self
    }

    /// One page.
    pub(crate) async fn page<T: DeserializeOwned>(&self, query: &ListQuery) -> Result<Page<T>> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let mut pairs = self.filter.clone();
        pairs.extend(query_pairs(query));
        self.service.get(&path, pairs).await
    }

    /// All objects from `query` on.
    pub(crate) fn items<T: DeserializeOwned + Send + 'static>(self, query: ListQuery) -> ItemStream<T> {
        stream::try_unfold(Some(query), move |query| self.clone().step(query)).try_flatten().boxed()
    }

    /// The items of the page that `query` asks for, and the query after it.
    async fn step<T: DeserializeOwned>(self, query: Option<ListQuery>) -> Result<Option<Step<T>>> {
        let Some(query) = query else { return Ok(None) };
        let page = self.page::<T>(&query).await?;
        let next = following(&query, &page)?;
        let items: Vec<_> = page.data.into_iter().map(Ok).collect();
        Ok(Some((stream::iter(items), next)))
    }
}

/// The items of one page, and the query of the next one.
type Step<T> = (stream::Iter<std::vec::IntoIter<Result<T>>>, Option<ListQuery>);

/// The query of the page after `page`, if there is one.
fn following<T>(query: &ListQuery, page: &Page<T>) -> Result<Option<ListQuery>> {
    let Some(last) = page.last_id.as_ref().filter(|_| page.has_more && !page.data.is_empty()) else {
        return Ok(None);
    };
    if query.after.as_ref() == Some(last) {
        let message = format!("the page after `{last}` ends with `{last}` again: the list has no end");
        return Err(Error::Decode { path: "last_id".to_owned(), message });
    }
    Ok(Some(ListQuery { after: Some(last.clone()), ..query.clone() }))
}

fn query_pairs(query: &ListQuery) -> Query {
    let order = query.order.map(|order| match order {
        Order::Asc => "asc".to_owned(),
        Order::Desc => "desc".to_owned(),
    });
    [
        ("limit", query.limit.map(|limit| limit.to_string())),
        ("order", order),
        ("after", query.after.clone()),
        ("before", query.before.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .collect()
}
