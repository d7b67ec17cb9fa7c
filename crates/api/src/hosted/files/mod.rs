//! Files of sessions: what lies in the home of a session, read and written from outside of its sandbox.
//!
//! The program in the sandbox may change the home at any moment, and may mean harm. So every path is resolved
//! by the kernel below a handle of the home, and nothing is looked at first and used later.

mod handlers;
mod home;
mod page;
mod path;
mod removal;
mod upload;
mod way;

pub use handlers::{delete, download, list, make_folder, stat, upload};
pub use removal::{UNCLAIMED, remove_folder, sweep};
