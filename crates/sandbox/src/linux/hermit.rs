//! A process that only computes: it reads what is open, writes to what is open, and touches nothing else.
//!
//! For work on data of strangers by our own code. A program of strangers needs a whole sandbox.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{privileges, syscalls};

/// Gives up all but computing, for all threads and for good.
///
/// What is left are the descriptors that are open, the threads that run, this much memory (addresses, to be
/// exact) and this much time of processors. Whoever exceeds these is ended. Opening files, starting processes
/// and threads, and networks are refused.
pub fn retire(memory: u64, processor_time: Duration) -> io::Result<()> {
    at_most(Resource::Core, 0)?;
    at_most(Resource::As, memory)?;
    at_most(Resource::Cpu, processor_time.as_secs().max(1))?;
    at_most(Resource::Fsize, 0)?;
    at_most(Resource::Nofile, 0)?;
    privileges::drop_capabilities()?;
    let filter = syscalls::of_hermits().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&filter).map_err(io::Error::other)
}

/// Lowers a limit for good. One that is lower already stays, because only some may raise it.
fn at_most(resource: Resource, most: u64) -> io::Result<()> {
    let most = Some(getrlimit(resource).maximum.map_or(most, |now| now.min(most)));
    Ok(setrlimit(resource, Rlimit { current: most, maximum: most })?)
}
