//! The same cage, made by an installed OCI runtime.

use cupola_sandbox::spawn;

use crate::root::{MIB, Place, end, run};

#[tokio::test]
async fn a_program_runs_and_is_heard_out() {
    let place = Place::new();
    let mut spec = place.script_by_runc("id; pwd; hostname; echo err >&2; echo kept > $HOME/note; exit 3");
    spec.user = "app".into();
    let ended = run(spec).await.unwrap();
    assert!(ended.output.starts_with("uid=1000(app) gid=1000(app)"), "{ended:?}");
    assert!(ended.output.contains("\n/\ntest-"), "{ended:?}");
    assert_eq!((ended.errors.as_str(), ended.exit.code), ("err\n", Some(3)), "{ended:?}");
    assert_eq!(std::fs::read_to_string(place.home().join("note")).unwrap(), "kept\n");
}

#[tokio::test]
async fn it_has_no_capability_and_can_not_mount() {
    let place = Place::new();
    let script = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; mount -t tmpfs x /tmp; \
                  unshare -U true; \
                  cat /proc/kcore /proc/keys | wc -c; ls -d /proc/[0-9]* | wc -l";
    let ended = run(place.script_by_runc(script)).await.unwrap();
    for line in ended.output.lines().filter(|line| line.starts_with("Cap")) {
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
    assert!(ended.output.contains("NoNewPrivs:\t1") && ended.output.contains("Seccomp:\t2"), "{ended:?}");
    let refused =
        ended.errors.lines().filter(|line| line.contains("denied") || line.contains("not permitted"));
    assert_eq!(refused.count(), 2, "{ended:?}");
    let numbers: Vec<u32> =
        ended.output.lines().rev().take(2).map(|line| line.trim().parse().unwrap()).collect();
    assert!(numbers[0] <= 4 && numbers[1] == 0, "{ended:?}");
}

#[tokio::test]
async fn memory_and_processes_are_limited() {
    let place = Place::new();
    let hog = run(place.script_by_runc("x=0123456789abcdef; while true; do x=$x$x; done")).await.unwrap();
    assert!(hog.exit.out_of_memory, "{hog:?}");
    let bomb = "bomb() { bomb | bomb & }; bomb; sleep 1; echo end; kill -9 -1";
    let mut bomb = place.script_by_runc(bomb);
    // The runtime itself takes some of it.
    bomb.limits.memory_bytes = 256 * MIB;
    let bomb = run(bomb).await.unwrap();
    assert!(bomb.errors.contains("fork"), "{bomb:?}");
}

#[tokio::test]
async fn it_is_reached_and_asked_to_end() {
    let place = Place::new();
    let child =
        spawn(place.script_by_runc("trap 'exit 7' TERM; nc -l -p 8088 -e echo hello & wait; wait; sleep 9"))
            .await
            .unwrap();
    let said = crate::network::first_words(&child, 8088).await;
    assert_eq!(said, "hello\n");
    child.terminate();
    assert_eq!(end(&child).await.code, Some(7));
    assert!(child.trace().groups.iter().all(|group| !group.exists()));
}
