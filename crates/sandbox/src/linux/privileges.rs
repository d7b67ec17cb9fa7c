//! What a program is left with: its user, and nothing more.

use std::io;

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit},
    thread::{CapabilitySet, CapabilitySets},
};

use super::identity::User;

/// Open files a program may have, as Docker has it.
const OPEN_FILES: u64 = 65_536;

/// Limits that hold for each process.
pub(crate) fn limit(processes: Option<u32>) -> io::Result<()> {
    let exactly = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, exactly(0))?;
    setrlimit(Resource::Nofile, exactly(most_open_files()))?;
    if let Some(processes) = processes {
        setrlimit(Resource::Nproc, exactly(processes.into()))?;
    }
    // This service does without huge pages, which programs would inherit. Kernels may not have the switch.
    let _ = rustix::thread::disable_transparent_huge_pages(false);
    Ok(())
}

/// A process without privileges can't have more than it was given.
pub(crate) fn most_open_files() -> u64 {
    rustix::process::getrlimit(Resource::Nofile).maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES))
}

/// Becomes this user, for good.
pub(crate) fn become_user(user: &User, with_groups: bool) -> io::Result<()> {
    if with_groups {
        rustix::thread::set_thread_groups(&user.groups())?;
    }
    rustix::thread::set_thread_res_gid(user.gid(), user.gid(), user.gid())?;
    rustix::thread::set_thread_res_uid(user.uid(), user.uid(), user.uid())?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    Ok(())
}

/// Gives up every capability, and the ways to get one back.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..u64::BITS {
        match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(
            1 << number,
        )) {
            // Beyond the last one that this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            // Who has no capabilities may not change the set either. It only matters to programs that would
            // gain some when they are executed, and there are none after `no_new_privs`.
            Err(rustix::io::Errno::PERM) => break,
            done => done?,
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?;
    Ok(())
}
