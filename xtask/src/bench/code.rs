//! Programs that have code run: in containers of their own, by the built-in model, which runs what it is given.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::flow::BASE;

/// What the code writes, and what the model says then.
const ANSWER: &str = "The code wrote: 2";
/// What tells a kernel from other processes.
const KERNEL: &str = "/opt/cupola/kernel.py";

#[derive(Deserialize)]
struct Container {
    id: String,
}

/// The deployment that runs what it is given.
pub const CONFIGURATION: &str = "[models.deployments.offline]\nprovider = \"builtin\"\n";

/// Makes a container; nothing runs in it yet.
pub fn make(client: &mut Client) -> Result<String> {
    let answer = client.post(&format!("{BASE}/openai/v1/containers"), r#"{"name":"bench"}"#)?;
    let container: Container = serde_json::from_slice(&answer).context("no container")?;
    Ok(container.id)
}

/// Has code run in a container, and checks what came of it.
pub fn run(client: &mut Client, container: &str, code: &str) -> Result<()> {
    let tool = json!({"type": "code_interpreter", "container": container});
    let answer = ask(client, &format!("```python\n{code}\n```"), &json!([tool]))?;
    ensure!(answer.contains(ANSWER), "the code came to {answer}");
    Ok(())
}

/// Asks the same model for an answer without code.
pub fn say(client: &mut Client) -> Result<()> {
    ask(client, "Hello", &json!([])).map(drop)
}

fn ask(client: &mut Client, input: &str, tools: &serde_json::Value) -> Result<String> {
    let body = json!({"model": "offline", "input": input, "tools": tools, "store": false});
    let answer = client.post(&format!("{BASE}/openai/v1/responses"), body.to_string())?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The memory of each kernel of a service in MiB; what several share counts in parts.
pub fn memory_of_kernels(service: u32) -> Result<Vec<f64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("processes cannot be listed")? {
        let path = entry?.path();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
        let is_child = read("status").lines().any(|line| line == format!("PPid:\t{service}"));
        if !is_child || !read("cmdline").contains(KERNEL) {
            continue;
        }
        let kibibytes = read("smaps_rollup").lines().find_map(|line| {
            line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()
        });
        found.extend(kibibytes.map(|kibibytes| kibibytes / 1024.0));
    }
    Ok(found)
}
