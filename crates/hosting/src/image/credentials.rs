//! What a registry is told: what a connection says, else what the Docker configuration file says.

use std::fmt;

use super::{DockerConfig, Reference};
use crate::{Failure, ImageSource, RegistryCredentials};

/// Who is asking. The secrets in it appear in no message.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// A name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token for the registry itself.
    Bearer(String),
    /// A token that is exchanged for one for the registry, as `docker login` keeps it.
    Identity(String),
}

impl Credentials {
    /// What the registry of `reference` is told about `source`.
    pub async fn of(
        source: &ImageSource,
        reference: &Reference,
        config: Option<&DockerConfig>,
    ) -> Result<Self, Failure> {
        match (&source.credentials, config) {
            (Some(given), _) => Ok(given.into()),
            (None, Some(config)) => config.credentials(reference.registry()).await,
            (None, None) => Ok(Self::Anonymous),
        }
    }

    /// Whether there are any.
    pub fn is_anonymous(&self) -> bool {
        *self == Self::Anonymous
    }

    /// What must not appear anywhere.
    #[cfg(target_os = "linux")]
    pub(super) fn secret(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Basic { password: secret, .. } | Self::Bearer(secret) | Self::Identity(secret) => {
                Some(secret)
            }
        }
    }
}

impl From<&RegistryCredentials> for Credentials {
    fn from(given: &RegistryCredentials) -> Self {
        match given.clone() {
            RegistryCredentials::Basic { user, password } => Self::Basic { user, password },
            RegistryCredentials::Bearer(token) => Self::Bearer(token),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(..)",
            Self::Bearer(_) => "Bearer(..)",
            Self::Identity(_) => "Identity(..)",
        })
    }
}
