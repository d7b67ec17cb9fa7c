//! The few system calls that rustix has no safe name for.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    ptr,
};

use rustix::{process::Pid, thread::UnshareFlags};
use tokio::io::{Interest, unix::AsyncFd};

/// What a call to `clone` comes back as.
pub(crate) enum Forked {
    /// This is the new process.
    Child,
    /// This is the old one, and this is the new one's number.
    Parent(Pid),
}

/// Copies this process. With `CLONE_PARENT` the copy is a child of this process's parent.
///
/// To be called only while the process has one thread: the copy then is whole, as after `fork`.
pub(crate) fn clone_process(flags: libc::c_int) -> io::Result<Forked> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    let none = ptr::null::<libc::c_void>();
    // SAFETY: without CLONE_VM and with no new stack this is a fork: the child has its own copy of all
    // memory. The helper is single-threaded, so no lock is held by a thread that the copy lacks.
    let number = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) };
    match number {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        number => i32::try_from(number)
            .ok()
            .and_then(Pid::from_raw)
            .map(Forked::Parent)
            .ok_or_else(|| io::Error::other("clone answered with no process number")),
    }
}

/// Leaves namespaces for new ones. The table of open files stays shared, whatever is asked.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the one flag with a condition is taken out: no thread loses sight of another's descriptors.
    unsafe { rustix::thread::unshare_unsafe(flags - UnshareFlags::FILES) }.map_err(io::Error::from)
}

/// Marks every descriptor from `first` on to be closed when another program is started.
pub(crate) fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: the flag closes nothing now, so no descriptor that is owned here becomes invalid.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What a mount is to become.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MountChange<'a> {
    /// Attributes to set, `MOUNT_ATTR_*`.
    pub set: u64,
    /// The user namespace by which owners are translated.
    pub owners: Option<BorrowedFd<'a>>,
    /// Whether mounts below change too.
    pub recursive: bool,
}

/// Changes a mount, given by a descriptor of its root.
pub(crate) fn change_mount(mount: impl AsFd, change: MountChange<'_>) -> io::Result<()> {
    let owners = change.owners.map(|namespace| namespace.as_raw_fd());
    // SAFETY: the structure is plain numbers, for which zero is a valid value.
    let mut attributes: libc::mount_attr = unsafe { std::mem::zeroed() };
    attributes.attr_set = change.set | if owners.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 };
    attributes.userns_fd = u64::try_from(owners.unwrap_or(0)).unwrap_or(0);
    let flags = libc::AT_EMPTY_PATH | if change.recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a static C string, and the structure lives across the call with its true size.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw mut attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Switches the loopback device of this network namespace on. Without that, nothing can be reached.
pub(crate) fn loopback_up(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: the structure is plain numbers and a union of such, for which zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which lives across the call.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Becomes another program. Returns only if it can't, and says why.
///
/// The standard library's way would take a file that is no program for a script of the shell.
pub(crate) fn execute(program: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let ended = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (ended(arguments), ended(environment));
    // SAFETY: all pointers are to C strings that live across the call, and both arrays end with null.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Waits for a descriptor to become readable, together with all else that is waited for.
pub(crate) fn watch_readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open as long as it lives, and always the same descriptor.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}
