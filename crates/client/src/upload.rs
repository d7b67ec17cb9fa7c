//! A file on its way to the service, as a multipart form.

use std::path::Path;

use azure_core::Uuid;
use bytes::Bytes;

use crate::{Error, Result};

/// What a file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilePurpose {
    /// For the tools of agents.
    #[default]
    Assistants,
    /// Written by the tools of agents.
    AssistantsOutput,
    /// Images in messages.
    Vision,
}

impl FilePurpose {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assistants => "assistants",
            Self::AssistantsOutput => "assistants_output",
            Self::Vision => "vision",
        }
    }
}

/// A file to upload: its name, its bytes and what it is for.
#[derive(Clone, Debug)]
pub struct Upload {
    name: String,
    bytes: Bytes,
    purpose: FilePurpose,
}

impl Upload {
    /// A file from memory.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), purpose: FilePurpose::default() }
    }

    /// A file from disk, under its own name.
    pub async fn path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::File { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
        let bytes = tokio::fs::read(path).await.map_err(failed)?;
        Ok(Self::bytes(name.to_string_lossy(), bytes))
    }

    /// The same file for another purpose.
    pub fn with_purpose(self, purpose: FilePurpose) -> Self {
        Self { purpose, ..self }
    }

    /// The content type and the body of the form.
    pub(crate) fn form(&self) -> (String, Bytes) {
        // Nobody can have guessed it, so no file contains it.
        let boundary = format!("cupola-{}", Uuid::new_v4());
        let head = format!(
            "--{boundary}\r\n\
             Content-Disposition: form-data; name=\"purpose\"\r\n\r\n{}\r\n\
             --{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.purpose.as_str(),
            quoted(&self.name),
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let form = [head.as_bytes(), &self.bytes, tail.as_bytes()].concat();
        (format!("multipart/form-data; boundary={boundary}"), form.into())
    }
}

/// A file name as browsers write it into a form: only quotes and line ends are escaped.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
