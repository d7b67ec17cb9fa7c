//! Measures knowledge in this process, for `cargo xtask bench --only knowledge`. Prints one line of JSON.
//!
//! ```text
//! knowledge search CHUNKS QUERIES     how long a search takes among so many chunks, and what it misses
//! knowledge embedding DIR             how fast a model of sentence-transformers is
//! knowledge quality [DIR]             how good searches are, by the labelled set
//! knowledge texts FOLDER FILES BYTES  writes texts, for whoever measures how fast they are taken in
//! ```

mod corpus;
mod embedding;
#[path = "../../tests/quality/gain.rs"]
mod gain;
#[path = "../../tests/quality/labelled.rs"]
mod labelled;
mod quality;
mod search;
mod texts;

use std::{env, error::Error, fmt::Display, time::Duration};

/// As the service has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["search", chunks, queries] => print(&search::measure(chunks.parse()?, queries.parse()?).await?),
        ["embedding", directory] => print(&embedding::measure(directory).await?),
        ["quality"] => print(&quality::measure(None).await?),
        ["quality", directory] => print(&quality::measure(Some(directory)).await?),
        ["texts", folder, files, bytes] => texts::write(folder.as_ref(), files.parse()?, bytes.parse()?)?,
        _ => return Err("say what to measure; the first lines of this program's source list it".into()),
    }
    Ok(())
}

fn print(measured: &dyn Display) {
    println!("{measured}");
}

/// The time that so many percent of all do not exceed, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}
