//! `CUPOLA_…` variables: upper case, and two underscores where the file has a dot.

use toml::{Table, Value};

use super::{
    Config,
    error::{ConfigError, Origin},
    keys::{self, ANY_NAME, Form, Key},
    sources::Sources,
};
use crate::nearest::nearest;

const PREFIX: &str = "CUPOLA_";

/// Names the configuration file, as `--config` does.
pub(super) const CONFIG_VARIABLE: &str = "CUPOLA_CONFIG";

/// Variables with our prefix that are not configuration keys.
const OTHER_VARIABLES: &[&str] = &[CONFIG_VARIABLE];

/// The variable for a key: `runs.expires_after` is `CUPOLA_RUNS__EXPIRES_AFTER`.
pub(super) fn variable_for(key: &Key) -> String {
    format!("{PREFIX}{}", key.path.join("__").to_uppercase())
}

/// The variables of this process. Those that are not text are left out, ours refused.
pub(super) fn of_this_process() -> Result<Vec<(String, String)>, ConfigError> {
    let texts = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        match value.into_string() {
            Ok(value) => Some(Ok((name, value))),
            Err(_) if !name.starts_with(PREFIX) => None,
            Err(_) => Some(Err(ConfigError::Bad {
                origin: Origin::Variable(name),
                problem: "the value is not valid UTF-8".to_owned(),
            })),
        }
    });
    texts.collect()
}

/// Adds the values of the variables.
pub(super) fn apply(
    sources: &mut Sources,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let keys: Vec<Key> = keys::keys_of::<Config>().into_iter().filter(|key| !key.is_in_list()).collect();
    let mut unknown = Vec::new();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if OTHER_VARIABLES.contains(&variable.as_str()) {
            continue;
        }
        let path: Vec<String> = name.to_lowercase().split("__").map(str::to_owned).collect();
        match keys.iter().find(|key| fits(key, &path)) {
            Some(key) => {
                let value = parse(key.form, &text).map_err(|problem| ConfigError::Bad {
                    origin: Origin::Variable(variable.clone()),
                    problem: format!("`{}`: {problem}", path.join(".")),
                })?;
                sources.set(&path, value, Origin::Variable(variable))?;
            }
            None => unknown.push(variable),
        }
    }
    // A key's secret may live in a variable of any name, ours included.
    unknown.retain(|variable| !is_named_in(sources.table(), variable));
    match unknown.into_iter().min() {
        Some(variable) => Err(unknown_variable(variable, &keys)),
        None => Ok(()),
    }
}

fn fits(key: &Key, path: &[String]) -> bool {
    key.path.len() == path.len()
        && key.path.iter().zip(path).all(|(known, given)| *known == ANY_NAME || known == given)
}

fn parse(form: Form, text: &str) -> Result<Value, String> {
    match form {
        Form::Text => Ok(Value::String(text.to_owned())),
        Form::Literal => {
            literal(text).ok_or_else(|| format!("{text:?} is neither a number nor true or false"))
        }
        Form::Any => Ok(literal(text).unwrap_or_else(|| Value::String(text.to_owned()))),
        Form::List if text.trim_start().starts_with('[') => {
            literal(text).ok_or_else(|| "this is not a TOML array".to_owned())
        }
        Form::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(|item| Value::String(item.to_owned())).collect::<Vec<_>>().into())
        }
    }
}

fn literal(text: &str) -> Option<Value> {
    let mut table: Table = toml::from_str(&format!("value = {text}")).ok()?;
    // More than one key means that the text held a line end and more.
    (table.len() == 1).then(|| table.remove("value")).flatten()
}

fn is_named_in(table: &Table, variable: &str) -> bool {
    fn names(value: &Value, variable: &str) -> bool {
        match value {
            Value::String(text) => text == variable,
            Value::Array(items) => items.iter().any(|item| names(item, variable)),
            Value::Table(table) => table.values().any(|value| names(value, variable)),
            _ => false,
        }
    }
    table.values().any(|value| names(value, variable))
}

fn unknown_variable(variable: String, keys: &[Key]) -> ConfigError {
    let known: Vec<String> = keys.iter().map(variable_for).collect();
    let hint = match nearest(&variable, known.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean {near}?"),
        None => ". docs/configuration.md lists the variables that exist".to_owned(),
    };
    ConfigError::Bad {
        origin: Origin::Variable(variable),
        problem: format!("there is no such configuration variable{hint}"),
    }
}
