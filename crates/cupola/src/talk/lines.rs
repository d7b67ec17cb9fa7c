//! Lines of standard input, read beside everything else.

use std::{io, thread};

use tokio::sync::mpsc;

use crate::failure::Failure;

/// The lines. Nothing is read before somebody asks for the first one.
#[derive(Debug, Default)]
pub struct Lines {
    reader: Option<mpsc::Receiver<io::Result<String>>>,
}

impl Lines {
    /// The next line without its end; nothing at the end of the input.
    pub async fn next(&mut self) -> Result<Option<String>, Failure> {
        let reader = self.reader.get_or_insert_with(start);
        Ok(reader.recv().await.transpose()?)
    }
}

/// Reads in a thread of its own: a read from a terminal can't be given up, and nobody may wait for it when
/// the program ends.
fn start() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
