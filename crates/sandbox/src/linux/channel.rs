//! What the helper and the process that started it say to each other: JSON with its length before it.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{StartError, spec::Spec};

/// A specification with a large environment is some hundred kilobytes.
const LONGEST: u32 = 16 * 1024 * 1024;

/// The first word, to the helper.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// What to start.
    pub spec: Spec,
    /// Whether this process may do as it likes, or has to enter a user namespace of its own first.
    pub privileged: bool,
    /// The name of its control groups.
    pub group: String,
    /// Whether there is a control group that counts processes.
    pub processes_are_counted: bool,
}

/// The second word, to the first process of the sandbox: it is known, and may become the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Go;

/// A word from the helper. When the channel ends without a failure, the program runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The number of the sandbox's first process.
    Process(i32),
    /// Something that could not be had, and the sandbox starts without.
    Warning(String),
    /// The first process is ready, and will not outlive the service. It waits for [`Go`].
    Ready,
    /// It does not start.
    Failed(StartError),
}

/// Sends a word.
pub(crate) fn send(mut to: &UnixStream, word: &impl Serialize) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, word)?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("the specification is longer than 16 MiB"))?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    // In one piece: the two processes of a helper may speak at the same time.
    to.write_all(&bytes)
}

/// Receives a word, or nothing at the end.
pub(crate) fn receive<T: DeserializeOwned>(mut from: &UnixStream) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    }
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("a word longer than 16 MiB"));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}
