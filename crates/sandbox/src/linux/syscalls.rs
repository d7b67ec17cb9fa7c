//! Which system calls a program may make: what ordinary programs need, much as Docker's default has it.
//!
//! Two filters lie on top of each other. The first knows what is allowed and answers the rest as a kernel
//! without that call would, so that programs fall back. The second says "not permitted" to what is known and
//! refused, as programs expect it there.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};
use serde_json::{Value, json};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Filters = Result<Vec<BpfProgram>, seccompiler::BackendError>;

macro_rules! calls {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// A call, and the name that the C library has for its number: `SYS_` and the kernel's name.
type Call = (&'static str, libc::c_long);

/// Allowed with any arguments, on every architecture.
const ALLOWED: &[Call] = calls! {
    SYS_accept SYS_accept4 SYS_bind SYS_brk SYS_capget SYS_capset SYS_chdir SYS_clock_getres SYS_clock_gettime
    SYS_clock_nanosleep SYS_close SYS_close_range SYS_connect SYS_copy_file_range SYS_dup SYS_dup3
    SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd2 SYS_execve SYS_execveat
    SYS_exit SYS_exit_group SYS_faccessat SYS_faccessat2 SYS_fadvise64 SYS_fallocate SYS_fchdir SYS_fchmod
    SYS_fchmodat SYS_fchown SYS_fchownat SYS_fcntl SYS_fdatasync SYS_fgetxattr SYS_flistxattr SYS_flock
    SYS_fremovexattr SYS_fsetxattr SYS_fstat SYS_fstatfs SYS_fsync SYS_ftruncate SYS_futex SYS_futex_waitv
    SYS_get_robust_list SYS_getcpu SYS_getcwd SYS_getdents64 SYS_getegid SYS_geteuid SYS_getgid SYS_getgroups
    SYS_getitimer SYS_getpeername SYS_getpgid SYS_getpid SYS_getppid SYS_getpriority SYS_getrandom
    SYS_getresgid SYS_getresuid SYS_getrusage SYS_getsid SYS_getsockname SYS_getsockopt SYS_gettid
    SYS_gettimeofday SYS_getuid SYS_getxattr SYS_inotify_add_watch SYS_inotify_init1 SYS_inotify_rm_watch
    SYS_io_cancel SYS_io_destroy SYS_io_getevents SYS_io_setup SYS_io_submit SYS_ioctl SYS_ioprio_get
    SYS_ioprio_set SYS_kill SYS_landlock_add_rule SYS_landlock_create_ruleset SYS_landlock_restrict_self
    SYS_lgetxattr SYS_linkat SYS_listen SYS_listxattr SYS_llistxattr SYS_lremovexattr SYS_lseek SYS_lsetxattr
    SYS_madvise SYS_membarrier SYS_memfd_create SYS_mincore SYS_mkdirat SYS_mknodat SYS_mlock SYS_mlock2
    SYS_mlockall SYS_mmap SYS_mprotect SYS_mq_getsetattr SYS_mq_notify SYS_mq_open SYS_mq_timedreceive
    SYS_mq_timedsend SYS_mq_unlink SYS_mremap SYS_msgctl SYS_msgget SYS_msgrcv SYS_msgsnd SYS_msync
    SYS_munlock SYS_munlockall SYS_munmap SYS_nanosleep SYS_newfstatat SYS_openat SYS_openat2 SYS_pidfd_open
    SYS_pidfd_send_signal SYS_pipe2 SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_ppoll SYS_prctl
    SYS_pread64 SYS_preadv SYS_preadv2 SYS_prlimit64 SYS_process_madvise SYS_process_mrelease SYS_pselect6
    SYS_pwrite64 SYS_pwritev SYS_pwritev2 SYS_read SYS_readahead SYS_readlinkat SYS_readv SYS_recvfrom
    SYS_recvmmsg SYS_recvmsg SYS_removexattr SYS_renameat2 SYS_restart_syscall SYS_rseq SYS_rt_sigaction
    SYS_rt_sigpending SYS_rt_sigprocmask SYS_rt_sigqueueinfo SYS_rt_sigreturn SYS_rt_sigsuspend
    SYS_rt_sigtimedwait SYS_rt_tgsigqueueinfo SYS_sched_get_priority_max SYS_sched_get_priority_min
    SYS_sched_getaffinity SYS_sched_getattr SYS_sched_getparam SYS_sched_getscheduler
    SYS_sched_rr_get_interval SYS_sched_setaffinity SYS_sched_setattr SYS_sched_setparam
    SYS_sched_setscheduler SYS_sched_yield SYS_seccomp SYS_semctl SYS_semget SYS_semop SYS_semtimedop
    SYS_sendfile SYS_sendmmsg SYS_sendmsg SYS_sendto SYS_set_robust_list SYS_set_tid_address SYS_setfsgid
    SYS_setfsuid SYS_setgid SYS_setgroups SYS_setitimer SYS_setpgid SYS_setpriority SYS_setregid SYS_setresgid
    SYS_setresuid SYS_setreuid SYS_setsid SYS_setsockopt SYS_setuid SYS_setxattr SYS_shmat SYS_shmctl
    SYS_shmdt SYS_shmget SYS_shutdown SYS_sigaltstack SYS_signalfd4 SYS_splice SYS_statfs SYS_statx
    SYS_symlinkat SYS_sync SYS_syncfs SYS_sysinfo SYS_tee SYS_tgkill SYS_timer_create SYS_timer_delete
    SYS_timer_getoverrun SYS_timer_gettime SYS_timer_settime SYS_timerfd_create SYS_timerfd_gettime
    SYS_timerfd_settime SYS_times SYS_tkill SYS_truncate SYS_umask SYS_uname SYS_unlinkat SYS_utimensat
    SYS_vmsplice SYS_wait4 SYS_waitid SYS_write SYS_writev
};

/// Allowed on this architecture, beside those: mostly older names for the same things.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[Call] = calls! {
    SYS_access SYS_alarm SYS_arch_prctl SYS_chmod SYS_chown SYS_creat SYS_dup2 SYS_epoll_create SYS_epoll_wait
    SYS_eventfd SYS_fchmodat2 SYS_fork SYS_futimesat SYS_getdents SYS_getpgrp SYS_getrlimit SYS_inotify_init
    SYS_lchown SYS_link SYS_lstat SYS_mkdir SYS_mknod SYS_open SYS_pause SYS_pipe SYS_poll SYS_readlink
    SYS_rename SYS_renameat SYS_rmdir SYS_select SYS_setrlimit SYS_signalfd SYS_stat SYS_symlink
    SYS_sync_file_range SYS_time SYS_unlink SYS_utime SYS_utimes SYS_vfork
};
/// The same on other ones, which began without old names. Not all C libraries have names for these numbers.
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[Call] = &[
    ("SYS_renameat", 38),
    ("SYS_sync_file_range", 84),
    ("SYS_getrlimit", 163),
    ("SYS_setrlimit", 164),
    ("SYS_fchmodat2", 452),
];

/// Refused with any arguments.
const REFUSED: &[Call] = calls! {
    SYS_acct SYS_add_key SYS_adjtimex SYS_bpf SYS_chroot SYS_clock_adjtime SYS_clock_settime SYS_delete_module
    SYS_fanotify_init SYS_finit_module SYS_fsconfig SYS_fsmount SYS_fsopen SYS_fspick SYS_get_mempolicy
    SYS_init_module SYS_io_uring_enter SYS_io_uring_register SYS_io_uring_setup SYS_kcmp SYS_kexec_load
    SYS_keyctl SYS_mbind SYS_migrate_pages SYS_mount SYS_mount_setattr SYS_move_mount SYS_move_pages
    SYS_name_to_handle_at SYS_open_by_handle_at SYS_open_tree SYS_perf_event_open SYS_pidfd_getfd
    SYS_pivot_root SYS_process_vm_readv SYS_process_vm_writev SYS_ptrace SYS_quotactl SYS_reboot
    SYS_request_key SYS_set_mempolicy SYS_setdomainname SYS_sethostname SYS_setns SYS_settimeofday SYS_swapoff
    SYS_swapon SYS_syslog SYS_umount2 SYS_unshare SYS_userfaultfd SYS_vhangup
};

/// All that a process needs which only computes.
const COMPUTING: &[Call] = calls! {
    SYS_brk SYS_clock_gettime SYS_close SYS_exit SYS_exit_group SYS_futex SYS_getpid SYS_getrandom SYS_gettid
    SYS_lseek SYS_madvise SYS_mmap SYS_mprotect SYS_mremap SYS_munmap SYS_read SYS_readv SYS_restart_syscall
    SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_sched_getaffinity SYS_sched_yield SYS_sigaltstack
    SYS_tgkill SYS_write SYS_writev
};

/// Flags of `clone` that make namespaces.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Kinds of sockets. Others (packets, Bluetooth, kernel crypto, virtual machines, …) are rarely needed and
/// have often been a way into the kernel.
const SOCKETS: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Linux, Linux with 32-bit addresses, the same without randomisation, and the question which it is.
const PERSONALITIES: &[u64] = &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The filters, in the order in which they are to be installed.
pub(crate) fn filters() -> Filters {
    Ok(vec![filter(allowed()?, true)?, filter(refused()?, false)?])
}

/// The filter for a process that only computes.
pub(crate) fn of_hermits() -> Result<BpfProgram, seccompiler::BackendError> {
    filter(any_arguments(COMPUTING.iter()), true)
}

/// The same as [`filters`] for an OCI runtime, in the words of its configuration.
pub(crate) fn as_oci() -> Value {
    let names = |calls: &[Call]| -> Vec<&'static str> {
        calls.iter().map(|(name, _)| name.trim_start_matches("SYS_")).collect()
    };
    let allow = "SCMP_ACT_ALLOW";
    let mut rules = vec![
        json!({"names": names(ALLOWED), "action": allow}),
        json!({"names": names(ALLOWED_HERE), "action": allow}),
        json!({"names": names(REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EPERM}),
        json!({"names": ["clone"], "action": allow, "args": [
            {"index": 0, "value": all_namespaces(), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}),
    ];
    let equal = |call: &str, value: u64| {
        let argument = json!({"index": 0, "value": value, "op": "SCMP_CMP_EQ"});
        json!({"names": [call], "action": allow, "args": [argument]})
    };
    for family in SOCKETS {
        let family = u64::from(family.cast_unsigned());
        rules.extend([equal("socket", family), equal("socketpair", family)]);
    }
    rules.extend(PERSONALITIES.iter().map(|kind| equal("personality", *kind)));
    rules.retain(|rule| rule["names"].as_array().is_some_and(|names| !names.is_empty()));
    json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": libc::ENOSYS, "syscalls": rules})
}

fn all_namespaces() -> u64 {
    NAMESPACES.iter().fold(0, |all, flag| all | u64::from(flag.cast_unsigned()))
}

fn filter(rules: Rules, is_list_of_allowed: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let (listed, others) = if is_list_of_allowed {
        (SeccompAction::Allow, SeccompAction::Errno(errno(libc::ENOSYS)))
    } else {
        (SeccompAction::Errno(errno(libc::EPERM)), SeccompAction::Allow)
    };
    SeccompFilter::new(rules, others, listed, architecture)?.try_into()
}

fn errno(number: libc::c_int) -> u32 {
    number.cast_unsigned()
}

fn allowed() -> Result<Rules, seccompiler::BackendError> {
    let mut rules = any_arguments(ALLOWED.iter().chain(ALLOWED_HERE));
    rules.insert(libc::SYS_clone, vec![rule([int(0, SeccompCmpOp::MaskedEq(all_namespaces()), 0)?])?]);
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let families =
            SOCKETS.iter().map(|family| rule([int(0, SeccompCmpOp::Eq, u64::from(family.cast_unsigned()))?]));
        rules.insert(call, families.collect::<Result<_, _>>()?);
    }
    let personalities = PERSONALITIES.iter().map(|kind| rule([int(0, SeccompCmpOp::Eq, *kind)?]));
    rules.insert(libc::SYS_personality, personalities.collect::<Result<_, _>>()?);
    Ok(rules)
}

fn refused() -> Result<Rules, seccompiler::BackendError> {
    let mut rules = any_arguments(REFUSED.iter());
    let flags = NAMESPACES.iter().map(|flag| {
        let flag = u64::from(flag.cast_unsigned());
        rule([int(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    });
    rules.insert(libc::SYS_clone, flags.collect::<Result<_, _>>()?);
    // Typing into somebody else's terminal.
    rules.insert(libc::SYS_ioctl, vec![rule([int(1, SeccompCmpOp::Eq, libc::TIOCSTI)?])?]);
    // The first process is to die with the service, and may not choose another signal for that.
    let signal = u64::from(libc::SIGKILL.cast_unsigned());
    let not_kill = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, signal)?;
    let parent_death = u64::from(libc::PR_SET_PDEATHSIG.cast_unsigned());
    rules.insert(libc::SYS_prctl, vec![rule([int(0, SeccompCmpOp::Eq, parent_death)?, not_kill])?]);
    Ok(rules)
}

fn any_arguments<'a>(calls: impl Iterator<Item = &'a Call>) -> Rules {
    calls.map(|(_, call)| (*call, Vec::new())).collect()
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into())
}

/// A condition on an argument of which the kernel reads the lower half.
fn int(
    argument: u8,
    operation: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_allowed_and_refused() {
        for call in REFUSED {
            assert!(!ALLOWED.contains(call) && !ALLOWED_HERE.contains(call), "{} is on both lists", call.0);
        }
    }

    #[test]
    fn all_filters_can_be_made_for_this_machine() {
        assert_eq!(filters().unwrap().len(), 2);
        assert!(!of_hermits().unwrap().is_empty());
    }
}
