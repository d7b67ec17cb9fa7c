//! What a hosted agent is: an image or a code package, what it may use, and what it speaks.
//!
//! Three generations of clients write it in different ways; it is kept as it was sent and read here.

use std::{collections::BTreeMap, time::Duration};

use cupola_hosting::{Code, Limits};
use serde_json::{Map, Value};

use super::settings::HostingSettings;
use crate::ApiError;

const DEFAULT_CPU: &str = "1";
const DEFAULT_MEMORY: &str = "2Gi";
const GIB: u64 = 1 << 30;

/// Protocols that a container may speak, with their versions.
const PROTOCOLS: &[(&str, &[&str])] = &[
    ("responses", &["v1", "1.0.0", "2.0.0"]),
    ("invocations", &["v1", "1.0.0", "2.0.0"]),
    ("invocations_ws", &["v1", "1.0.0", "2.0.0"]),
    ("a2a", &["v1", "0.3", "0.3.0", "1.0.0"]),
];

/// A definition, read.
#[derive(Clone, Debug, PartialEq)]
pub struct HostedDefinition {
    /// What is run.
    pub program: HostedProgram,
    /// In thousandths of a core.
    pub cpu_millis: u32,
    /// In bytes.
    pub memory_bytes: u64,
    /// The protocols that it speaks, with their versions.
    pub protocols: Vec<(String, String)>,
    /// Its environment, with placeholders for what connections hold.
    pub environment: BTreeMap<String, String>,
    /// How long a session may be unused.
    pub idle_after: Duration,
}

/// What is run.
#[derive(Clone, Debug, PartialEq)]
pub enum HostedProgram {
    /// An image.
    Image {
        /// As it was written.
        reference: String,
        /// The connection that holds the registry's credentials.
        connection: Option<String>,
    },
    /// A code package.
    Code {
        /// For example `python_3_13`.
        runtime: String,
        /// The program and its arguments.
        entry_point: Vec<String>,
        /// Whether the package brings what it needs, or has it installed.
        is_bundled: bool,
        /// The digest of the package.
        content_hash: Option<String>,
    },
}

impl HostedDefinition {
    /// Whether it speaks this protocol. A2A is asked of it in responses.
    pub fn speaks(&self, protocol: &str) -> bool {
        let is_it = |spoken: &str| spoken == protocol || (protocol, spoken) == ("responses", "a2a");
        self.protocols.iter().any(|(spoken, _)| is_it(spoken))
    }

    /// Whether it is written for the first generation of containers.
    pub fn is_first_generation(&self) -> bool {
        self.protocols.iter().all(|(_, version)| version == "v1")
    }

    /// What its sandboxes may use.
    pub fn limits(&self, settings: &HostingSettings) -> Limits {
        Limits {
            cpu_millis: self.cpu_millis,
            memory_bytes: self.memory_bytes,
            processes: settings.processes,
            disk_bytes: settings.disk_bytes,
            home_bytes: settings.home_bytes,
        }
    }

    /// Reads a definition and checks it against what this service allows.
    pub fn read(fields: &Map<String, Value>, settings: &HostingSettings) -> Result<Self, ApiError> {
        let cpu = text(fields, "cpu")?.unwrap_or_else(|| DEFAULT_CPU.to_owned());
        let memory = text(fields, "memory")?.unwrap_or_else(|| DEFAULT_MEMORY.to_owned());
        Ok(Self {
            program: program(fields)?,
            cpu_millis: cpu_millis(&cpu, settings)?,
            memory_bytes: memory_bytes(&memory, settings)?,
            protocols: protocols(fields)?,
            environment: environment(fields)?,
            idle_after: idle_after(fields, settings)?,
        })
    }
}

/// Adds what is understood where it was left out, so that a reader sees what applies.
pub fn complete(fields: &mut Map<String, Value>) {
    for (name, default) in [("cpu", DEFAULT_CPU), ("memory", DEFAULT_MEMORY)] {
        if fields.get(name).is_none_or(Value::is_null) {
            fields.insert(name.to_owned(), default.into());
        }
    }
    // Clients of every generation look for the older list, too.
    if !fields.contains_key("container_protocol_versions") {
        fields.insert("container_protocol_versions".to_owned(), Value::Array(Vec::new()));
    }
}

fn program(fields: &Map<String, Value>) -> Result<HostedProgram, ApiError> {
    let configuration = object(fields, "container_configuration")?;
    let image = match configuration {
        Some(configuration) => text(configuration, "image")?,
        None => text(fields, "image")?,
    };
    match (image.filter(|image| !image.is_empty()), object(fields, "code_configuration")?) {
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "Mutually exclusive parameters: 'definition.container_configuration' and \
             'definition.code_configuration'. Give one of them.",
        )
        .code("mutually_exclusive_parameters")
        .param("definition.code_configuration")),
        (Some(reference), None) => {
            let connection = match configuration {
                Some(configuration) => text(configuration, "registry_connection_id")?,
                None => None,
            };
            Ok(HostedProgram::Image { reference, connection })
        }
        (None, Some(code)) => code_program(code),
        (None, None) => Err(missing("definition.container_configuration.image")),
    }
}

