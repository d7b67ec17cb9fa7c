//! Reads the body of an accepted request and yields the deltas of the answer.

use std::{collections::VecDeque, str, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::{
    assemble::{Assembler, Trouble},
    chunk::Chunk,
    send::{Opened, cause},
    sse::Decoder,
    words::{Complaint, Origin},
};
use crate::{Fault, FaultKind, ModelDelta, ModelStream};

/// The longest event, and the longest answer that comes in one piece.
const LIMIT: usize = 32 * 1024 * 1024;

/// How much of the beginning is kept to quote it if no answer comes.
const HEAD: usize = 4096;

/// How long the usage may take after the answer is complete.
const AFTER_FINISH: Duration = Duration::from_secs(2);

/// The answer as a stream.
pub(crate) fn read(opened: Opened, idle: Duration, origin: Arc<Origin>) -> ModelStream {
    let reader = Box::new(Reader {
        response: Some(opened.response),
        rest: None,
        next_by: opened.first_byte_by,
        idle,
        form: Form::Unknown,
        fault: None,
        head: Vec::new(),
        answer: Answer { assembler: Assembler::default(), deltas: VecDeque::new(), end: None },
        origin,
    });
    Box::pin(stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        Some((item, reader))
    }))
}

struct Reader {
    /// `None` once everything was read.
    response: Option<Response>,
    /// What came after the answer's end, and was not read yet.
    rest: Option<Response>,
    next_by: Instant,
    idle: Duration,
    form: Form,
    /// What comes after the deltas that were read before it.
    fault: Option<Fault>,
    head: Vec<u8>,
    answer: Answer,
    origin: Arc<Origin>,
}

/// How the answer comes. Its first byte tells, which is more reliable than its content type.
enum Form {
    Unknown,
    Events(Decoder),
    /// One JSON text, from servers that ignore `stream`; or an error page.
    Whole(Vec<u8>),
}

struct Answer {
    assembler: Assembler,
    deltas: VecDeque<ModelDelta>,
    end: Option<End>,
}

/// How an answer ended, other than by the end of the body.
enum End {
    /// `[DONE]`.
    Done,
    /// The upstream reported an error, or sent this instead of a chunk.
    Failed(FaultKind, &'static str, String),
}

impl Reader {
    async fn next(&mut self) -> Option<Result<ModelDelta, Fault>> {
        loop {
            if let Some(delta) = self.answer.deltas.pop_front() {
                return Some(Ok(delta));
            }
            if let Some(fault) = self.fault.take() {
                return Some(Err(fault));
            }
            if let Err(fault) = self.read_more().await? {
                self.response = None;
                // After the finish the answer stands, whatever happens to the connection.
                self.fault = (!self.answer.assembler.finished()).then_some(fault);
            }
        }
    }

    /// Reads the next bytes; `None` if there is nothing more to read.
    async fn read_more(&mut self) -> Option<Result<(), Fault>> {
        let response = self.response.as_mut()?;
        let next_by = if self.answer.assembler.finished() {
            self.next_by.min(Instant::now() + AFTER_FINISH)
        } else {
            self.next_by
        };
        Some(match timeout_at(next_by, response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.next_by = Instant::now() + self.idle;
                self.take(&bytes)
            }
            Ok(Ok(None)) => {
                self.response = None;
                self.close()
            }
            Ok(Err(error)) => Err(self.broke_off(&cause(&error))),
            Err(_) => Err(self.hangs()),
        })
    }

