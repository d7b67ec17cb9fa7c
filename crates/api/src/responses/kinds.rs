//! The kinds of resource of responses.

use cupola_store::Kind;

use crate::ApiError;

/// A response, under its id.
pub const RESPONSE: Kind = Kind("response");
/// The items that a response was asked with, under the response's id.
pub const INPUT: Kind = Kind("response_input");

/// The 404 of a response.
pub fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("Response with id '{id}' not found.")).code("not_found")
}
