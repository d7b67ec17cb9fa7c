//! What the service and a kernel say to each other: JSON with its length before it.

use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::runtime::Duplex;

/// The longest word of a kernel. It is the code's as much as its own, and may say anything.
const LONGEST: usize = 64 * 1024;
/// The most names in it.
const MOST_FIGURES: usize = 50;

/// An order to a kernel.
#[derive(Debug, Serialize)]
pub struct Order<'a> {
    /// Tells its answer from others.
    pub id: u64,
    /// What is to be run.
    pub code: &'a str,
}

/// What a kernel answers.
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    /// Which order; nothing in the word that says that it is ready.
    #[serde(default)]
    pub id: u64,
    /// Whether the code came to its end.
    #[serde(default)]
    pub completed: bool,
    /// The files that figures have become.
    #[serde(default)]
    pub figures: Vec<String>,
}

/// The service's end.
pub struct Channel {
    stream: Box<dyn Duplex>,
    /// What has come of the next word.
    come: Vec<u8>,
}

impl Channel {
    /// Speaks by this stream.
    pub fn new(stream: Box<dyn Duplex>) -> Self {
        Self { stream, come: Vec::new() }
    }

    /// Sends an order.
    pub async fn send(&mut self, order: &Order<'_>) -> io::Result<()> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, order)?;
        let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.stream.write_all(&bytes).await
    }

    /// The next answer. What has come of it stays when this is dropped.
    pub async fn receive(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(answer) = self.whole()? {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.come).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn whole(&mut self) -> io::Result<Option<Answer>> {
        let Some((length, rest)) = self.come.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST {
            return Err(io::Error::other("a word of the kernel is too long"));
        }
        let Some(word) = rest.get(..length) else { return Ok(None) };
        let mut answer: Answer = serde_json::from_slice(word)?;
        answer.figures.truncate(MOST_FIGURES);
        self.come.drain(..4 + length);
        Ok(Some(answer))
    }
}
