//! Containers: where code of the service runs. Resources say which there are and which files they hold; an
//! interpreter is started when code is to run, and ends with its container, or when others need its place.

mod alive;
mod carrying;
mod creation;
mod expiry;
mod fault;
mod files;
mod handle;
mod intake;
mod kinds;
mod operations;
mod record;
mod running;

pub use fault::ContainerFault;
pub(crate) use files::{
    content as get_content, create as create_file, delete as delete_file, get as get_file, list as list_files,
};
pub use handle::{Containers, ContainersParts, ContainersSettings};
pub(crate) use operations::{create, delete, get, list};
pub use record::{FileRecord, memory as memory_of};
pub use running::{Code, CodeRan};
