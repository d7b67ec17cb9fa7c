//! A full disk: clear answers while it lasts, and nothing lost when it is over.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    caller::{Answer, Caller, PAUSE},
    kills::create_agent,
    server::Server,
    signals::completed,
};

/// A file system of its own, small enough to fill.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// `None` where this user may not mount anything.
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m,mode=0700", "cupola-test"])
            .arg(&path)
            .stderr(std::process::Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(Self { path }),
            _ => None,
        }
    }

    /// Takes all the space there is.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives it back.
    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

fn small_disk(home: &Path) -> Option<SmallDisk> {
    let disk = SmallDisk::mount(home.join("data"));
    if disk.is_none() {
        println!("skipped: only root may mount the small file system that this test fills");
    }
    disk
}

fn assert_full(answer: &Answer) {
    let Answer::Answered(status, body) = answer else { panic!("no answer") };
    assert_eq!(*status, StatusCode::INSUFFICIENT_STORAGE, "{body}");
    assert_eq!(body["error"]["code"], "storage_full", "{body}");
}

async fn thread_with_run(caller: &Caller, agent: &str, says: &str) -> Value {
    let body = json!({"assistant_id": agent, "thread": {"messages": [{"role": "user", "content": says}]}});
    caller.post("/threads/runs", &body).await.unwrap()
}

fn path_of(run: &Value) -> String {
    format!("/threads/{}/runs/{}", run["thread_id"].as_str().unwrap(), run["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_clearly_and_a_run_under_way_completes_when_there_is_space_again() {
    let home = tempfile::tempdir().unwrap();
    let Some(disk) = small_disk(home.path()) else { return };
    let server = Server::start(&disk.path);
    let caller = Caller::new(&disk.path, server.listen()).await;
    let agent = create_agent(&caller).await;
    let thread = caller.post("/threads", &json!({})).await.unwrap();
    let thread = format!("/threads/{}", thread["id"].as_str().unwrap());
    let run = path_of(&thread_with_run(&caller, &agent, "slow").await);

    disk.fill();
    let post = async |path: &str, body: Value| caller.ask(Method::POST, path, Some(&body)).await;
    assert_full(&post("/assistants", json!({"model": "m"})).await);
    assert_full(&post("/threads", json!({})).await);
    assert_full(&post(&format!("{thread}/messages"), json!({"role": "user", "content": "hi"})).await);
    assert_full(&post(&format!("{thread}/runs"), json!({"assistant_id": &*agent})).await);
    assert_full(&caller.ask(Method::DELETE, &thread, None).await);
    assert_full(&caller.upload(vec![7; 100_000]).await);
    // Reading needs no space, and the answer that can't be written is not lost.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = caller.get(&run).await;
    assert!(matches!(seen["status"].as_str(), Some("queued" | "in_progress")), "{seen}");

    disk.free();
    completed(&caller, &run).await;
    let messages = caller.all(&format!("{}/messages", run.split("/runs").next().unwrap())).await;
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(caller.all(&format!("{thread}/messages")).await, Vec::<Value>::new());
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_and_cancellations_are_answered_while_the_disk_is_full() {
    let home = tempfile::tempdir().unwrap();
    let Some(disk) = small_disk(home.path()) else { return };
    let server = Server::start(&disk.path);
    let caller = Caller::new(&disk.path, server.listen()).await;
    let agent = create_agent(&caller).await;
    let run = path_of(&thread_with_run(&caller, &agent, "ask x").await);
    let other = path_of(&thread_with_run(&caller, &agent, "ask y").await);
    let waiting = waiting(&caller, &run).await;
    self::waiting(&caller, &other).await;

    disk.fill();
    let call = &waiting["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "found"}]});
    let submit = format!("{run}/submit_tool_outputs");
    assert_full(&caller.ask(Method::POST, &submit, Some(&outputs)).await);
    assert_full(&caller.ask(Method::POST, &format!("{other}/cancel"), None).await);

    disk.free();
    // Refused means not done: the same outputs are accepted now.
    let queued = caller.post(&submit, &outputs).await.unwrap();
    assert_eq!(queued["status"], "queued");
    completed(&caller, &run).await;
    assert_eq!(caller.get(&other).await["status"], "requires_action");
    drop(server);
}

async fn waiting(caller: &Caller, run: &str) -> Value {
    loop {
        let seen = caller.get(run).await;
        if seen["status"] == "requires_action" {
            return seen;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
