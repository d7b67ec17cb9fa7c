//! Sandboxes from the inside, with a real kernel.
//!
//! They need Linux, root or user namespaces, and busybox as a static program.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod cage;
mod file_system;
mod hermit;
mod life;
mod limits;
mod network;
mod oci;
mod root;
mod rootless;
mod shared;

/// A sandbox is this same program, started again. The test harness has its own `main`, so this comes before
/// it.
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions of this type, which the C runtime calls one by one.
#[unsafe(link_section = ".init_array")]
#[used]
static ENTER: extern "C" fn() = {
    extern "C" fn enter() {
        cupola_sandbox::enter_if_asked();
        hermit::try_if_asked();
    }
    enter
};
