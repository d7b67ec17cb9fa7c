//! OpenAPI documents (3.0 and 3.1): which operations they describe, as functions for a model, and the requests
//! that carry them out. Documents are walked as they are: many that are in use fit no strict type.

mod answer;
mod credentials;
mod document;
mod fit;
mod operation;
mod parameter;
mod pointer;
mod request;
mod schema;
mod server;

pub use answer::{Told, told};
pub use credentials::Credential;
pub use document::{Document, Flaw};
pub use fit::Unfit;
pub use operation::Operation;
pub use request::NotSent;
