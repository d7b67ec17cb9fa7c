//! What `cupola up` says when it is ready, taken at its word.

use std::process::Command;

use rustix::process::Signal;

use crate::home::{Ended, Home};

#[test]
fn whoever_reads_that_it_is_ready_may_end_it_at_once() {
    let home = Home::new();
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")].repeat(4) {
        let server = home.start(&["up"], "is ready");
        server.signal(signal);
        let (status, said) = server.wait();
        assert!(status.success(), "{name}: {status}\n{said}");
        assert!(said.contains(&format!("{name}: no new turns")), "{said}");
    }
}

#[test]
fn the_command_for_the_terminal_of_ones_code_works_as_it_stands() {
    let home = Home::new();
    home.configure("listen = \"127.0.0.1:0\"\ndata = \"my data\"\n[models]\ndiscover = false\n");
    let server = home.start(&["up"], "in the terminal of your code");
    let from = server.said.find("eval ").unwrap();
    let to = server.said.find(" in the terminal of your code").unwrap();
    let script = format!("{} && printf %s \"$PROJECT_ENDPOINT\"", &server.said[from..to]);
    // Another terminal: another directory, and a PATH that does not lead to the program.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).current_dir("/");
    shell.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    let ended = Ended::of(shell);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(server.said.contains(&format!("{}\n", ended.out)), "{ended:?}\n{}", server.said);
    assert!(ended.out.starts_with("https://127.0.0.1:"), "{ended:?}");
}
