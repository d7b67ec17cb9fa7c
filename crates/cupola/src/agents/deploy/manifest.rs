//! `agent.yaml`: what a hosted agent is. Paths in it begin where the file is.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use cupola_client::types::{DependencyResolution, HostedDefinition, Metadata};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

use crate::{failure::Failure, nearest::nearest};

const FILE: &str = "agent.yaml";

const KEYS: [&str; 14] = [
    "name",
    "description",
    "metadata",
    "image",
    "registry_connection",
    "code",
    "runtime",
    "entry_point",
    "dependency_resolution",
    "cpu",
    "memory",
    "protocols",
    "environment",
    "idle_timeout",
];

/// Keys that mean something for code alone.
const OF_CODE: [&str; 3] = ["runtime", "entry_point", "dependency_resolution"];

/// What a hosted agent is.
#[derive(Debug)]
pub struct Manifest {
    /// The agent's name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Pairs of its own.
    pub metadata: Option<Metadata>,
    /// What is run, and how.
    pub definition: HostedDefinition,
    /// The directory with its code, where it is not an image.
    pub code: Option<PathBuf>,
    /// The file itself.
    pub file: PathBuf,
}

#[derive(Deserialize)]
struct Fields {
    name: String,
    description: Option<String>,
    metadata: Option<Metadata>,
    image: Option<String>,
    registry_connection: Option<String>,
    code: Option<PathBuf>,
    runtime: Option<String>,
    #[serde(default, deserialize_with = "words")]
    entry_point: Vec<String>,
    dependency_resolution: Option<DependencyResolution>,
    #[serde(default, deserialize_with = "amount")]
    cpu: Option<String>,
    memory: Option<String>,
    #[serde(default)]
    protocols: Map<String, Value>,
    #[serde(default)]
    environment: Map<String, Value>,
    #[serde(default, deserialize_with = "seconds")]
    idle_timeout: Option<u64>,
}

impl Manifest {
    /// Reads the file in this directory, or this very file.
    pub fn read(place: &Path) -> Result<Self, Failure> {
        let file = if place.is_dir() { place.join(FILE) } else { place.to_owned() };
        let text = fs::read_to_string(&file)
            .map_err(|error| Failure::plain(format!("{} can't be read: {error}", file.display())))?;
        Self::parse(&text, &file).map_err(|what| Failure::plain(format!("{}: {what}", file.display())))
    }

    /// The same under another name, or with another image.
    pub fn replace(&mut self, name: Option<&str>, image: Option<&str>) -> Result<(), Failure> {
        if let Some(name) = name {
            name.clone_into(&mut self.name);
        }
        match (image, &mut self.definition.container_configuration) {
            (None, _) => {}
            (Some(image), Some(container)) => image.clone_into(&mut container.image),
            (Some(_), None) => {
                let message =
                    format!("{} is about code: --image has nothing to replace.", self.file.display());
                return Err(Failure::plain(message));
            }
        }
        Ok(())
    }

    fn parse(text: &str, file: &Path) -> Result<Self, String> {
        let value: Value = serde_norway::from_str(text).map_err(|error| error.to_string())?;
        let Value::Object(keys) = &value else {
            return Err("expected keys and values, at least `name`, and `image` or `code`".to_owned());
        };
        refuse_unknown(keys)?;
        let fields: Fields = serde_path_to_error::deserialize(&value).map_err(|error| {
            match error.path().to_string().as_str() {
                "." => error.inner().to_string(),
                path => format!("{path}: {}", error.inner()),
            }
        })?;
        let beside = file.parent().unwrap_or(Path::new(""));
        // Without the `.` at its end, which nobody wants to read.
        let code = fields.code.as_ref().map(|code| beside.join(code).components().collect());
        Ok(Self {
            definition: definition(&fields, keys)?,
            name: fields.name,
            description: fields.description,
            metadata: fields.metadata,
            code,
            file: file.to_owned(),
        })
    }
}

fn refuse_unknown(keys: &Map<String, Value>) -> Result<(), String> {
    let Some(unknown) = keys.keys().find(|key| !KEYS.contains(&key.as_str())) else { return Ok(()) };
    Err(match nearest(unknown, KEYS) {
        Some(near) => format!("there is no key `{unknown}`; did you mean `{near}`?"),
        None => format!("there is no key `{unknown}`; there are: {}", KEYS.join(", ")),
    })
}

fn definition(fields: &Fields, keys: &Map<String, Value>) -> Result<HostedDefinition, String> {
    let mut definition = match (&fields.image, &fields.code) {
        (Some(_), Some(_)) => return Err("`image` and `code` exclude each other".to_owned()),
        (None, None) => return Err("`image` or `code` is missing: what is to be run?".to_owned()),
        (Some(image), None) => {
            if let Some(key) = OF_CODE.iter().find(|key| keys.contains_key(**key)) {
                return Err(format!("`{key}` belongs to `code`, and this agent is an image"));
            }
            HostedDefinition::image(image)
        }
        (None, Some(_)) => of_code(fields)?,
    };
    if let Some(connection) = &fields.registry_connection {
        definition = definition.with_registry_connection(connection);
    }
    for (protocol, version) in texts("protocols", &fields.protocols)? {
        definition = definition.speaking(protocol, version);
    }
    for (name, value) in texts("environment", &fields.environment)? {
        definition = definition.with_variable(name, value);
    }
    if let Some(seconds) = fields.idle_timeout {
        definition = definition.with_idle_timeout(seconds);
    }
    Ok(HostedDefinition { cpu: fields.cpu.clone(), memory: fields.memory.clone(), ..definition })
}

