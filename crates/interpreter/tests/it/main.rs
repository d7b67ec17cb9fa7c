//! Interpreters from outside, with real Python in real cages.
//!
//! They need Linux, root or user namespaces, and Python. The environment is made where it is missing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod code;
mod escapes;
mod place;
mod pool;

/// A sandbox is this same program, started again. The test harness has its own `main`, so this comes before
/// it.
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
