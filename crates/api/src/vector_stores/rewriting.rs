//! Questions become what they ask about: the words around it are in every text, and say nothing about any.

/// Words that a question begins with, or that hold it together.
const AROUND: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "can", "could", "did", "do", "does", "explain", "find",
    "for", "give", "had", "has", "have", "how", "i", "in", "is", "it", "list", "may", "me", "might", "my",
    "of", "on", "or", "our", "please", "shall", "should", "show", "so", "tell", "that", "the", "their",
    "there", "these", "they", "this", "those", "to", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
];

/// What a question asks about. A text that is nothing but such words stays as it is.
pub fn rewritten(question: &str) -> String {
    let words = question.split_whitespace().map(|word| word.trim_matches(['?', '!', '.', ',', ';', ':']));
    let is_around = |word: &str| AROUND.contains(&word.to_lowercase().as_str());
    let kept: Vec<&str> = words.filter(|word| !word.is_empty() && !is_around(word)).collect();
    if kept.is_empty() { question.to_owned() } else { kept.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_what_it_asks_about() {
        for (question, about) in [
            ("What is the refund policy for annual plans?", "refund policy annual plans"),
            ("Please tell me how the Heron fishes.", "Heron fishes"),
            ("heron", "heron"),
            ("To be or not to be", "be not be"),
            ("What is it?", "What is it?"),
            ("Wie fischt der Reiher?", "Wie fischt der Reiher"),
        ] {
            assert_eq!(rewritten(question), about, "{question}");
        }
    }
}
