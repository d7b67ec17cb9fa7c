//! Files that the configuration names: a relative path in `cupola.toml` begins where that file is, so that
//! it means the same wherever Cupola starts.

use std::path::PathBuf;

use super::{Config, error::Origin, sources::Sources};

/// Resolves the paths that came from a file. Those of variables begin where Cupola starts, as in a shell.
pub(super) fn resolve(config: &mut Config, sources: &Sources) {
    for (index, entry) in config.identity.api_keys.iter_mut().enumerate() {
        beside_its_file(&mut entry.file, &format!("identity.api_keys[{index}].file"), sources);
    }
    for (index, entry) in config.identity.principals.iter_mut().enumerate() {
        beside_its_file(&mut entry.file, &format!("identity.principals[{index}].file"), sources);
    }
    for (index, entry) in config.connections.iter_mut().enumerate() {
        beside_its_file(&mut entry.key_file, &format!("connections[{index}].key_file"), sources);
        for (name, path) in &mut entry.keys_file {
            let key = format!("connections[{index}].keys_file.{name}");
            *path = beside(std::mem::take(path), &key, sources);
        }
    }
    beside_its_file(&mut config.code_interpreter.environment, "code_interpreter.environment", sources);
    beside_its_file(&mut config.knowledge.embedding_model, "knowledge.embedding_model", sources);
    beside_its_file(&mut config.knowledge.reranker_model, "knowledge.reranker_model", sources);
    beside_its_file(&mut config.tools.web_search.key_file, "tools.web_search.key_file", sources);
    for (name, provider) in &mut config.models.providers {
        let paths = [
            ("api_key_file", &mut provider.api_key_file),
            ("script", &mut provider.script),
            ("file", &mut provider.file),
        ];
        for (key, path) in paths {
            beside_its_file(path, &format!("models.providers.{name}.{key}"), sources);
        }
    }
}

fn beside_its_file(path: &mut Option<PathBuf>, key: &str, sources: &Sources) {
    *path = path.take().map(|path| beside(path, key, sources));
}

fn beside(path: PathBuf, key: &str, sources: &Sources) -> PathBuf {
    match sources.origin(key) {
        // An absolute path stays what it is.
        Origin::File { path: file, .. } => file.parent().map_or_else(|| path.clone(), |at| at.join(&path)),
        _ => path,
    }
}
