//! The crate through its public face.
#![allow(clippy::unwrap_used)]

mod docker;
mod fleet;
#[cfg(target_os = "linux")]
mod oci;
mod process;
mod runtime_suite;

/// A sandbox is this same program, started again. The test harness has its own `main`, so this comes before it.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions of this type, which the C runtime calls one by one.
#[unsafe(link_section = ".init_array")]
#[used]
static ENTER: extern "C" fn() = {
    extern "C" fn enter() {
        cupola_sandbox::enter_if_asked();
    }
    enter
};
