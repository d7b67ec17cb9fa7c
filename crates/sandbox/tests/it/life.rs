//! How sandboxes end, and that nothing of them is left.

use std::{fs, process::Command, time::Duration};

use cupola_sandbox::{Trace, spawn};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::root::{Place, end};

#[tokio::test]
async fn a_program_that_cares_is_asked_to_end() {
    let place = Place::new();
    let mut child =
        spawn(place.script("trap 'echo bye; exit 7' TERM; echo up; while true; do sleep 1; done"))
            .await
            .unwrap();
    let mut lines = BufReader::new(child.take_stdout().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "up");
    child.terminate();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "bye");
    assert_eq!(end(&child).await.code, Some(7));
}

#[tokio::test]
async fn a_program_that_refuses_to_end_is_ended() {
    let place = Place::new();
    let mut child =
        spawn(place.script("trap '' TERM; trap 'echo no' TERM; echo up; while true; do sleep 1; done"))
            .await
            .unwrap();
    let mut lines = BufReader::new(child.take_stdout().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "up");
    child.terminate();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "no");
    assert!(child.exit().borrow().is_none());
    child.kill();
    assert_eq!(end(&child).await.signal, Some(9));
}

#[tokio::test]
async fn a_program_that_does_not_care_is_ended_at_once() {
    let place = Place::new();
    let child = spawn(place.script("exec sleep 1000")).await.unwrap();
    child.terminate();
    assert_eq!(end(&child).await.signal, Some(9));
}

#[tokio::test]
async fn a_sandbox_that_is_dropped_ends() {
    let place = Place::new();
    let child = spawn(place.script("sleep 1000 & sleep 1000")).await.unwrap();
    let mut exit = child.exit();
    drop(child);
    assert_eq!(exit.wait_for(Option::is_some).await.unwrap().unwrap().signal, Some(9));
}

#[tokio::test]
async fn thirty_starts_in_a_row_leave_nothing_behind() {
    let place = Place::new();
    let mut script = place.script("sleep 1000 & sleep 1000");
    script.listen = vec![8087];
    let first = spawn(script.clone()).await.unwrap();
    first.kill();
    end(&first).await;
    drop(first);
    let folder = place.folder.path().to_str().unwrap();
    let before = traces(folder);
    let mut groups = Vec::new();
    for _ in 0..30 {
        let child = spawn(script.clone()).await.unwrap();
        groups.extend(child.trace().groups.clone());
        child.kill();
        end(&child).await;
    }
    assert_eq!(traces(folder), before);
    assert!(groups.iter().all(|group| !group.exists()));
}

/// Descriptors, mounts and children of this process. Mounts that others make meanwhile don't count.
fn traces(place: &str) -> (usize, usize, String) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = mounts.lines().filter(|line| line.contains(place) || line.contains(" /tmp ")).count();
    let mut children = String::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        children += &fs::read_to_string(task.path().join("children")).unwrap_or_default();
    }
    (descriptors, mounts, children)
}

/// Not a test of its own: what the next one starts and kills.
#[tokio::test]
#[ignore = "it is started by another test"]
async fn a_service_with_a_sandbox() {
    let place = Place::new();
    let child = spawn(place.script("sleep 1000 & exec sleep 1000")).await.unwrap();
    println!("sandbox {}", serde_json::to_string(child.trace()).unwrap());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn no_sandbox_survives_the_death_of_the_service() {
    let mut service = tokio::process::Command::from(Command::new(std::env::current_exe().unwrap()));
    service.args(["--exact", "life::a_service_with_a_sandbox", "--ignored", "--nocapture"]);
    let mut service = service.stdout(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let sandbox = loop {
        let line = lines.next_line().await.unwrap().expect("the service says its sandbox's number");
        if let Some((_, trace)) = line.split_once("sandbox ") {
            break serde_json::from_str::<Trace>(trace.trim()).unwrap();
        }
    };
    let stat = format!("/proc/{}/stat", sandbox.process);
    assert!(fs::metadata(&stat).is_ok());
    service.kill().await.unwrap();
    let gone = async {
        // A zombie is dead: whoever inherited it has not looked yet.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the sandbox dies with the service");
    // Its groups are all that is left, until the service comes back.
    assert!(!sandbox.groups.is_empty() && sandbox.groups.iter().all(|group| group.exists()));
    assert!(!sandbox.clone().erase());
    assert!(sandbox.groups.iter().all(|group| !group.exists()));
}

#[tokio::test]
async fn a_sandbox_that_lives_on_is_ended_by_its_trace() {
    let place = Place::new();
    let child = spawn(place.script("trap '' TERM; sleep 1000 & sleep 1000")).await.unwrap();
    let mut other = child.trace().clone();
    other.started += 1;
    other.groups.clear();
    assert!(!other.erase(), "another process of the same number is left alone");
    let trace = child.trace().clone();
    assert!(tokio::task::spawn_blocking(|| trace.erase()).await.unwrap());
    assert_eq!(end(&child).await.signal, Some(9));
}
