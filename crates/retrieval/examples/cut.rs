//! Says how fast a file is cut: `cargo run --release -p cupola-retrieval --example cut FILE`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::time::Instant;

use cupola_retrieval::{Chunking, Document, Place, Section, TokenCounter};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("Name a file of text.")?;
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let megabytes = text.len() as f64 / 1e6;
    let document = Document { sections: vec![Section { text, place: Place::default() }] };
    let counter = TokenCounter::of_model("gpt-4o");
    for _ in 0..3 {
        let start = Instant::now();
        let chunks = Chunking::default().cut(&document, &counter)?;
        let speed = megabytes / start.elapsed().as_secs_f64();
        println!("{} chunks, {speed:.1} MB/s", chunks.len());
    }
    Ok(())
}
