//! Code that does what it should not: nothing escapes, nothing hangs, and what is said of it is true.

use std::{fs, time::Duration};

use cupola_interpreter::{Ended, Size};

use crate::place::{KEPT, MIB, Place, Python};
use tokio::time::sleep;

/// A little less of everything, so that it is used up soon.
fn small() -> Size {
    Size { memory: 320 * MIB, cpu_millis: 1000, processes: 48, disk: 16 * MIB }
}

/// How code ends that has little time.
async fn run_shortly(python: &mut Python, code: &str) -> cupola_interpreter::Ran {
    python.interpreter.run(code, sleep(Duration::from_millis(500)), KEPT).await
}

#[tokio::test]
async fn it_allocates_without_end() {
    let mut python = Python::of(small()).await;
    let ran =
        python.run("print('begun')\nhoard = []\nwhile True:\n    hoard.append(bytearray(1 << 20))").await;
    assert_eq!((ran.ended, ran.logs.as_str()), (Ended::OutOfMemory, "begun\n"));
    assert!(!python.interpreter.lives());
}

#[tokio::test]
async fn it_makes_processes_without_end() {
    let mut python = Python::of(small()).await;
    let ran = run_shortly(&mut python, "import os\nwhile True:\n    os.fork()").await;
    assert!(matches!(ran.ended, Ended::Raised | Ended::Interrupted), "{}", ran.logs);
    assert!(ran.logs.contains("BlockingIOError"), "{}", ran.logs);
    let said = python.says("import subprocess\nsubprocess.run(['echo', 'still here'], check=True);").await;
    assert!(said.contains("still here"), "{said}");
    let shell = "bomb() { bomb | bomb & }; bomb; sleep 0.2";
    python.run(&format!("import os\nos.system('''{shell}''')")).await;
    assert_eq!(python.says("import os\nos.system('true')").await, "0\n");
}

#[tokio::test]
async fn it_runs_in_circles_and_will_not_be_interrupted() {
    let mut python = Python::new().await;
    let deaf =
        "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\nprint('begun')\nwhile True: pass";
    let ran = run_shortly(&mut python, deaf).await;
    assert_eq!((ran.ended, ran.logs.as_str()), (Ended::Stuck, "begun\n"));
    assert!(run_shortly(&mut python, "1").await.ended.is_fatal());
    let mut python = Python::new().await;
    let masked = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass";
    assert_eq!(run_shortly(&mut python, masked).await.ended, Ended::Stuck);
}

#[tokio::test]
async fn it_writes_ten_gigabytes() {
    let mut python = Python::of(small()).await;
    for place in ["/mnt/data", "/tmp", "/dev/shm"] {
        let code = format!(
            "written = 0\nfile = open('{place}/large', 'wb', buffering=0)\nwhile written < 10 << 30:\n    \
             written += file.write(b'x' * (1 << 20))"
        );
        let ran = python.run(&code).await;
        assert_eq!(ran.ended, Ended::Raised, "{place}: {}", ran.logs);
        assert!(ran.logs.contains("No space left on device"), "{place}: {}", ran.logs);
        python.says(&format!("file.close()\nimport os\nos.unlink('{place}/large')")).await;
    }
    let many = "import os\nwhile True:\n    os.makedirs(os.urandom(8).hex())";
    assert!(python.run(many).await.logs.contains("No space left on device"));
}

#[tokio::test]
async fn it_reads_what_is_none_of_its_business() {
    let mut python = Python::new().await;
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), "the secret").unwrap();
    let secret = place.path().join("secret").display().to_string();
    for path in ["/etc/shadow", "/root/.bashrc", "/home", "/proc/1/root/etc/shadow", "/var/log", &secret] {
        let ran = python
            .run(&format!(
                "import os\nos.listdir('{path}') if os.path.isdir('{path}') else open('{path}').read()"
            ))
            .await;
        assert_eq!(ran.ended, Ended::Raised, "{path}: {}", ran.logs);
    }
    let who = python
        .says("import os, pathlib\nprint(os.getuid(), os.listdir('/proc/self/fd'), sorted(os.environ))")
        .await;
    assert!(who.starts_with("1000 ") || who.starts_with("0 "), "{who}");
    for variable in std::env::vars().filter(|(_, value)| value.len() > 20).map(|(_, value)| value) {
        assert!(!who.contains(&variable), "{who}");
    }
}

#[tokio::test]
async fn it_opens_sockets() {
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let mut python = Python::new().await;
    for address in [("127.0.0.1", port), ("192.0.2.1", 80), ("169.254.169.254", 80), ("10.0.0.1", 443)] {
        let code = format!("import socket\nsocket.create_connection({address:?}, timeout=2)");
        let ran = python.run(&code).await;
        assert_eq!(ran.ended, Ended::Raised, "{}", ran.logs);
        assert!(ran.logs.contains("refused") || ran.logs.contains("unreachable"), "{}", ran.logs);
    }
    let ran =
        python.run("import urllib.request\nurllib.request.urlopen('https://pypi.org', timeout=2)").await;
    assert_eq!(ran.ended, Ended::Raised, "{}", ran.logs);
    let raw = "import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)";
    assert_eq!(python.run(raw).await.ended, Ended::Raised);
}

