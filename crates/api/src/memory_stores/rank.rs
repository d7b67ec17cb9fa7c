//! Which memories belong to what is said: by meaning where there are vectors, else by words.

use std::collections::HashMap;

use cupola_retrieval::words_of;

use super::record::{Memory, MemoryKind, Vector};

/// How close a memory has to be that is not of the user.
const CLOSE: f64 = 0.25;
/// Which part of the best memory's common words another one has to have.
const PART: f64 = 0.35;
/// How much meaning counts beside words, where there are vectors.
const MEANING: f64 = 0.8;

/// The places of the memories that belong to a text, the best first. What is known of the user always may, of
/// everything else there has to be evidence. Of equally good ones, those that come first are better.
pub fn rank(text: &str, vector: Option<&Vector>, memories: &[Memory], limit: usize) -> Vec<usize> {
    let of_text = words_of(text);
    let of_memories: Vec<Vec<String>> = memories.iter().map(|memory| words_of(&memory.content)).collect();
    let rarity = rarity(&of_memories);
    let most: f64 = of_text.iter().map(|word| rarity(word)).sum();
    let in_common = |own: &Vec<String>| -> f64 {
        of_text.iter().filter(|word| own.contains(word)).map(|word| rarity(word)).sum()
    };
    let in_common: Vec<f64> = of_memories.iter().map(in_common).collect();
    let best = in_common.iter().copied().fold(0.0, f64::max);
    let mut ranked: Vec<(usize, f64)> = Vec::new();
    for (place, (memory, common)) in memories.iter().zip(in_common).enumerate() {
        // Words that nearly all texts have are no evidence.
        let has_words = common > 0.0 && common >= PART * best;
        let by_words = if most > 0.0 { common / most } else { 0.0 };
        let by_meaning = vector.zip(memory.vector.as_ref()).and_then(|(ours, theirs)| ours.likeness(theirs));
        let (score, is_evident) = match by_meaning.map(f64::from) {
            Some(likeness) => {
                (MEANING * likeness + (1.0 - MEANING) * by_words, likeness >= CLOSE || has_words)
            }
            None => (by_words, has_words),
        };
        if is_evident || memory.kind == MemoryKind::UserProfile {
            ranked.push((place, score));
        }
    }
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked.into_iter().map(|(place, _)| place).take(limit).collect()
}

/// How much a word says: more, the fewer memories have it.
fn rarity(of_memories: &[Vec<String>]) -> impl Fn(&str) -> f64 + use<> {
    let mut counts: HashMap<String, f64> = HashMap::new();
    for own in of_memories {
        for word in own {
            *counts.entry(word.clone()).or_default() += 1.0;
        }
    }
    let all = of_memories.len() as f64;
    move |word| {
        let having = counts.get(word).copied().unwrap_or(0.0);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(content: &str, kind: MemoryKind, vector: Option<&[f32]>) -> Memory {
        Memory {
            memory_id: content.to_owned(),
            updated_at: 0,
            scope: "s".to_owned(),
            content: content.to_owned(),
            kind,
            expires_at: None,
            vector: vector.map(|numbers| Vector::of("m", numbers)),
        }
    }

    #[test]
    fn words_in_common_decide_where_there_are_no_vectors() {
        let memories = [
            memory("The user likes tea.", MemoryKind::UserProfile, None),
            memory("They talked about boats of stone.", MemoryKind::ChatSummary, None),
            memory("The user rows boats.", MemoryKind::UserProfile, None),
            memory("They talked about the weather.", MemoryKind::ChatSummary, None),
        ];
        assert_eq!(rank("Which boats do I row?", None, &memories, 10), [2, 1, 0]);
        assert_eq!(rank("Which boats do I row?", None, &memories, 1), [2]);
    }

    #[test]
    fn meaning_decides_where_there_are_vectors() {
        let memories = [
            memory("tea", MemoryKind::UserProfile, Some(&[0.0, 1.0])),
            memory("coffee", MemoryKind::ChatSummary, Some(&[0.9, 0.4])),
            memory("weather", MemoryKind::ChatSummary, Some(&[0.0, 1.0])),
        ];
        let asked = Vector::of("m", &[1.0, 0.0]);
        assert_eq!(rank("hot drinks", Some(&asked), &memories, 10), [1, 0]);
    }
}
