//! What a program sees, and what it may write.

use std::{fs, os::unix::fs::symlink};

use cupola_sandbox::{Bind, Root};

use crate::root::{MIB, Place, run};

#[tokio::test]
async fn what_is_written_to_the_image_stays_in_the_sandbox() {
    let place = Place::new();
    let ended =
        place.run("echo changed > /etc/passwd && mkdir /new && rm /bin/true && cat /etc/passwd").await;
    assert_eq!(ended.output, "changed\n", "{ended:?}");
    assert!(fs::read_to_string(place.layer().join("etc/passwd")).unwrap().starts_with("root"));
    assert!(!place.layer().join("new").exists());
    assert!(place.layer().join("bin/true").symlink_metadata().is_ok());
}

#[tokio::test]
async fn upper_layers_cover_lower_ones_and_may_come_twice() {
    let place = Place::new();
    let upper = place.folder.path().join("upper");
    fs::create_dir_all(upper.join("etc")).unwrap();
    fs::write(upper.join("etc/motd"), "above").unwrap();
    fs::write(place.layer().join("etc/motd"), "below").unwrap();
    let mut spec = place.script("cat /etc/motd");
    spec.root = Root::Layers(vec![upper.clone(), place.layer(), upper.clone(), upper]);
    assert_eq!(run(spec).await.unwrap().output, "above");
}

#[tokio::test]
async fn the_home_is_kept() {
    let place = Place::new();
    let first = place.run("pwd; echo kept > $HOME/note; mkdir $HOME/deep").await;
    assert_eq!(first.output, "/\n");
    assert_eq!(fs::read_to_string(place.home().join("note")).unwrap(), "kept\n");
    assert_eq!(place.run("cat $HOME/note; ls $HOME").await.output, "kept\ndeep\nnote\n");
}

#[tokio::test]
async fn what_is_bound_read_only_can_be_read_only() {
    let place = Place::new();
    let secret = place.folder.path().join("token");
    fs::write(&secret, "abc").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut spec = place.script("cat /run/secrets/token; echo x > /run/secrets/token");
    spec.user = "app".into();
    spec.binds.push(Bind { from: secret.clone(), to: "/run/secrets/token".into(), writable: false });
    let ended = run(spec).await.unwrap();
    assert_eq!(ended.output, "abc");
    assert!(ended.errors.contains("Read-only"), "{ended:?}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "abc");
}

#[tokio::test]
async fn links_in_an_image_lead_nowhere_outside() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(place.layer().join("etc")).unwrap();
    symlink(&outside, place.layer().join("etc")).unwrap();
    fs::remove_dir_all(place.layer().join("home")).unwrap();
    symlink("../../../../../../..", place.layer().join("home")).unwrap();
    // It may start or not; nothing outside is touched.
    let _ = run(place.script("true")).await;
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert!(!std::path::Path::new("/session").exists());
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let place = Place::new();
    let ended = place
        .run(
            "dd if=/dev/zero of=/big bs=1M count=64; dd if=/dev/zero of=/tmp/big bs=1M count=64; \
              dd if=/dev/zero of=/dev/shm/big bs=1M count=64; echo still here",
        )
        .await;
    assert_eq!(ended.errors.matches("No space left on device").count(), 3, "{ended:?}");
    assert_eq!(ended.output, "still here\n");
    assert!(!ended.exit.out_of_memory);
}

#[tokio::test]
async fn a_flood_of_empty_files_ends_too() {
    let place = Place::new();
    let mut spec = place.script("i=0; while true > /tmp/$i; do i=$((i+1)); done; echo $i");
    spec.limits.disk_bytes = MIB;
    let ended = run(spec).await.unwrap();
    assert!(ended.errors.contains("No space left"), "{ended:?}");
}

#[tokio::test]
async fn the_system_of_the_machine_is_read_only_and_the_rest_of_it_absent() {
    let place = Place::new();
    let mut spec = place.script(
        "ls -A / | tr '\\n' ' '; echo; ls -A /etc | tr '\\n' ' '; echo; \
         for f in /x /usr/x /etc/x /bin/x /dev/x /home/x; do true > $f && echo wrote $f; done; \
         true > /tmp/x && true > /home/session/x && echo fine; cat /etc/shadow /root/.bashrc",
    );
    let host = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ssl"];
    spec.root =
        Root::Host(host.map(std::path::PathBuf::from).into_iter().filter(|path| path.exists()).collect());
    spec.files.insert("/etc/passwd".into(), "session:x:1000:1000::/home/session:/bin/sh\n".into());
    spec.user = "session".into();
    spec.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    let ended = run(spec).await.unwrap();
    let lines: Vec<&str> = ended.output.lines().collect();
    assert!(!lines[0].contains("root") && !lines[0].contains("var") && lines[0].contains("usr"), "{ended:?}");
    assert!(lines[1].starts_with("hosts ld.so.cache passwd"), "{ended:?}");
    assert_eq!(lines[2..], ["fine"], "{ended:?}");
    assert!(place.home().join("x").exists());
}
