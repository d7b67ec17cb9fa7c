//! What differs from run to run, replaced by what it means: ids are numbered in the order in which they
//! appear, and times are told from now.

use std::{
    collections::HashMap,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use regex::{Captures, Regex};

static ID: LazyLock<Regex> = LazyLock::new(|| {
    let classic = r"(asst|thread|msg|run|step|call|req|vs)_[0-9A-Za-z]{24}";
    let batch = r"(vsfb)_[0-9a-f]{32}";
    let partitioned = r"([a-z][a-z0-9]*)_[0-9a-f]{16}00[0-9A-Za-z]{32}";
    Regex::new(&format!(r"\b(?:{classic}|{batch}|{partitioned}|(assistant)-[0-9A-Za-z]{{22}})\b")).unwrap()
});
static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""(\w+_at)":( ?)(\d{9,})"#).unwrap());

/// A text without ids and times.
pub fn redacted(text: &str) -> String {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let text = ID.replace_all(text, |found: &Captures<'_>| {
        let kind = found.iter().skip(1).flatten().next().unwrap().as_str().to_owned();
        let name = seen.entry(found[0].to_owned()).or_insert_with(|| {
            let count = counts.entry(kind.clone()).or_default();
            *count += 1;
            format!("<{kind} {count}>")
        });
        name.clone()
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    TIME.replace_all(&text, |found: &Captures<'_>| {
        let ahead = found[3].parse::<u64>().unwrap().saturating_sub(now);
        let told = match (ahead + 30) / 60 {
            0 => "now".to_owned(),
            minutes if minutes % 60 == 0 => format!("in {} h", minutes / 60),
            minutes => format!("in {minutes} min"),
        };
        format!(r#""{}":{}"<{told}>""#, &found[1], &found[2])
    })
    .into_owned()
}
