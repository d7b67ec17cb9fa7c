//! Hosted agents: what they are, their sessions, and the files and logs of those.

mod definition;
mod files;
mod logs;
mod session;

pub use definition::{
    CodeConfiguration, ContainerConfiguration, DependencyResolution, HostedDefinition, ProtocolVersion,
    SessionConfiguration,
};
pub use files::{FileEntry, FileStat, FolderPage, UploadedFile};
pub use logs::{LogSource, SessionInfo, SessionLog, SessionLogLine};
pub use session::{AgentSession, CreateSession, SessionStatus, VersionIndicator};
