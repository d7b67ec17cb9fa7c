//! The folder that a sandbox shares with the service.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
};

use cupola_sandbox::{Shared, Spec, spawn};
use rustix::fs::{Mode, OFlags, openat};

use crate::root::{MIB, Place, end};

fn sharing(place: &Place, script: &str) -> Spec {
    let shared = Shared { to: "/mnt/data".into(), bytes: MIB, files: 100 };
    Spec { shared: Some(shared), user: "app".into(), ..place.script(script) }
}

fn read(folder: &OwnedFd, name: &str) -> String {
    let mut text = String::new();
    let file = openat(folder, name, OFlags::RDONLY, Mode::empty()).unwrap();
    File::from(file).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_it_writes_is_seen_and_outlives_it() {
    let place = Place::new();
    let mut child =
        spawn(sharing(&place, "cd /mnt/data; test -O . && echo mine > me; mkdir in; echo x > in/deep"))
            .await
            .unwrap();
    let folder = child.take_shared().unwrap();
    end(&child).await;
    drop(child);
    assert_eq!((read(&folder, "me"), read(&folder, "in/deep")), ("mine\n".into(), "x\n".into()));
}

#[tokio::test]
async fn the_service_puts_files_there() {
    let place = Place::new();
    let script = "while ! test -e /mnt/data/go; do sleep 0.01; done; cat /mnt/data/note > /mnt/data/copy";
    let mut child = spawn(sharing(&place, script)).await.unwrap();
    let folder = child.take_shared().unwrap();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let make = |name| File::from(openat(&folder, name, flags, Mode::from_raw_mode(0o644)).unwrap());
    make("note").write_all(b"from outside").unwrap();
    make("go");
    assert_eq!(end(&child).await.code, Some(0));
    assert_eq!(read(&folder, "copy"), "from outside");
}

#[tokio::test]
async fn it_holds_no_more_than_it_may() {
    let place = Place::new();
    let script = "cd /mnt/data; dd if=/dev/zero of=large bs=1M count=10 2>/dev/null && echo all > told; \
                  rm large; i=0; while touch $i; do i=$((i+1)); done; rm 0 1; echo $i > count";
    let mut child = spawn(sharing(&place, script)).await.unwrap();
    let folder = child.take_shared().unwrap();
    end(&child).await;
    assert!(openat(&folder, "told", OFlags::RDONLY, Mode::empty()).is_err());
    assert!(read(&folder, "count").trim().parse::<u32>().unwrap() <= 100);
}

#[tokio::test]
async fn a_program_that_cares_is_interrupted_and_another_one_goes_on() {
    let place = Place::new();
    let ready = "echo > /mnt/data/ready; i=0; while test $i -lt 20; do i=$((i+1)); sleep 0.02; done; exit 6";
    for (trap, code) in [("trap 'exit 5' INT", 5), ("trap '' INT", 6)] {
        let mut child = spawn(sharing(&place, &format!("{trap}; {ready}"))).await.unwrap();
        let folder = child.take_shared().unwrap();
        while openat(&folder, "ready", OFlags::RDONLY, Mode::empty()).is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        child.interrupt();
        assert_eq!(end(&child).await.code, Some(code), "{trap}");
    }
}
