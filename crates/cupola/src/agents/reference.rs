//! How a person names an agent: `NAME`, or `NAME:VERSION`.

use std::{convert::Infallible, fmt, str::FromStr};

use cupola_client::types::AgentReference;

/// An agent, and a version of it where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
}

impl AgentName {
    /// The same for the wire.
    pub fn reference(&self) -> AgentReference {
        match &self.version {
            Some(version) => AgentReference::pinned(&self.name, version),
            None => AgentReference::latest(&self.name),
        }
    }
}

impl FromStr for AgentName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        // Names have no colons.
        Ok(match text.split_once(':') {
            Some((name, version)) => Self { name: name.to_owned(), version: Some(version.to_owned()) },
            None => Self { name: text.to_owned(), version: None },
        })
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(formatter, ":{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_colon_is_the_version() {
        for (text, version) in [("helper", None), ("helper:2", Some("2"))] {
            let Ok(agent) = text.parse::<AgentName>();
            assert_eq!((agent.name.as_str(), agent.version.as_deref()), ("helper", version));
            assert_eq!(agent.to_string(), text);
        }
    }
}
