//! Sandboxes without a daemon. They need Linux and busybox as a static program.

mod code;
mod image;
mod root;
mod sweep;