    fn take(&mut self, bytes: &Bytes) -> Result<(), Fault> {
        if self.head.len() < HEAD && self.answer.assembler.is_empty() {
            self.head.extend_from_slice(&bytes[..bytes.len().min(HEAD)]);
        }
        if matches!(self.form, Form::Unknown) {
            self.form = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(()),
                Some(b'{' | b'[' | b'<') => Form::Whole(Vec::new()),
                Some(_) => Form::Events(Decoder::new(LIMIT)),
            };
        }
        let answer = &mut self.answer;
        let too_long = match &mut self.form {
            Form::Unknown => false,
            Form::Events(decoder) => decoder.feed(bytes, |event| answer.event(event.data)).is_err(),
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                body.len() > LIMIT
            }
        };
        if too_long {
            return Err(self.origin.fault(FaultKind::Broken, "sent more than 32 MiB in one piece", ""));
        }
        self.after_events()
    }

    /// The body is over.
    fn close(&mut self) -> Result<(), Fault> {
        let answer = &mut self.answer;
        match &mut self.form {
            Form::Unknown => {}
            Form::Events(decoder) => {
                // At the end there is nothing left that could be too long.
                let _ = decoder.finish(|event| answer.event(event.data));
            }
            Form::Whole(body) => answer.whole(body),
        }
        self.after_events()?;
        let assembler = &self.answer.assembler;
        if assembler.finished() {
            return Ok(());
        }
        if assembler.is_empty() {
            let words = Complaint::read(&self.head).message;
            let what =
                if words.trim().is_empty() { "sent an empty answer" } else { "sent no answer, but this" };
            return Err(self.origin.fault(FaultKind::Broken, what, &words));
        }
        Err(self.broke_off("the connection was closed"))
    }

    fn after_events(&mut self) -> Result<(), Fault> {
        match self.answer.end.take() {
            None => {}
            Some(End::Failed(kind, what, words)) => return Err(self.origin.fault(kind, what, &words)),
            Some(End::Done) => {
                self.rest = self.response.take();
                self.answer.assembler.end(&mut self.answer.deltas).map_err(|t| self.trouble(&t))?;
                if !self.answer.assembler.finished() {
                    return Err(self.origin.fault(FaultKind::Broken, "sent an empty answer", ""));
                }
            }
        }
        Ok(())
    }

    fn trouble(&self, trouble: &Trouble) -> Fault {
        self.origin.fault(FaultKind::Broken, describe(trouble), "")
    }

    fn broke_off(&self, why: &str) -> Fault {
        self.origin.fault(FaultKind::Broken, "broke off in the middle of its answer", why)
    }

    fn hangs(&self) -> Fault {
        let what = if self.head.is_empty() {
            "accepted the request but sent nothing in time".to_owned()
        } else {
            format!("sent nothing more for {:?} in the middle of its answer", self.idle)
        };
        self.origin.fault(FaultKind::Timeout, &what, "")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Not before: by now the end of the body has usually come, and nobody has to wait for it.
        if let Some(rest) = self.rest.take() {
            drain(rest);
        }
    }
}

impl Answer {
    fn event(&mut self, data: &[u8]) {
        if self.end.is_some() {
            return;
        }
        if data.trim_ascii() == b"[DONE]" {
            self.end = Some(End::Done);
        } else {
            self.chunk(data);
        }
    }

    fn whole(&mut self, body: &[u8]) {
        self.chunk(body);
        if self.end.is_none() {
            self.end = Some(End::Done);
        }
    }

    fn chunk(&mut self, json: &[u8]) {
        let parsed = str::from_utf8(json).ok().and_then(|json| serde_json::from_str::<Chunk<'_>>(json).ok());
        let Some(chunk) = parsed else {
            return self.fail(FaultKind::Broken, "sent something that is not a chat completion", json);
        };
        // `choices` may be empty, but a chunk without it is something else.
        if chunk.error.is_some() || (chunk.choices.is_none() && chunk.usage.is_none()) {
            let kind = Complaint::read(json).kind();
            return self.fail(kind, "reported an error", json);
        }
        if let Err(trouble) = self.assembler.accept(chunk, &mut self.deltas) {
            self.fail(FaultKind::Broken, describe(&trouble), json);
        }
    }

    fn fail(&mut self, kind: FaultKind, what: &'static str, body: &[u8]) {
        self.end = Some(End::Failed(kind, what, Complaint::read(body).message));
    }
}

fn describe(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Arguments => "asked for a call with arguments that are no JSON text",
        Trouble::NamelessCall => "asked for a call without naming the function",
    }
}

/// Reads the rest of a body, so that its connection can serve the next call.
fn drain(mut response: Response) {
    if matches!(response.chunk().now_or_never(), Some(Ok(None) | Err(_))) {
        return;
    }
    tokio::spawn(async move {
        let by = Instant::now() + Duration::from_secs(1);
        while let Ok(Ok(Some(_))) = timeout_at(by, response.chunk()).await {}
    });
}
