//! What providers find, each in its own words.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{Kind, Query};

/// The longest excerpt that is kept of a page, in bytes.
const LONGEST_EXCERPT: usize = 2_000;

/// A page that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What stands there, in short.
    pub excerpt: String,
    /// When it was published, as the provider writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// The pages of an answer that the query admits; nothing where it is not the answer of such a provider.
pub(super) fn read(kind: Kind, answer: &Value, query: &Query) -> Option<Vec<Page>> {
    let (list, names) = match kind {
        Kind::Searxng => (answer.get("results"), ("title", "content", "publishedDate")),
        Kind::Brave => (answer.pointer("/web/results"), ("title", "description", "page_age")),
        Kind::Bing => (answer.pointer("/webPages/value"), ("name", "snippet", "datePublished")),
    };
    let list = match (list, answer) {
        (Some(Value::Array(list)), _) => list.as_slice(),
        // Both leave the list out where nothing was found.
        (None, Value::Object(_)) if kind != Kind::Searxng => &[],
        _ => return None,
    };
    let (title, excerpt, published) = names;
    let pages = list.iter().filter_map(|found| {
        let text = |field: &str| found.get(field).and_then(Value::as_str).map(plain);
        let url = Url::parse(found.get("url")?.as_str()?).ok()?;
        let is_page = ["http", "https"].contains(&url.scheme()) && query.admits(&url);
        is_page.then(|| Page {
            url: url.into(),
            title: text(title).unwrap_or_default(),
            excerpt: shortened(text(excerpt).unwrap_or_default()),
            published: text(published).filter(|date| !date.is_empty()),
        })
    });
    let mut distinct: Vec<Page> = Vec::new();
    for page in pages {
        if !distinct.iter().any(|other| other.url == page.url) {
            distinct.push(page);
        }
    }
    distinct.truncate(query.limit);
    Some(distinct)
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_EXCERPT));
    text
}

/// A text without the tags and entities with which some providers mark what fits, in one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        match tag.split_once('>').filter(|_| is_tag) {
            Some((_, after)) => rest = after,
            None => {
                plain.push('<');
                rest = tag;
            }
        }
    }
    plain.push_str(rest);
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")]
    {
        plain = plain.replace(entity, character);
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn found(kind: Kind, answer: Value) -> Vec<Page> {
        let query = Query { limit: 2, domains: vec!["a.example".into()], ..Query::default() };
        read(kind, &answer, &query).unwrap()
    }

    #[test]
    fn every_provider_is_read_in_its_own_words() {
        let page = Page {
            url: "https://a.example/x".into(),
            title: "Boats".into(),
            excerpt: "They float & sink, if 1 < 2.".into(),
            published: Some("2026-01-02".into()),
        };
        let url = "https://a.example/x";
        let one = json!({"url": url, "title": "Boats", "content": "They float &amp; sink, if 1 < 2.", "publishedDate": "2026-01-02"});
        assert_eq!(found(Kind::Searxng, json!({"results": [one]})), std::slice::from_ref(&page));
        let one = json!({"url": url, "title": "Boats", "description": "They <strong>float</strong> &amp;\nsink, if 1 &lt; 2.", "page_age": "2026-01-02"});
        assert_eq!(found(Kind::Brave, json!({"web": {"results": [one]}})), std::slice::from_ref(&page));
        let one = json!({"url": url, "name": "Boats", "snippet": "They float & sink, if 1 < 2.", "datePublished": "2026-01-02"});
        assert_eq!(found(Kind::Bing, json!({"webPages": {"value": [one]}})), [page]);
    }

    #[test]
    fn pages_elsewhere_pages_that_are_none_and_pages_again_are_left_out() {
        let results = json!([
            {"url": "https://b.example/"}, {"url": "javascript:alert(1)"}, {"url": 7}, {},
            {"url": "https://a.example/1"}, {"url": "https://a.example/1"}, {"url": "https://a.example/2"},
            {"url": "https://a.example/3"},
        ]);
        let urls: Vec<_> =
            found(Kind::Searxng, json!({"results": results})).into_iter().map(|page| page.url).collect();
        assert_eq!(urls, ["https://a.example/1", "https://a.example/2"]);
    }

    #[test]
    fn an_answer_of_something_else_is_told_from_one_without_pages() {
        let query = Query::default();
        assert_eq!(read(Kind::Bing, &json!({"_type": "SearchResponse"}), &query), Some(Vec::new()));
        assert_eq!(read(Kind::Searxng, &json!({"results": []}), &query), Some(Vec::new()));
        assert_eq!(read(Kind::Searxng, &json!({"message": "hello"}), &query), None);
        assert_eq!(read(Kind::Brave, &json!([]), &query), None);
    }
}
