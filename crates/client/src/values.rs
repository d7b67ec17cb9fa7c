//! Lists in the form of Azure's own areas: `value`, and a link to the next page.

use std::sync::Arc;

use azure_core::http::Url;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Error, ItemStream, Result,
    service::{Query, Service},
};

/// One page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Values<T> {
    value: Vec<T>,
    #[serde(default)]
    next_link: Option<String>,
}

/// Where the next page is.
enum Next {
    First(Vec<String>, Query),
    Link(Url),
}

/// All objects of a list; the next page is asked for when it is needed.
pub(crate) fn values<T: DeserializeOwned + Send + 'static>(
    service: &Arc<Service>,
    path: &[&str],
    query: Query,
) -> ItemStream<T> {
    let first = Next::First(path.iter().map(|segment| (*segment).to_owned()).collect(), query);
    let service = service.clone();
    stream::try_unfold(Some(first), move |next| step(service.clone(), next)).try_flatten().boxed()
}

type Step<T> = (stream::Iter<std::vec::IntoIter<Result<T>>>, Option<Next>);

async fn step<T: DeserializeOwned>(service: Arc<Service>, next: Option<Next>) -> Result<Option<Step<T>>> {
    let Some(next) = next else { return Ok(None) };
    let page: Values<T> = match &next {
        Next::First(path, query) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            service.get(&path, query.clone()).await?
        }
        Next::Link(url) => service.get_url(url.clone()).await?,
    };
    let link = page.next_link.filter(|link| !link.is_empty());
    let following = link.map(|link| parse_link(&service.endpoint, &next, &link)).transpose()?;
    let items: Vec<_> = page.value.into_iter().map(Ok).collect();
    Ok(Some((stream::iter(items), following)))
}

/// The link to the next page. The credential goes with it, so it has to lead to the same service.
fn parse_link(endpoint: &Url, current: &Next, link: &str) -> Result<Next> {
    let wrong = |why: &str| Error::Decode { path: "nextLink".to_owned(), message: format!("{link:?} {why}") };
    let url = endpoint.join(link).map_err(|_| wrong("is not a URL"))?;
    if url.origin() != endpoint.origin() {
        return Err(wrong("leads to another service"));
    }
    if matches!(current, Next::Link(current) if *current == url) {
        return Err(wrong("leads to itself: the list has no end"));
    }
    Ok(Next::Link(url))
}
