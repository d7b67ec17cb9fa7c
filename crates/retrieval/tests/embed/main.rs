//! Local models against the definition of what they compute, and against directories that are broken.
#![allow(clippy::unwrap_used, missing_docs)]

mod broken_directories;
mod cross_encoders;
mod definition;
mod fixture;
mod sentences;
