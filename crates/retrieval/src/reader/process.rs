//! Reads a document in a process of its own: this binary, started again.
//!
//! The process gets the file as its standard input and the order as an argument, gives up all but computing,
//! and writes the outcome as JSON. Whatever a document does to the code that reads it, it does it there.

use std::{
    env,
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::AsFd,
    panic::{self, AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::{ExitStatus, Stdio, exit},
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    kind::Kind,
    limits::{Limits, size},
    parse::parse,
};
use crate::{Document, Unreadable};

/// The name under which the binary is started again.
const ASKED: &str = "__read-document";
/// The room for calls within each other. Trees are walked by recursion in some parsers.
const STACK: usize = 256 << 20;
/// JSON needs up to six bytes for one of a text.
const MOST_BYTES_PER_BYTE: u64 = 6;
/// Of last words, more is not read.
const LAST_WORDS: u64 = 4 << 10;

type Outcome = Result<Document, Unreadable>;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    kind: Kind,
    limits: Limits,
}

/// Reads a document, if that is what this process was started for; it does not return then. To be called
/// first in `main`.
pub fn read_if_asked() {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|name| name != ASKED) {
        return;
    }
    let order = arguments.next().and_then(|order| serde_json::from_slice(order.as_encoded_bytes()).ok());
    let Some(order) = order else { exit(2) };
    let reader = thread::Builder::new().stack_size(STACK).spawn(move || carry_out(&order));
    let done = reader.ok().and_then(|reader| reader.join().ok()).is_some_and(|written| written.is_ok());
    exit(i32::from(!done))
}

fn carry_out(order: &Order) -> io::Result<()> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    cupola_sandbox::retire(order.limits.memory, order.limits.time)?;
    // The outcome says that it has failed. Nobody would read how.
    panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| parse(order.kind, file, &order.limits)));
    let outcome: Outcome = outcome.unwrap_or_else(|_| Err(stumbled()));
    let mut output = BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut output, &outcome)?;
    output.flush()
}

/// Has a document read.
pub(super) async fn read(kind: Kind, file: File, limits: &Limits) -> Outcome {
    let child = start(&Order { kind, limits: *limits }, file)
        .map_err(|error| failed(format!("The process that reads files did not start: {error}.")))?;
    // If it takes too long, the process is dropped here, which ends it.
    match timeout(limits.time, hear_out(child, limits)).await {
        Ok(heard) => {
            let heard = heard
                .map_err(|error| failed(format!("The process that read the file got lost: {error}.")))?;
            heard.outcome(limits)
        }
        Err(_) => {
            Err(failed(format!("Reading the file took longer than {} seconds.", limits.time.as_secs())))
        }
    }
}

fn start(order: &Order, file: File) -> io::Result<Child> {
    Command::new(this_program()?)
        .arg(ASKED)
        .arg(serde_json::to_string(order)?)
        .env_clear()
        .current_dir("/")
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// On Linux it is there also when its file was replaced by a newer one.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { env::current_exe() }
}

/// What a process has left behind.
struct Heard {
    output: Vec<u8>,
    last_words: String,
    status: ExitStatus,
}

async fn hear_out(mut child: Child, limits: &Limits) -> io::Result<Heard> {
    let most = limits.text.saturating_mul(MOST_BYTES_PER_BYTE);
    let (output, last_words) = (child.stdout.take(), child.stderr.take());
    let (output, last_words) = tokio::try_join!(up_to(most, output), up_to(LAST_WORDS, last_words))?;
    let status = child.wait().await?;
    Ok(Heard { output, last_words: String::from_utf8_lossy(&last_words).into_owned(), status })
}

/// Closes the pipe after that, so that whoever writes more ends.
async fn up_to(most: u64, pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

impl Heard {
    fn outcome(&self, limits: &Limits) -> Outcome {
        if self.status.success() {
            return serde_json::from_slice(&self.output).unwrap_or_else(|_| Err(stumbled()));
        }
        // These are the words of Rust's runtime, which is the one that ends the process.
        Err(if self.last_words.contains("memory allocation of") {
            failed(format!("Reading the file took more than {} of memory.", size(limits.memory)))
        } else if self.last_words.contains("overflowed its stack") {
            failed("The file has too many things within each other to be read.".into())
        } else {
            failed(format!("The process that read the file died ({}).", self.status))
        })
    }
}

fn failed(sentence: String) -> Unreadable {
    Unreadable::Failed(sentence)
}

/// The reader has a fault, which the document met.
pub(super) fn stumbled() -> Unreadable {
    failed("The file has something in it that its reader can't deal with. It may be damaged.".into())
}
