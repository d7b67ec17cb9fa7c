//! A hosted agent: a container image or a code package, what it may use, and what it speaks.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Extra, agents::Definition, words::words};

/// An agent that is a program. Begin with [`HostedDefinition::image`] or [`HostedDefinition::code`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
pub struct HostedDefinition {
    /// Cores, for example `0.5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Memory, for example `1Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// The image that is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_configuration: Option<ContainerConfiguration>,
    /// How the code package is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_configuration: Option<CodeConfiguration>,
    /// What the program speaks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocol_versions: Vec<ProtocolVersion>,
    /// Its environment. A value may hold placeholders such as `${{connections.NAME.credentials.key}}`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub environment_variables: IndexMap<String, String>,
    /// How its sessions are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_configuration: Option<SessionConfiguration>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An image.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct ContainerConfiguration {
    /// For example `registry.example.com/team/agent:1`.
    pub image: String,
    /// The connection that holds the registry's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_connection_id: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a code package is run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct CodeConfiguration {
    /// For example `python_3_13`.
    pub runtime: String,
    /// The program and its arguments, for example `python` and `main.py`.
    pub entry_point: Vec<String>,
    /// Where its dependencies come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency_resolution: Option<DependencyResolution>,
    /// The SHA-256 of the package. The service sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

words! {
    /// Where the dependencies of a code package come from.
    DependencyResolution {
        /// The package brings them.
        "bundled" => Bundled,
        /// The service installs them.
        "remote_build" => RemoteBuild,
    }
}

/// A protocol that a program speaks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProtocolVersion {
    /// For example `responses` or `invocations`.
    pub protocol: String,
    /// For example `2.0.0`.
    pub version: String,
}

/// How sessions are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct SessionConfiguration {
    /// How long one may be unused before its sandbox is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u64>,
    /// Fields of newer services.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HostedDefinition {
    /// An agent that is an image.
    pub fn image(reference: impl Into<String>) -> Self {
        let container = ContainerConfiguration { image: reference.into(), ..Default::default() };
        Self { container_configuration: Some(container), ..Self::default() }
    }

    /// An agent that is a code package, for example `python_3_13` with `["python", "main.py"]`.
    pub fn code<W: Into<String>>(
        runtime: impl Into<String>,
        entry_point: impl IntoIterator<Item = W>,
    ) -> Self {
        let entry_point = entry_point.into_iter().map(Into::into).collect();
        let code = CodeConfiguration { runtime: runtime.into(), entry_point, ..Default::default() };
        Self { code_configuration: Some(code), ..Self::default() }
    }

    /// The same with so many cores, for example `0.5`.
    pub fn with_cpu(self, cores: impl Into<String>) -> Self {
        Self { cpu: Some(cores.into()), ..self }
    }

    /// The same with so much memory, for example `1Gi`.
    pub fn with_memory(self, amount: impl Into<String>) -> Self {
        Self { memory: Some(amount.into()), ..self }
    }

    /// The same, and it speaks this protocol, too.
    pub fn speaking(mut self, protocol: impl Into<String>, version: impl Into<String>) -> Self {
        self.protocol_versions.push(ProtocolVersion { protocol: protocol.into(), version: version.into() });
        self
    }

    /// The same with a variable in its environment.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment_variables.insert(name.into(), value.into());
        self
    }

    /// The same, its image pulled with what a connection holds. It has no effect on code.
    pub fn with_registry_connection(mut self, connection: impl Into<String>) -> Self {
        if let Some(container) = &mut self.container_configuration {
            container.registry_connection_id = Some(connection.into());
        }
        self
    }

    /// The same, its dependencies taken from there. It has no effect on an image.
    pub fn with_dependencies(mut self, resolution: DependencyResolution) -> Self {
        if let Some(code) = &mut self.code_configuration {
            code.dependency_resolution = Some(resolution);
        }
        self
    }

    /// The same, its sandboxes stopped after so many seconds without use.
    pub fn with_idle_timeout(self, seconds: u64) -> Self {
        let sessions = SessionConfiguration { idle_timeout_seconds: Some(seconds), ..Default::default() };
        Self { session_configuration: Some(sessions), ..self }
    }
}

impl From<HostedDefinition> for Definition {
    fn from(hosted: HostedDefinition) -> Self {
        Self::of_kind("hosted", &hosted)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_image_says_only_what_was_said() {
        let hosted = HostedDefinition::image("r/a:1")
            .with_registry_connection("registry")
            .with_dependencies(DependencyResolution::Bundled)
            .with_idle_timeout(300);
        assert_eq!(
            serde_json::to_value(Definition::from(hosted)).expect("is written"),
            json!({"kind": "hosted",
                "container_configuration": {"image": "r/a:1", "registry_connection_id": "registry"},
                "session_configuration": {"idle_timeout_seconds": 300}})
        );
    }

    #[test]
    fn a_definition_is_read_back_with_what_is_not_known() {
        let hosted = HostedDefinition::code("python_3_13", ["python", "main.py"])
            .with_cpu("0.5")
            .with_memory("1Gi")
            .speaking("responses", "2.0.0")
            .with_variable("A", "b")
            .with_dependencies(DependencyResolution::RemoteBuild);
        let mut definition = Definition::from(hosted.clone()).into_fields();
        definition.insert("later".to_owned(), json!([1]));
        let definition = Definition::try_from(definition).expect("is read");
        let read = definition.hosted().expect("is one");
        assert_eq!(read.extra["later"], json!([1]));
        assert_eq!(HostedDefinition { extra: hosted.extra.clone(), ..read }, hosted);
    }
}
