//! The list of files in OpenAI's form: in pages, where the classic list is whole. All else is the same.

use axum::{extract::State, response::Response};
use cupola_store::{Listing, Order};

use crate::{ApiError, Service, classic::FILE, listing::page, path::Project, values::Parameters};

/// The most files in one page, and how many there are unless the client says so.
const MOST: usize = 10_000;

/// `GET /files`
pub async fn list(
    State(service): State<Service>,
    Project(project): Project,
    query: Parameters,
) -> Result<Response, ApiError> {
    let limit = match query.get("limit") {
        None => MOST,
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            ApiError::invalid(format!("Invalid 'limit': expected an integer from 1 to {MOST}."))
                .code("invalid_value")
                .param("limit")
        })?,
    };
    let order = match query.get("order") {
        None | Some("desc") => Order::Desc,
        Some("asc") => Order::Asc,
        Some(_) => {
            let sentence = "Invalid value. Supported values are: 'asc' and 'desc'.";
            return Err(ApiError::invalid(sentence).code("invalid_value").param("order"));
        }
    };
    let listing = Listing {
        project: &project,
        kind: FILE,
        parent: "",
        facet: query.get("purpose"),
        order,
        after: query.get("after"),
        before: query.get("before"),
        limit,
    };
    Ok(page(&service.store().list(listing).await?))
}
