//! Shows what is read from files: `cargo run -p cupola-retrieval --example read FILE …`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::{fs::File, time::Instant};

use cupola_retrieval::{Chunking, Reader, TokenCounter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    cupola_retrieval::read_if_asked();
    let (reader, counter) = (Reader::default(), TokenCounter::of_model("gpt-4o"));
    for name in std::env::args().skip(1) {
        let start = Instant::now();
        match reader.read(&name, File::open(&name)?).await {
            Err(error) => println!("{name}: {}: {error}", error.code()),
            Ok(document) => {
                println!("{name}: {} sections in {:?}", document.sections.len(), start.elapsed());
                for chunk in Chunking::default().cut(&document, &counter)? {
                    println!("--- {} tokens, {:?}\n{}", chunk.tokens, chunk.place, chunk.text);
                }
            }
        }
    }
    Ok(())
}
