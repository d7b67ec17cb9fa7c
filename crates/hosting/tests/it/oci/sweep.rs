//! What a service finds that an earlier one left.

use std::{fs, sync::Arc, time::Duration};

use cupola_hosting::{
    Egress, Exit, Limits, OciRuntime, OciSettings, Progress, RunnerChoice, Runtime, SandboxSpec,
};

use super::root::Busybox;

#[tokio::test]
async fn sandboxes_of_an_earlier_service_are_ended_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("home")).unwrap();
    let images = Arc::new(Busybox::make(folder.path()));
    let settings = OciSettings { state: folder.path().join("state"), runner: RunnerChoice::Builtin };
    let earlier = OciRuntime::open(settings.clone(), Arc::clone(&images) as _).await.unwrap();
    let prepared = earlier.prepare(&images.source(), &|_: Progress| {}).await.unwrap();
    let spec = SandboxSpec {
        id: format!("left-{}", std::process::id()),
        environment: [("SCRIPT".to_owned(), "exec sleep 1000".to_owned())].into(),
        port: 8088,
        home: folder.path().join("home"),
        mounts: Vec::new(),
        limits: Limits {
            cpu_millis: 500,
            memory_bytes: 64 << 20,
            processes: 16,
            disk_bytes: 1 << 20,
            home_bytes: 1 << 30,
        },
        egress: Egress::None,
        service: "127.0.0.1:1".parse().unwrap(),
        logs: Arc::default(),
    };
    let id = spec.id.clone();
    let left = earlier.start(&prepared, spec).await.unwrap();

    let later = OciRuntime::open(settings, images).await.unwrap();
    assert_eq!(later.sweep().await.unwrap(), [id]);
    let mut exit = left.exit();
    let exit = exit.wait_for(Option::is_some).await.unwrap().unwrap();
    assert_eq!(exit, Exit { code: None, signal: Some(9), out_of_memory: false });
    assert_eq!(later.sweep().await.unwrap(), Vec::<String>::new());
    left.stop(Duration::ZERO).await;
}
