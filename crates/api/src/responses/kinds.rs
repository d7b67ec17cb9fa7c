//! The kinds of resource of responses.

use cupola_store::Kind;

use crate::{ApiError, conversations::ITEM, storage};

/// A response, under its id. The items that it was asked with are put aside with it.
pub const RESPONSE: Kind =
    Kind::named("response").owning(&[ITEM, storage::OWNER, storage::CALL]).with_turns();

/// The 404 of a response.
pub fn not_found(id: &str) -> ApiError {
    if storage::is_hosted(id) {
        return ApiError::missing("Response", id);
    }
    ApiError::not_found(format!("Response with id '{id}' not found.")).code("not_found")
}
