//! What can go wrong, as one enum.
//! No variant carries a credential, so errors may be logged.

use std::{path::PathBuf, time::Duration};

use azure_core::{
    error::ErrorKind,
    http::{RawResponse, headers::Headers},
};
use cupola_wire::error::ErrorDetail;
use serde_json::Value;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service answered that it can't or won't.
    #[error("the service answered {status}{}: {message}{}", code_text(code), request_text(request_id))]
    Service {
        /// The HTTP status.
        status: u16,
        /// A word for programs.
        code: Option<String>,
        /// The service's sentence.
        message: String,
        /// The field at fault.
        param: Option<String>,
        /// What the service's operator needs to find the request.
        request_id: Option<String>,
    },
    /// There was no complete answer. A `POST` may have been carried out all the same.
    #[error("no complete answer from the service: {0}")]
    Transport(String),
    /// The credential gave no token.
    #[error("no token from the credential: {0}")]
    Credential(String),
    /// The answer is not what the contract says.
    #[error("can't read the service's answer at `{path}`: {message}")]
    Decode {
        /// Where, for example `data[3].status`.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// The client was set up with something that can't work.
    #[error("{0}")]
    Setup(String),
    /// An argument can't be sent, for example an empty id.
    #[error("{0}")]
    Argument(String),
    /// A run, a response, a file, a vector store or a version was not ready in time. It goes on: get it again, or cancel it.
    #[error("{id} was still {status} after {after:?}")]
    Deadline {
        /// The run, the response, the file, the store or the version.
        id: String,
        /// Where it stood when it was last seen.
        status: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// A version of a hosted agent could not be made.
    #[error("{id} could not be made{}: {message}", code_text(code))]
    VersionFailed {
        /// `NAME:VERSION`.
        id: String,
        /// A word for programs, for example `ImagePullBackOff`.
        code: Option<String>,
        /// The service's sentence.
        message: String,
    },
    /// A run waits for something that functions can't give, for example an approval.
    #[error("run {run_id} waits for `{kind}`, which functions can't answer: answer it or cancel the run")]
    ActionNeeded {
        /// The run.
        run_id: String,
        /// The kind of the required action.
        kind: String,
    },
    /// A response still asked for functions when it had been answered often enough.
    #[error(
        "response {id} still asks for functions after {rounds} rounds: allow more of them, or answer its \
         calls yourself"
    )]
    TooManyRounds {
        /// The response that asks.
        id: String,
        /// How often functions were answered.
        rounds: usize,
    },
    /// The events stopped before the run or the response came to rest. It may go on: get it again.
    #[error("the stream of events broke off: {0}")]
    StreamEnded(String),
    /// A local file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// The HTTP status, where the service answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Service { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the service says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }
}

impl From<azure_core::Error> for Error {
    fn from(error: azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse { raw_response: Some(response), .. } => service_error(response),
            ErrorKind::Credential => Self::Credential(chain(&error)),
            _ => Self::Transport(chain(&error)),
        }
    }
}

/// The error that an answer without success stands for.
pub(crate) fn service_error(response: &RawResponse) -> Error {
    let body: &[u8] = response.body();
    let detail = match serde_json::from_slice::<Value>(body) {
        Ok(value) => error_detail(&value),
        Err(_) => ErrorDetail { message: excerpt(body), ..ErrorDetail::default() },
    };
    Error::Service {
        status: response.status().into(),
        code: detail.code,
        message: detail.message,
        param: detail.param,
        request_id: request_id(response.headers()),
    }
}

/// Reads an error envelope kindly: gateways in front of a service have shapes of their own.
pub(crate) fn error_detail(value: &Value) -> ErrorDetail {
    let error = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
    let text = |name: &str| match error.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    ErrorDetail {
        message: text("message").unwrap_or_else(|| excerpt(value.to_string().as_bytes())),
        kind: text("type"),
        param: text("param"),
        code: text("code"),
    }
}

/// What the layers below say about their own work, which tells nothing about the fault.
const NOISE: [&str; 3] = [
    "non-transport error occurred which will not be retried",
    "retry policy expired and the request will no longer be retried",
    "failed to execute `reqwest` request",
];

/// An error's message and those of its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.to_string();
        if !NOISE.contains(&message.as_str()) && !text.contains(&message) {
            let between = if text.is_empty() { "" } else { ": " };
            text.push_str(between);
            text.push_str(&message);
        }
        next = error.source();
    }
    text
}

fn request_id(headers: &Headers) -> Option<String> {
    const NAMES: [&str; 3] = ["x-request-id", "apim-request-id", "x-ms-request-id"];
    NAMES.iter().find_map(|name| headers.get_optional_str(&(*name).into()).map(str::to_owned))
}

fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 300;
    // On one line, whatever page a gateway made of it.
    let text = String::from_utf8_lossy(body).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return "the answer has no body".to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn code_text(code: &Option<String>) -> String {
    code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default()
}

fn request_text(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default()
}