#[tokio::test]
async fn it_attacks_the_kernel_of_the_system() {
    let mut python = Python::new().await;
    for path in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/1/oom_score_adj",
        "/sys/x",
        "/usr/bin/x",
    ] {
        let written = if path.ends_with("adj") { "-1000" } else { "b" };
        let ran = python.run(&format!("with open('{path}', 'w') as file: file.write('{written}')")).await;
        assert_eq!(ran.ended, Ended::Raised, "{path}: {}", ran.logs);
    }
    let calls = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n\
                 calls = {'mount': (b'x', b'/tmp', b'tmpfs', 0, 0), 'unshare': (0x10000000,), 'chroot': (b'/tmp',), \
                 'ptrace': (16, 1, 0, 0), 'reboot': (0,), 'setns': (0, 0)}\n\
                 for name, arguments in calls.items():\n    \
                 print(name, getattr(libc, name)(*arguments))";
    for line in python.says(calls).await.lines() {
        assert!(line.ends_with(" -1"), "{line}");
    }
}

#[tokio::test]
async fn it_writes_a_hundred_megabytes_to_its_output() {
    let mut python = Python::new().await;
    let said =
        python.says("import sys\nfor _ in range(100): sys.stdout.write('x' * (1 << 20))\nprint('end')").await;
    assert!(said.len() < KEPT + 200 && said.ends_with("xend\n"), "{}", said.len());
    assert!(said.contains("of 104857604 bytes are left out here"));
    // Written by a program that it starts.
    let child = "import subprocess, sys\n\
                 subprocess.run([sys.executable, '-c', 'print(\"y\" * 100000000)']).returncode";
    let said = python.says(child).await;
    assert!(said.contains("bytes are left out here") && said.ends_with("y\n0\n"), "{}", said.len());
}

#[tokio::test]
async fn it_ends_its_own_interpreter() {
    for code in [
        "import os\nos._exit(0)",
        "import ctypes\nctypes.string_at(0)",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nimport threading\nthreading.stack_size(1 << 16)\nf()",
    ] {
        let mut python = Python::of(small()).await;
        let ran = python.run(&format!("open('kept.txt', 'w').write('x')\nprint('begun')\n{code}")).await;
        assert!(ran.ended.is_fatal(), "{code}: {ran:?}");
        assert!(ran.logs.starts_with("begun\n"), "{code}: {ran:?}");
        assert_eq!(python.files(), ["kept.txt"]);
    }
}

#[tokio::test]
async fn it_closes_everything_that_it_finds_open() {
    let mut python = Python::new().await;
    let ran = run_shortly(&mut python, "import os\nos.closerange(1, 100)\nprint('nobody hears this')").await;
    assert!(ran.ended.is_fatal(), "{ran:?}");
}

#[tokio::test]
async fn it_speaks_in_the_place_of_its_kernel() {
    let mut python = Python::new().await;
    let forged = "import json, struct\n\
                  import os\n\
                  fd = next(int(n) for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}') \
                  and os.readlink(f'/proc/self/fd/{n}').startswith('socket:'))\n\
                  word = json.dumps({'id': 1, 'completed': True, 'figures': ['../../etc/passwd']}).encode()\n\
                  os.write(fd, struct.pack('<I', len(word)) + word)\n\
                  1 / 0";
    let ran = python.run(forged).await;
    assert_eq!(ran.ended, Ended::Completed, "{ran:?}");
    // The true answer to the first order is no answer to the second one, whenever it comes.
    assert!(python.says("2").await.ends_with("2\n"));
    let ran = python.run("os.write(fd, b'\\xff' * 100)").await;
    assert!(ran.ended.is_fatal(), "{ran:?}");
}

#[tokio::test]
async fn it_leaves_threads_and_processes_behind() {
    let mut python = Python::new().await;
    let code = "import threading, time\ndef write():\n    while True:\n        print('late')\n        time.sleep(0.001)\n\
                threading.Thread(target=write, daemon=True).start()\nimport subprocess\n\
                child = subprocess.Popen(['sleep', '1000'])";
    python.says(code).await;
    assert!(python.says("time.sleep(0.05)\nprint('on time')").await.contains("on time\n"));
    let process = python.interpreter.memory();
    assert!(process.is_some());
    drop(python);
}

#[tokio::test]
async fn nothing_of_it_is_left() {
    let place = Place::new().await;
    let mut interpreter = place.start(Size::default()).await;
    let traces = || fs::read_dir(place.folder.path().join("traces")).unwrap();
    let trace = fs::read(traces().next().unwrap().unwrap().path()).unwrap();
    let trace: cupola_sandbox::Trace = serde_json::from_slice(&trace).unwrap();
    interpreter
        .run("import subprocess\nsubprocess.Popen(['sleep', '1000'])", sleep(Duration::from_secs(9)), KEPT)
        .await;
    assert!(fs::exists(format!("/proc/{}", trace.process)).unwrap());
    drop(interpreter);
    let gone = async {
        while fs::exists(format!("/proc/{}", trace.process)).unwrap()
            || trace.groups.iter().any(|group| group.exists())
        {
            sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    assert_eq!(traces().count(), 0);
}
