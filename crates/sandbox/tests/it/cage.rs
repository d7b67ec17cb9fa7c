//! What a program may not do.

use cupola_sandbox::StartError;

use crate::root::{Place, run};

#[tokio::test]
async fn a_program_runs_and_is_heard_out() {
    let ended = Place::new().run("echo out; echo err >&2; exit 3").await;
    assert_eq!((ended.output.as_str(), ended.errors.as_str()), ("out\n", "err\n"));
    assert_eq!((ended.exit.code, ended.exit.signal, ended.exit.out_of_memory), (Some(3), None, false));
}

#[tokio::test]
async fn it_has_no_capability_and_gains_none() {
    let ended = Place::new().run("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status").await;
    for line in ended.output.lines().filter(|line| line.starts_with("Cap")) {
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
    assert!(
        ended.output.contains("NoNewPrivs:\t1") && ended.output.contains("Seccomp:\t2"),
        "{}",
        ended.output
    );
}

#[tokio::test]
async fn it_can_neither_mount_nor_unmount() {
    let ended = Place::new()
        .run(
            "mount -t tmpfs none /home; mount -o remount,rw /proc/sys; umount /proc; umount /dev/shm; \
             umount /home/session; unshare -U true; unshare -m true; chroot /bin /busybox true; \
             mknod /tmp/d b 8 0; hostname other; kill -9 1; echo 1 > /proc/sys/kernel/panic; echo end",
        )
        .await;
    assert_eq!(ended.output, "end\n");
    let refused = ended
        .errors
        .lines()
        .filter(|line| ["not permitted", "denied", "Read-only"].iter().any(|words| line.contains(words)));
    assert_eq!(refused.count(), 11, "{}", ended.errors);
}

#[tokio::test]
async fn it_sees_no_process_but_its_own() {
    let ended = Place::new().run("cd /proc; ls -d [0-9]* | wc -l; readlink /proc/1/exe; hostname").await;
    let lines: Vec<&str> = ended.output.lines().collect();
    assert!(lines[0].trim().parse::<u32>().unwrap() <= 3, "{lines:?}");
    assert_eq!(lines[1], "/bin/busybox");
    assert!(lines[2].starts_with("test-"), "{lines:?}");
}

#[tokio::test]
async fn secrets_of_the_machine_are_hidden_and_knobs_are_closed() {
    let ended = Place::new()
        .run(
            "cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts | wc -c; \
             ls /proc/acpi /proc/scsi | wc -l; \
             for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do \
             echo x > $f && echo written; done; \
             ls /sys; ls -A /dev",
        )
        .await;
    assert!(ended.output.starts_with("0\n"), "{ended:?}");
    assert!(!ended.output.contains("written"), "{ended:?}");
    for device in ["full", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"] {
        assert!(ended.output.lines().any(|line| line == device), "{device}: {ended:?}");
    }
    assert!(!ended.output.contains("vda") && !ended.output.contains("mem"), "{ended:?}");
}

#[tokio::test]
async fn it_inherits_no_descriptor() {
    let ended = Place::new().run("ls -l /proc/1/fd").await;
    let open: Vec<&str> = ended.output.lines().filter(|line| line.contains("->")).collect();
    // Standard input, output and error. `ls` itself opens the folder in another process.
    assert_eq!(open.len(), 3, "{open:?}");
    assert!(open[0].contains("/dev/null"), "{open:?}");
}

#[tokio::test]
async fn it_runs_as_the_user_that_the_image_names() {
    let place = Place::new();
    let mut spec =
        place.script("id; touch /home/session/mine && stat -c %u /home/session/mine; ls /home/session");
    spec.user = "app".into();
    let ended = run(spec).await.unwrap();
    assert!(ended.output.starts_with("uid=1000(app) gid=1000(app)"), "{ended:?}");
    assert!(ended.output.ends_with("1000\nmine\n"), "{ended:?}");
    // Outside it is this process's, so that the service can read and remove it.
    let about = std::fs::metadata(place.home().join("mine")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&about), rustix_uid());
}

fn rustix_uid() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap())
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let place = Place::new();
    let mut spec = place.script("");
    spec.command = vec!["serve".into()];
    let error = run(spec).await.unwrap_err();
    assert!(matches!(&error, StartError::Program(text) if text.contains("`serve`")), "{error}");
}

#[tokio::test]
async fn a_program_for_another_processor_is_named() {
    let place = Place::new();
    std::fs::write(place.layer().join("bin/alien"), b"\x7fELFgarbage").unwrap();
    std::fs::set_permissions(
        place.layer().join("bin/alien"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let mut spec = place.script("");
    spec.command = vec!["alien".into()];
    let error = run(spec).await.unwrap_err();
    assert!(matches!(&error, StartError::Program(text) if text.contains("processor")), "{error}");
}
