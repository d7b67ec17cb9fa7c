//! Definitions and tools from files, as YAML or JSON.

use std::io::Read as _;

use cupola_client::types::Extra;
use serde_json::Value;

use crate::failure::Failure;

/// What a file may hold: a definition, or the whole body that creates a version.
pub fn read_version(file: &str) -> Result<Extra, Failure> {
    let mut body = match read(file)? {
        Value::Object(fields) if fields.contains_key("definition") => fields,
        Value::Object(definition) => {
            [("definition".to_owned(), Value::Object(definition))].into_iter().collect()
        }
        _ => return Err(wrong(file, "expected a definition, which is an object")),
    };
    match body.get_mut("definition") {
        Some(Value::Object(definition)) => {
            definition.entry("kind").or_insert_with(|| "prompt".into());
            Ok(body)
        }
        _ => Err(wrong(file, "`definition` is not an object")),
    }
}

/// One tool, or a list of tools.
pub fn read_tools(file: &str) -> Result<Vec<Extra>, Failure> {
    let tools = match read(file)? {
        Value::Array(tools) => tools,
        tool => vec![tool],
    };
    let tool = |tool| match tool {
        Value::Object(tool) if tool.get("type").is_some_and(Value::is_string) => Ok(tool),
        _ => Err(wrong(file, "expected a tool, or a list of tools, each an object with a `type`")),
    };
    tools.into_iter().map(tool).collect()
}

/// JSON is YAML, so one reader does for both.
fn read(file: &str) -> Result<Value, Failure> {
    let text = match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        file => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| Failure::plain(format!("The file {file} can't be read: {error}")))?;
    serde_norway::from_str(&text).map_err(|error| wrong(file, &error.to_string()))
}

fn wrong(file: &str, what: &str) -> Failure {
    let file = if file == "-" { "Standard input" } else { file };
    Failure::plain(format!("{file}: {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.yaml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (directory, path)
    }

    #[test]
    fn a_definition_may_stand_alone_or_in_a_whole_body_as_yaml_or_json() {
        let expected = json!({"model": "m", "kind": "prompt"});
        for text in ["model: m", r#"{"model": "m"}"#, "definition: {model: m}\ndescription: d\n"] {
            let (_directory, path) = file(text);
            assert_eq!(read_version(&path).unwrap()["definition"], expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_definition_is_refused_with_the_name_of_the_file() {
        for text in ["[1]", "definition: 7", "a: [", "- type: 7"] {
            let (_directory, path) = file(text);
            let failure = read_version(&path).unwrap_err();
            assert!(failure.message().starts_with(&path), "{text}: {}", failure.message());
        }
    }

    #[test]
    fn tools_come_alone_or_as_a_list() {
        for (text, tools) in [("type: web_search", 1), ("[{type: a}, {type: b}]", 2)] {
            let (_directory, path) = file(text);
            assert_eq!(read_tools(&path).unwrap().len(), tools);
        }
        let (_directory, path) = file("[{name: untyped}]");
        assert!(read_tools(&path).unwrap_err().message().contains("a `type`"));
    }
}
