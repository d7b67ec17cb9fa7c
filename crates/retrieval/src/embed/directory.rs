//! The files of a published model and what they say besides the weights.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{broken::BrokenModel, pooling::Pooling};

/// Reads a JSON file that has to be there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, BrokenModel> {
    let text = fs::read(path).map_err(|error| BrokenModel::unreadable(path, &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| BrokenModel::new(path, format!("it can't be understood: {error}")))
}

/// Reads a JSON file that may be absent.
pub(super) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, BrokenModel> {
    path.exists().then(|| read_json(path)).transpose()
}

/// Says if there is no such directory.
pub(super) fn check(directory: &Path) -> Result<(), BrokenModel> {
    match directory.is_dir() {
        true => Ok(()),
        false => Err(BrokenModel::new(directory, "there is no such directory")),
    }
}

/// A directory of sentence-transformers.
#[derive(Debug)]
pub(super) struct SentenceDirectory {
    /// Where `config.json`, the weights and the tokenizer are.
    pub(super) transformer: PathBuf,
    pub(super) pooling: Pooling,
    /// The most tokens that the model was made for, as far as the directory says.
    pub(super) max_tokens: Option<usize>,
    pub(super) prompts: Prompts,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    r#type: String,
}

#[derive(Default, Deserialize)]
struct SentenceBert {
    max_seq_length: Option<usize>,
}

impl SentenceDirectory {
    pub(super) fn read(directory: &Path) -> Result<Self, BrokenModel> {
        check(directory)?;
        let list = directory.join("modules.json");
        let modules: Vec<Module> = read_json_if_there(&list)?.unwrap_or_default();
        let mut transformer = directory.to_owned();
        let mut pooling = Pooling::Mean;
        for module in &modules {
            let place = directory.join(&module.path);
            match module.r#type.rsplit('.').next() {
                Some("Transformer") => transformer = place,
                Some("Pooling") => pooling = Pooling::read(&place.join("config.json"))?,
                // Vectors always get unit length here.
                Some("Normalize") => {}
                _ => {
                    let reason = format!("the module {:?} is not supported", module.r#type);
                    return Err(BrokenModel::new(&list, reason));
                }
            }
        }
        let sentence: Option<SentenceBert> =
            read_json_if_there(&transformer.join("sentence_bert_config.json"))?;
        let prompts = read_json_if_there(&directory.join("config_sentence_transformers.json"))?;
        Ok(Self {
            transformer,
            pooling,
            max_tokens: sentence.unwrap_or_default().max_seq_length,
            prompts: prompts.unwrap_or_default(),
        })
    }
}

/// What a model wants to read before a text. Some were made to tell questions from passages by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompts {
    pub(super) query: String,
    pub(super) passage: String,
}

impl<'de> Deserialize<'de> for Prompts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            prompts: std::collections::BTreeMap<String, String>,
            #[serde(default)]
            default_prompt_name: Option<String>,
        }
        let File { prompts, default_prompt_name } = File::deserialize(deserializer)?;
        let of = |names: &[&str]| {
            let names = names.iter().copied().chain(default_prompt_name.as_deref());
            names.filter_map(|name| prompts.get(name)).next().cloned().unwrap_or_default()
        };
        Ok(Self { query: of(&["query"]), passage: of(&["document", "passage"]) })
    }
}
