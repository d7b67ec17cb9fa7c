//! Lists: which page is asked for, and the page as it is sent.

use axum::{extract::FromRequestParts, http::request::Parts, response::Response};
use cupola_store::{Kind, Listing, Order, Slice};
use percent_encoding::percent_decode_str;

use crate::{ApiError, Service, body::json};

const DEFAULT_LIMIT: usize = 20;
const MOST: usize = 100;

/// The query of a list. Parameters that this service does not know are ignored: every client sends
/// some `api-version`, and any is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// How many at most.
    pub limit: usize,
    /// Oldest or newest first.
    pub order: Order,
    /// Only what comes after this id.
    pub after: Option<String>,
    /// Only what comes before this id.
    pub before: Option<String>,
    /// Only what this run wrote.
    pub run_id: Option<String>,
    /// Only files of this purpose.
    pub purpose: Option<String>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            order: Order::Desc,
            after: None,
            before: None,
            run_id: None,
            purpose: None,
        }
    }
}

impl FromRequestParts<Service> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl ListQuery {
    /// The part that is asked for of the objects of a kind below a parent.
    pub fn of<'a>(&'a self, project: &'a str, kind: Kind, parent: &'a str) -> Listing<'a> {
        Listing {
            project,
            kind,
            parent,
            facet: None,
            order: self.order,
            after: self.after.as_deref(),
            before: self.before.as_deref(),
            limit: self.limit,
        }
    }

    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            if value.is_empty() {
                continue;
            }
            match name {
                "limit" => parsed.limit = limit(&value)?,
                "order" => parsed.order = order(&value)?,
                "after" => parsed.after = Some(value.into_owned()),
                "before" => parsed.before = Some(value.into_owned()),
                "run_id" => parsed.run_id = Some(value.into_owned()),
                "purpose" => parsed.purpose = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(parsed)
    }
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let wrong = |code, sentence: String| ApiError::invalid(sentence).code(code).param("limit");
    match value.parse::<i64>() {
        Ok(limit) if limit < 1 => Err(wrong(
            "integer_below_min_value",
            format!(
                "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {limit} instead."
            ),
        )),
        Ok(limit) if limit > MOST as i64 => Err(wrong(
            "integer_above_max_value",
            format!(
                "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got {limit} instead."
            ),
        )),
        Ok(limit) => Ok(limit as usize),
        Err(_) => Err(wrong(
            "invalid_type",
            format!("Invalid type for 'limit': expected an integer, but got '{value}' instead."),
        )),
    }
}

fn order(value: &str) -> Result<Order, ApiError> {
    match value {
        "asc" => Ok(Order::Asc),
        "desc" => Ok(Order::Desc),
        _ => Err(ApiError::invalid(format!(
            "Invalid value: '{value}'. Supported values are: 'asc' and 'desc'."
        ))
        .code("invalid_value")
        .param("order")),
    }
}

/// A page as it is sent. Documents are stored in the form in which they are sent, so they are copied, not
/// read. The page after the end has null ids: clients that ignore `has_more` stop there.
pub fn page(slice: &Slice) -> Response {
    let size = slice.items.iter().map(|item| item.doc.len() + 1).sum::<usize>();
    let mut page = Vec::with_capacity(size + 160);
    page.extend_from_slice(br#"{"object":"list","data":["#);
    for (index, item) in slice.items.iter().enumerate() {
        if index > 0 {
            page.push(b',');
        }
        page.extend_from_slice(&item.doc);
    }
    page.extend_from_slice(br#"],"first_id":"#);
    push_id(&mut page, slice.items.first().map(|item| item.id.as_str()));
    page.extend_from_slice(br#","last_id":"#);
    push_id(&mut page, slice.items.last().map(|item| item.id.as_str()));
    page.extend_from_slice(br#","has_more":"#);
    page.extend_from_slice(if slice.has_more { b"true}" } else { b"false}" });
    json(page)
}

/// Ids are made by this service of letters, digits, `-` and `_`: nothing in them needs escaping.
fn push_id(page: &mut Vec<u8>, id: Option<&str>) {
    match id {
        Some(id) => {
            page.push(b'"');
            page.extend_from_slice(id.as_bytes());
            page.push(b'"');
        }
        None => page.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_with_its_escapes_and_unknown_parameters_are_ignored() {
        let query = ListQuery::parse("api-version=latest&limit=3&order=asc&after=msg%5F1&include%5B%5D=x")
            .expect("is accepted");
        assert_eq!((query.limit, query.order, query.after.as_deref()), (3, Order::Asc, Some("msg_1")));
    }

    #[test]
    fn a_limit_out_of_range_is_refused_with_the_range() {
        for (limit, code) in
            [("0", "integer_below_min_value"), ("101", "integer_above_max_value"), ("many", "invalid_type")]
        {
            let error = ListQuery::parse(&format!("limit={limit}")).expect_err("is refused");
            assert_eq!(error.detail().code.as_deref(), Some(code));
            assert_eq!(error.detail().param.as_deref(), Some("limit"));
        }
    }
}
