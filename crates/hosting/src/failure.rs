//! Why a version can't run, or a sandbox did not come up, in words for the people who made the image.

use std::fmt;

/// What kind of failure it is, under the name that the wire has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The image could not be fetched: it does not exist, or the registry refuses or can't be reached.
    ImagePullBackOff,
    /// The image was fetched and can't be run: wrong architecture, damaged, nothing to start.
    InvalidContainerImage,
    /// Hosting is switched off, or nothing on this machine can run an image.
    CapabilityHostNotFound,
    /// The agent asks for a protocol, or a version of one, that is not spoken here.
    ProtocolVersionNotSupported,
    /// The container started and did not become ready.
    ContainerProbesFailed,
    /// The code package can't be run.
    CodeError,
    /// This machine could not give the sandbox what it needs: disk, memory, a working daemon.
    SandboxUnavailable,
}

impl Code {
    /// As the wire has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImagePullBackOff => "ImagePullBackOff",
            Self::InvalidContainerImage => "InvalidContainerImage",
            Self::CapabilityHostNotFound => "CapabilityHostNotFound",
            Self::ProtocolVersionNotSupported => "ProtocolVersionNotSupported",
            Self::ContainerProbesFailed => "ContainerProbesFailed",
            Self::CodeError => "CodeError",
            Self::SandboxUnavailable => "SandboxUnavailable",
        }
    }
}

/// A failure: what happened, where, and what to do, in sentences that a client may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// Sentences for the client. No secret stands in them.
    pub message: String,
}

impl Failure {
    /// A failure with these words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Failure {}
