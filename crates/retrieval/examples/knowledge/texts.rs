//! Texts to take in: sentences and paragraphs, with English words first and made ones behind them.

use std::{collections::HashMap, fs, path::Path};

use crate::{Outcome, corpus::Corpus, labelled::Labelled};

const VOCABULARY: usize = 50_000;

/// Writes `files` texts of `bytes` each.
pub fn write(folder: &Path, files: usize, bytes: usize) -> Outcome<()> {
    let mut corpus = Corpus::with_words(3, english()?, VOCABULARY);
    fs::create_dir_all(folder)?;
    for number in 0..files {
        fs::write(folder.join(format!("text-{number}.txt")), corpus.prose(bytes))?;
    }
    Ok(())
}

/// The words of the labelled passages, the most frequent first.
fn english() -> Outcome<Vec<String>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for passage in Labelled::read()?.passages {
        for word in passage.text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty())
        {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut words: Vec<(String, usize)> = counts.into_iter().collect();
    words.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
    Ok(words.into_iter().map(|(word, _)| word).collect())
}