fn of_code(fields: &Fields) -> Result<HostedDefinition, String> {
    if fields.registry_connection.is_some() {
        return Err("`registry_connection` belongs to `image`, and this agent is code".to_owned());
    }
    let runtime = fields.runtime.as_ref();
    let runtime = runtime.ok_or("`runtime` is missing, for example: python_3_13")?;
    if fields.entry_point.is_empty() {
        return Err("`entry_point` is missing, for example: python main.py".to_owned());
    }
    let definition = HostedDefinition::code(runtime, &fields.entry_point);
    Ok(match &fields.dependency_resolution {
        Some(resolution) => definition.with_dependencies(resolution.clone()),
        None => definition,
    })
}

/// Pairs of texts. Numbers and booleans are taken as they are written.
fn texts(key: &str, pairs: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let text = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
        _ => Err(format!("{key}.{name}: expected a text")),
    };
    pairs.iter().map(text).collect()
}

/// One line, or a list of words.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(line) => Ok(line.split_whitespace().map(str::to_owned).collect()),
        Value::Array(words) => {
            let word = |word: &Value| word.as_str().map(str::to_owned);
            let words: Option<Vec<String>> = words.iter().map(word).collect();
            words.ok_or_else(|| D::Error::custom("expected texts"))
        }
        _ => Err(D::Error::custom("expected a command, or a list of its words")),
    }
}

/// A number, or a text such as `500m`.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(D::Error::custom("expected a number of cores")),
    }
}

/// A duration such as `15m`, or a number of seconds.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let duration = value.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
    let duration = duration.and_then(|signed| Duration::try_from(signed).ok());
    let seconds = value.as_u64().or_else(|| duration.map(|duration| duration.as_secs()));
    seconds.map(Some).ok_or_else(|| D::Error::custom("expected a duration, for example 15m"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cupola_client::types::Definition;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Manifest, String> {
        Manifest::parse(text, Path::new("/agents/echo/agent.yaml"))
    }

    fn sent(manifest: &Manifest) -> Value {
        json!(Definition::from(manifest.definition.clone()))
    }

    #[test]
    fn an_image_is_read_with_all_that_may_be_said() {
        let manifest = parse(
            "name: echo\ndescription: Says it again.\nimage: r/echo:1\nregistry_connection: registry\n\
             cpu: 0.5\nmemory: 1Gi\nprotocols: {responses: 2.0.0}\nidle_timeout: 10m\n\
             environment: {LEVEL: 7, DEBUG: true, KEY: '${{connections.a.credentials.key}}'}\n",
        )
        .unwrap();
        assert_eq!((manifest.name.as_str(), manifest.code.as_deref()), ("echo", None));
        assert_eq!(
            sent(&manifest),
            json!({"kind": "hosted", "cpu": "0.5", "memory": "1Gi",
                "container_configuration": {"image": "r/echo:1", "registry_connection_id": "registry"},
                "protocol_versions": [{"protocol": "responses", "version": "2.0.0"}],
                "environment_variables":
                    {"LEVEL": "7", "DEBUG": "true", "KEY": "${{connections.a.credentials.key}}"},
                "session_configuration": {"idle_timeout_seconds": 600}})
        );
    }

    #[test]
    fn code_lies_beside_the_file() {
        let manifest = parse("name: echo\ncode: src\nruntime: python_3_13\nentry_point: python main.py\n");
        let manifest = manifest.unwrap();
        assert_eq!(manifest.code.as_deref(), Some(Path::new("/agents/echo/src")));
        assert_eq!(
            sent(&manifest)["code_configuration"],
            json!({"runtime": "python_3_13", "entry_point": ["python", "main.py"]})
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        for (text, words) in [
            ("nmae: echo\nimage: a", "no key `nmae`; did you mean `name`?"),
            ("name: echo\nimage: a\nreplicas: 3", "no key `replicas`; there are: name, "),
            ("image: a", "missing field `name`"),
            ("name: echo", "`image` or `code` is missing"),
            ("name: echo\nimage: a\ncode: .", "exclude each other"),
            ("name: echo\nimage: a\nruntime: python_3_13", "`runtime` belongs to `code`"),
            ("name: echo\ncode: .\nentry_point: a", "`runtime` is missing"),
            ("name: echo\ncode: .\nruntime: python_3_13", "`entry_point` is missing"),
            ("name: echo\nimage: a\nenvironment: {A: [1]}", "environment.A: expected a text"),
            ("name: echo\nimage: a\nidle_timeout: soon", "idle_timeout: expected a duration"),
            ("[1]", "expected keys and values"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