fn code_program(code: &Map<String, Value>) -> Result<HostedProgram, ApiError> {
    let parameter = |name: &str| format!("definition.code_configuration.{name}");
    let runtime = text(code, "runtime")?.ok_or_else(|| missing(&parameter("runtime")))?;
    if !runtime.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message = format!("Invalid 'runtime': '{runtime}'. Expected a name such as 'python_3_13'.");
        return Err(ApiError::invalid(message).code("invalid_value").param(parameter("runtime")));
    }
    let entry_point = match code.get("entry_point") {
        Some(Value::Array(words)) => words.iter().map(|word| word.as_str().map(str::to_owned)).collect(),
        Some(Value::String(word)) => Some(word.split_whitespace().map(str::to_owned).collect()),
        _ => None,
    };
    let entry_point: Vec<String> = entry_point.unwrap_or_default();
    if entry_point.is_empty() {
        return Err(missing(&parameter("entry_point")));
    }
    let resolution = text(code, "dependency_resolution")?;
    let is_bundled = match resolution.as_deref() {
        None | Some("bundled") => true,
        Some("remote_build") => false,
        Some(other) => {
            return Err(ApiError::invalid(format!(
                "Invalid value: '{other}'. Supported values are: 'bundled' and 'remote_build'."
            ))
            .code("invalid_value")
            .param(parameter("dependency_resolution")));
        }
    };
    let content_hash = text(code, "content_hash")?;
    if content_hash.as_ref().is_some_and(|hash| !is_digest(hash)) {
        // It names a folder of this machine.
        let message = "Invalid 'content_hash': expected 64 of 0-9 and a-f.";
        return Err(ApiError::invalid(message).code("invalid_value").param(parameter("content_hash")));
    }
    Ok(HostedProgram::Code { runtime, entry_point, is_bundled, content_hash })
}

/// Whether this is the SHA-256 of something.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `0.5` and `500m` are half a core.
fn cpu_millis(cpu: &str, settings: &HostingSettings) -> Result<u32, ApiError> {
    let millis = match cpu.strip_suffix('m') {
        Some(millis) => millis.parse::<f64>().ok(),
        None => cpu.parse::<f64>().ok().map(|cores| cores * 1000.0),
    };
    let (least, most) = (settings.least_cpu_millis, settings.most_cpu_millis);
    match millis {
        Some(millis) if millis >= f64::from(least) && millis <= f64::from(most) => Ok(millis.round() as u32),
        _ => Err(ApiError::invalid(format!(
            "Invalid 'definition.cpu': '{cpu}'. Expected a number of cores from {} to {}.",
            f64::from(least) / 1000.0,
            f64::from(most) / 1000.0
        ))
        .code("invalid_value")
        .param("definition.cpu")),
    }
}

fn memory_bytes(memory: &str, settings: &HostingSettings) -> Result<u64, ApiError> {
    let units = [("Gi", GIB), ("Mi", 1 << 20), ("G", 1_000_000_000), ("M", 1_000_000)];
    let found = units.iter().find_map(|(unit, bytes)| Some((memory.strip_suffix(unit)?, *bytes)));
    let bytes = found.and_then(|(number, unit)| Some(number.parse::<f64>().ok()? * unit as f64));
    let (least, most) = (settings.least_memory_bytes, settings.most_memory_bytes);
    match bytes {
        Some(bytes) if bytes >= least as f64 && bytes <= most as f64 => Ok(bytes as u64),
        _ => Err(ApiError::invalid(format!(
            "Invalid 'definition.memory': '{memory}'. Expected an amount from {}Gi to {}Gi, for example '2Gi'.",
            least as f64 / GIB as f64,
            most as f64 / GIB as f64
        ))
        .code("invalid_value")
        .param("definition.memory")),
    }
}

fn protocols(fields: &Map<String, Value>) -> Result<Vec<(String, String)>, ApiError> {
    let list = |name: &str| fields.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
    let name =
        if list("protocol_versions").is_some() { "protocol_versions" } else { "container_protocol_versions" };
    let Some(list) = list(name) else {
        return Ok(vec![("responses".to_owned(), "2.0.0".to_owned())]);
    };
    let mut protocols = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let param = format!("definition.{name}[{index}]");
        let word = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        let (protocol, version) = (word("protocol"), word("version"));
        let known = PROTOCOLS.iter().find(|(known, _)| *known == protocol);
        let Some((_, versions)) = known else {
            let known = PROTOCOLS.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            return Err(not_spoken(
                format!("The protocol '{protocol}' is not spoken here. Supported are: {known}."),
                param,
            ));
        };
        if !versions.contains(&version) {
            let versions = versions.join(", ");
            return Err(not_spoken(
                format!(
                    "The version '{version}' of the protocol '{protocol}' is not spoken here. Supported are: \
                     {versions}."
                ),
                param,
            ));
        }
        protocols.push((protocol.to_owned(), version.to_owned()));
    }
    Ok(protocols)
}

