//! A process that only computes: it reads what is open, writes to what is open, and touches nothing else.
//!
//! For work on data of strangers by our own code. A program of strangers needs a whole sandbox.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{privileges, syscalls};

/// Gives up all but computing, for all threads and for good.
///
/// What is left are the descriptors that are open, the threads that run, this much memory (addresses, to be
/// exact) and this much time of processors. Whoever exceeds these is ended. Opening files, starting processes
/// and threads, and networks are refused.
pub fn retire(memory: u64, processor_time: Duration) -> io::Result<()> {
    let exactly = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, exactly(0))?;
    setrlimit(Resource::As, exactly(memory))?;
    setrlimit(Resource::Cpu, exactly(processor_time.as_secs().max(1)))?;
    setrlimit(Resource::Fsize, exactly(0))?;
    setrlimit(Resource::Nofile, exactly(0))?;
    privileges::drop_capabilities()?;
    let filter = syscalls::of_hermits().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&filter).map_err(io::Error::other)
}
