//! What a program may use. These need writable control groups.

use crate::root::{MIB, Place, run};

#[tokio::test]
async fn a_program_that_wants_too_much_memory_is_killed_and_told_so() {
    let place = Place::new();
    let ended = place.run("x=0123456789abcdef; while true; do x=$x$x; done").await;
    assert!(ended.exit.out_of_memory, "{ended:?}");
}

#[tokio::test]
async fn a_program_that_is_content_is_not_accused() {
    let mut spec = Place::new().script("exit 1");
    spec.limits.memory_bytes = 256 * MIB;
    let ended = run(spec).await;
    // The folder of the place is gone by now, and that is all that is wrong.
    assert!(ended.is_err() || !ended.unwrap().exit.out_of_memory);
}

#[tokio::test]
async fn forks_without_end_come_to_an_end() {
    let place = Place::new();
    let ended = place.run("bomb() { bomb | bomb & }; bomb; sleep 1; echo end; kill -9 -1").await;
    assert!(ended.errors.contains("fork"), "{ended:?}");
}

#[tokio::test]
async fn processor_time_is_limited() {
    let place = Place::new();
    let mut spec = place
        .script("cat /proc/self/cgroup; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; cat /proc/1/stat");
    spec.limits.cpu_millis = 500;
    let ended = run(spec).await.unwrap();
    // The place of its groups is its own business: from inside they are the top.
    assert!(ended.output.lines().any(|line| line.contains("memory:/") && line.ends_with(":/")), "{ended:?}");
}

#[tokio::test]
async fn there_are_no_core_dumps_and_no_more_open_files_than_meant() {
    let ended = Place::new().run("ulimit -c; ulimit -n").await;
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(lines[0], "0");
    assert!(lines[1].parse::<u32>().unwrap() <= 65_536, "{lines:?}");
}
