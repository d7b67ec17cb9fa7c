//! What a sandbox may use, seen from inside.

use std::time::Duration;

use super::host::Host;

#[tokio::test]
async fn who_wants_more_memory_than_it_may_have_is_killed_and_told_so() {
    let host = Host::new("memory").await;
    let shell = host.shell().await;
    // Awk holds the string that it doubles.
    let hog = r#"exec awk 'BEGIN { s = "x"; while (1) s = s s }'"#;
    let running = host.start(&shell, host.spec("one", hog)).await;
    let exit = running.ended().await;
    assert!(exit.out_of_memory, "{exit:?}: {}", running.text(None));
    assert_eq!(exit.to_string(), "was killed because it used more memory than its limit");
    running.sandbox.stop(Duration::ZERO).await;
    host.close().await;
}

#[tokio::test]
async fn who_forks_without_end_is_held_to_its_processes() {
    let host = Host::new("forks").await;
    let shell = host.shell().await;
    let bomb = "f() { f | f & }; f 2>/dev/null; i=0; while [ $i -lt 200 ]; do i=$((i+1)); done; echo alive";
    let running = host.start(&shell, host.spec("one", bomb)).await;
    running.sandbox.exit();
    // Ended by itself or not: it is stopped, and while it ran, it never had more than it may have.
    let seen = processes(&host, "one").await;
    assert!(seen <= 32, "{seen} processes");
    running.sandbox.stop(Duration::ZERO).await;
    // What tells of it must need no process of its own: there is none left.
    let too_many = "(for i in $(seq 50); do sleep 1 & done) 2>/tmp/said; while read -r line; do echo \"$line\"; done </tmp/said";
    let printed = host.print(&shell, too_many).await;
    assert!(printed.contains("can't fork"), "{printed}");
    host.close().await;
}

/// How many processes the daemon counts in a sandbox; none once it has ended.
async fn processes(host: &Host, id: &str) -> usize {
    let name = format!("cupola-{}-{id}", host.settings.owner);
    let top = host.docker.top_processes(&name, None::<bollard::query_parameters::TopOptions>).await;
    top.ok().and_then(|top| top.processes).map_or(0, |rows| rows.len())
}

#[tokio::test]
async fn the_limits_stand_where_a_program_reads_them() {
    let host = Host::new("quota").await;
    let shell = host.shell().await;
    let script = "cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.max memory.max pids.max; else \
        echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us); \
        cat memory/memory.limit_in_bytes pids/pids.max; fi";
    assert_eq!(host.print(&shell, script).await, "50000 100000\n67108864\n32");
    host.close().await;
}

#[tokio::test]
async fn a_sandbox_has_no_capabilities_and_gains_none() {
    let host = Host::new("capabilities").await;
    let shell = host.shell().await;
    let status = host.print(&shell, "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status").await;
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{status}"));
        line.rsplit('\t').next().unwrap().to_owned()
    };
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(value(name), "0000000000000000", "{name}");
    }
    assert_eq!((value("NoNewPrivs"), value("Seccomp:")), ("1".to_owned(), "2".to_owned()));
    let refused = host.print(&shell, "mount -t tmpfs none /www || chown 1 /www || echo refused").await;
    assert_eq!(refused, "refused");
    host.close().await;
}

#[tokio::test]
async fn the_folder_for_temporary_files_has_an_end() {
    let host = Host::new("tmp").await;
    let shell = host.shell().await;
    let mut spec = host.spec("one", "dd if=/dev/zero of=/tmp/x bs=1M count=8 2>/dev/null || echo full");
    spec.limits.disk_bytes = 4 << 20;
    assert_eq!(host.print_with(&shell, spec).await, "full");
    host.close().await;
}

#[tokio::test]
async fn what_is_written_outside_of_the_home_is_measured_where_nothing_limits_it() {
    let host = Host::new("written").await;
    let shell = host.shell().await;
    let script = "mkdir -p /tmp/out; dd if=/dev/zero of=/www/big bs=1M count=8 2>&1; echo written; sleep 60";
    let running = host.start(&shell, host.spec("one", script)).await;
    running.says("written").await;
    match running.sandbox.written().await {
        Some(bytes) => assert!((8 << 20..9 << 20).contains(&bytes), "{bytes}: {}", running.text(None)),
        None => assert!(host.runtime.lacks().iter().all(|lack| !lack.contains("no quotas"))),
    }
    running.sandbox.stop(Duration::ZERO).await;
    host.close().await;
}
