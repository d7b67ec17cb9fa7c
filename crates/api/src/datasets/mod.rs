//! Datasets: versioned records of data, and the place where clients put that data.
//!
//! A client asks for a pending upload, gets the address of a fresh container with a signature in it, puts
//! its files there with the Azure Blob client, and records what it put. The blob endpoint speaks the part of
//! Azure Blob that this takes. Everything is kept here: uploads ignore `connectionName`.

mod blob_endpoint;
mod blob_errors;
mod blob_list;
mod grant;
mod handlers;
mod lookup;
mod receive;
mod storage;
mod uploads;

pub use blob_endpoint::routes;
pub use handlers::{delete, get, list, list_versions, patch};
pub use lookup::{address_of, blobs_at};
pub use storage::Blob;
pub use uploads::{credentials, start_pending_upload};
