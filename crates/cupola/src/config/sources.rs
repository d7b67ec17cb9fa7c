//! The values of all sources in one table, and where each of them comes from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::error::{ConfigError, Origin};

/// The merged table. Later sources win.
#[derive(Default)]
pub(super) struct Sources {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Sources {
    /// Starts with the text of a file.
    pub(super) fn from_file(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = Document { path: path.into(), text };
        let mut sources = Self::default();
        let table = DeTable::parse(text).map_err(|error| document.syntax_error(&error))?;
        document.note_table(table.get_ref(), "", &mut sources.origins);
        sources.table = toml::from_str(text).map_err(|error| document.syntax_error(&error))?;
        Ok(sources)
    }

    /// Sets one value over whatever was there.
    pub(super) fn set(&mut self, path: &[String], value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some((last, parents)) = path.split_last() else {
            return Ok(());
        };
        let mut table = &mut self.table;
        for (depth, parent) in parents.iter().enumerate() {
            let entry = table.entry(parent.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = entry else {
                let name = path[..=depth].join(".");
                let origin = self.origins.get(&name).cloned().unwrap_or(Origin::Default);
                return Err(ConfigError::Bad { origin, problem: format!("`{name}` must be a table") });
            };
            table = inner;
        }
        table.insert(last.clone(), value);
        let name = path.join(".");
        self.origins.retain(|known, _| !is_inside(known, &name));
        self.origins.insert(name, origin);
        Ok(())
    }

    /// The merged table.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Where the value at a path was given; for something inside a value, where that was.
    pub(super) fn origin(&self, path: &str) -> Origin {
        let candidates = self.origins.iter().filter(|(known, _)| is_inside(path, known));
        candidates.max_by_key(|(known, _)| known.len()).map_or(Origin::Default, |(_, origin)| origin.clone())
    }
}

/// Whether `path` is `outer` or lies in it.
fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A file's text, to turn offsets into places.
struct Document<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Document<'_> {
    fn note_table(&self, table: &DeTable<'_>, prefix: &str, origins: &mut BTreeMap<String, Origin>) {
        for (key, value) in table {
            let name = match prefix {
                "" => key.get_ref().to_string(),
                prefix => format!("{prefix}.{}", key.get_ref()),
            };
            origins.insert(name.clone(), self.place(key.span().start));
            self.note_value(value, &name, origins);
        }
    }

    fn note_value(&self, value: &Spanned<DeValue<'_>>, name: &str, origins: &mut BTreeMap<String, Origin>) {
        match value.get_ref() {
            DeValue::Table(table) => self.note_table(table, name, origins),
            DeValue::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let name = format!("{name}[{index}]");
                    origins.insert(name.clone(), self.place(element.span().start));
                    self.note_value(element, &name, origins);
                }
            }
            _ => {}
        }
    }

    fn place(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        let origin = self.place(error.span().map_or(0, |span| span.start));
        ConfigError::Bad { origin, problem: format!("this is not TOML: {}", error.message()) }
    }
}
