//! What a process can do that has retired.

use std::{
    fs::File,
    hint::black_box,
    io::{self, Read},
    net::{TcpListener, UdpSocket},
    process::{Command, Output, Stdio, exit},
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

const ASKED: &str = "__hermit";
const MEMORY: u64 = 256 << 20;

/// Becomes a hermit that tries something, if that is what this process was started for.
pub fn try_if_asked() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(ASKED) {
        return;
    }
    let attempt = arguments.next().unwrap_or_default();
    // All threads retire together, also those that were there before.
    let start = Arc::new(Barrier::new(2));
    let retired = Arc::new(Barrier::new(2));
    let other = thread::spawn({
        let (start, retired) = (Arc::clone(&start), Arc::clone(&retired));
        move || {
            start.wait();
            retired.wait();
            File::open("/etc/hostname").is_err()
        }
    });
    start.wait();
    cupola_sandbox::retire(MEMORY, Duration::from_secs(1)).unwrap();
    retired.wait();
    assert!(other.join().unwrap());
    let done = match attempt.as_str() {
        "compute" => io::stdin().read_to_string(&mut String::new()).map(|_| println!("computed")),
        "open" => File::open("/etc/hostname").map(drop),
        "create" => File::create("/tmp/hermit").map(drop),
        "start" => Command::new("/bin/true").status().map(drop),
        "thread" => thread::Builder::new().spawn(|| ()).map(drop),
        "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
        "send" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "memory" => {
            black_box(vec![1_u8; 300 << 20]);
            Ok(())
        }
        "time" => loop {
            black_box(1);
        },
        _ => Err(io::Error::other("nothing was asked")),
    };
    exit(done.map_or(1, |()| 0))
}

fn attempt(what: &str) -> Output {
    Command::new("/proc/self/exe").args([ASKED, what]).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_hermit_reads_computes_and_writes() {
    let output = attempt("compute");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"computed\n");
}

#[test]
fn a_hermit_touches_nothing_else() {
    for what in ["open", "create", "start", "thread", "listen", "send"] {
        assert_eq!(attempt(what).status.code(), Some(1), "{what}");
    }
}

#[test]
fn a_hermit_that_wants_too_much_memory_or_time_is_ended() {
    use std::os::unix::process::ExitStatusExt;
    let output = attempt("memory");
    assert!(String::from_utf8_lossy(&output.stderr).contains("memory allocation of"), "{output:?}");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert_eq!(attempt("time").status.signal(), Some(libc::SIGKILL));
}
