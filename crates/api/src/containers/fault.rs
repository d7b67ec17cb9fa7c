//! What can go wrong with a container, for clients and for models.

use cupola_interpreter::{NotSetUp, StartFault};
use cupola_store::StoreError;

use crate::ApiError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ContainerFault {
    /// There is no such container.
    #[error("Container '{0}' not found.")]
    Missing(String),
    /// Nobody has used it for too long.
    #[error("The container '{0}' has expired: its files and variables are gone. Create another one.")]
    Expired(String),
    /// It holds as much as it may.
    #[error("The container '{container}' would hold more than the {most} bytes that fit into it.")]
    Full {
        /// Which.
        container: String,
        /// How much fits into it.
        most: u64,
    },
    /// An uploaded file is not there.
    #[error("File '{0}' not found.")]
    NoFile(String),
    /// Nothing is free to run code.
    #[error("All interpreters are busy, and none became free in time (code_interpreter.max_interpreters).")]
    Busy,
    /// No interpreter could be started.
    #[error(transparent)]
    NotStarted(#[from] StartFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be carried in or out.
    #[error("A file of the container could not be copied: {0}")]
    Copy(#[from] std::io::Error),
    /// The service ends.
    #[error("The service is stopping.")]
    Stopping,
}

impl ContainerFault {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::NoFile(_) => "not_found",
            Self::Expired(_) => "container_expired",
            Self::Full { .. } => "container_full",
            Self::Busy => "code_interpreter_busy",
            Self::NotStarted(StartFault::NotSetUp(_)) => NotSetUp::CODE,
            Self::NotStarted(StartFault::Failed(_)) => "code_interpreter_failed",
            Self::Store(_) | Self::Copy(_) => "server_error",
            Self::Stopping => "draining",
        }
    }
}

impl From<ContainerFault> for ApiError {
    fn from(fault: ContainerFault) -> Self {
        let (code, message) = (fault.code(), fault.to_string());
        match fault {
            ContainerFault::Missing(id) => Self::missing("Container", &id),
            ContainerFault::NoFile(id) => Self::missing("File", &id),
            ContainerFault::Full { .. } => Self::too_large(code, message),
            ContainerFault::Store(error) => error.into(),
            ContainerFault::Copy(error) => StoreError::from(error).into(),
            _ => Self::invalid(message).code(code),
        }
    }
}
