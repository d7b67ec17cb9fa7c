//! An acknowledged commit survives SIGKILL: a child process commits, is killed, and its file is opened.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use cupola_store::{Durability, SqliteStore};

use crate::making::*;

/// Tells the child which file to write to.
const FILE: &str = "CUPOLA_STORE_TEST_FILE";

/// The child: commits and acknowledges on its standard output, until it is killed.
#[tokio::test]
async fn as_a_child_commit_until_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let store = SqliteStore::open(path.as_ref(), Durability::Full).unwrap();
    for number in 0.. {
        let change = insert(&note(&number.to_string()), "", "", "");
        commit(&store, vec![change]).await;
        println!("\nacknowledged {number}");
    }
}

#[tokio::test]
async fn an_acknowledged_commit_survives_sigkill() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledgements = 0;
    for kill in 1..=5 {
        let file = home.path().join(format!("store{kill}.db"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["durability::as_a_child_commit_until_killed", "--exact", "--nocapture"])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = |line: &String| line.strip_prefix("acknowledged ").map(str::to_owned);
        let mut lines = lines.map_while(Result::ok);
        let mut last = None;
        for line in lines.by_ref() {
            if let Some(number) = acknowledged(&line) {
                last = Some(number);
                acknowledgements += 1;
            }
            if acknowledgements >= kill * 20 {
                break;
            }
        }
        child.kill().unwrap();
        // What it managed to say before it died counts as well.
        last = lines.filter_map(|line| acknowledged(&line)).last().or(last);
        child.wait().unwrap();
        let last: usize = last.unwrap().parse().unwrap();
        let store = SqliteStore::open(&file, Durability::Full).unwrap();
        for number in 0..=last {
            assert!(doc(&store, &note(&number.to_string())).await.is_some(), "{number} of {last} is lost");
        }
    }
}