fn not_spoken(message: String, param: String) -> ApiError {
    ApiError::invalid(message).code(Code::ProtocolVersionNotSupported.as_str()).param(param)
}

fn environment(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(variables) = object(fields, "environment_variables")? else { return Ok(BTreeMap::new()) };
    let mut environment = BTreeMap::new();
    for (name, value) in variables {
        let param = || format!("definition.environment_variables.{name}");
        let Value::String(value) = value else {
            return Err(ApiError::invalid(format!("Invalid type for '{}': expected a string.", param()))
                .code("invalid_type")
                .param(param()));
        };
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(ApiError::invalid(format!(
                "Invalid '{}': a variable has a name without '=', and no zero bytes.",
                param()
            ))
            .code("invalid_value")
            .param(param()));
        }
        environment.insert(name.clone(), value.clone());
    }
    Ok(environment)
}

fn idle_after(fields: &Map<String, Value>, settings: &HostingSettings) -> Result<Duration, ApiError> {
    const PARAM: &str = "definition.session_configuration.idle_timeout_seconds";
    let configured = object(fields, "session_configuration")?;
    let Some(seconds) = configured.and_then(|fields| fields.get("idle_timeout_seconds")) else {
        return Ok(settings.idle_after);
    };
    let range = settings.least_idle.as_secs()..=settings.most_idle.as_secs();
    match seconds.as_u64() {
        Some(seconds) if range.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(ApiError::invalid(format!(
            "Invalid '{PARAM}': expected a number of seconds from {} to {}.",
            range.start(),
            range.end()
        ))
        .code("invalid_value")
        .param(PARAM)),
    }
}

fn object<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err(wrong_type(name, "an object")),
    }
}

/// A text; numbers are taken for how they are written.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wrong_type(name, "a string")),
    }
}

fn wrong_type(name: &str, expected: &str) -> ApiError {
    let param = format!("definition.{name}");
    ApiError::invalid(format!("Invalid type for '{param}': expected {expected}."))
        .code("invalid_type")
        .param(param)
}

fn missing(param: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{param}'."))
        .code("missing_required_parameter")
        .param(param)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(definition: Value) -> Result<HostedDefinition, ApiError> {
        let Value::Object(fields) = definition else { panic!("no object") };
        HostedDefinition::read(&fields, &HostingSettings::default())
    }

    fn code_of(definition: Value) -> (String, String) {
        let detail = read(definition).expect_err("is refused").detail().clone();
        (detail.code.unwrap_or_default(), detail.param.unwrap_or_default())
    }

    #[test]
    fn both_spellings_of_an_image_are_the_same() {
        let first = read(json!({
            "image": "r/a:1", "container_protocol_versions": [{"protocol": "responses", "version": "v1"}]
        }));
        let second = read(json!({
            "container_configuration": {"image": "r/a:1"},
            "protocol_versions": [{"protocol": "responses", "version": "v1"}],
            "container_protocol_versions": []
        }));
        let first = first.expect("is read");
        assert_eq!(first, second.expect("is read"));
        assert_eq!((first.cpu_millis, first.memory_bytes), (1000, 2 * GIB));
        assert!(first.is_first_generation());
    }

    #[test]
    fn amounts_are_read_in_their_units() {
        let hosted = read(json!({"image": "a", "cpu": "500m", "memory": "1536Mi"})).expect("is read");
        assert_eq!((hosted.cpu_millis, hosted.memory_bytes), (500, 3 * GIB / 2));
        for (field, amount) in
            [("cpu", "5"), ("cpu", "0.1"), ("cpu", "many"), ("memory", "9Gi"), ("memory", "2")]
        {
            let (code, param) = code_of(json!({"image": "a", field: amount}));
            assert_eq!((code.as_str(), param), ("invalid_value", format!("definition.{field}")), "{amount}");
        }
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_named() {
        let (code, param) =
            code_of(json!({"image": "a", "protocol_versions": [{"protocol": "responses", "version": "9"}]}));
        assert_eq!(code, "ProtocolVersionNotSupported");
        assert_eq!(param, "definition.protocol_versions[0]");
    }

    #[test]
    fn there_is_one_thing_to_run() {
        assert_eq!(code_of(json!({})).0, "missing_required_parameter");
        let code = json!({"runtime": "python_3_13", "entry_point": ["python", "main.py"]});
        assert_eq!(
            code_of(json!({"image": "a", "code_configuration": code})).0,
            "mutually_exclusive_parameters"
        );
    }
}
