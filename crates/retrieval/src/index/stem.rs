//! Takes the plural ending off a word.
//!
//! Two careful rules, after the "S stemmer" of D. Harman ("How effective is suffixing?", JASIS 1991). They bring
//! `stores` and `store` together, and do little harm to other languages: passages and queries pass them alike.

use tantivy::tokenizer::{Token, TokenFilter, TokenStream, Tokenizer};

/// Takes plural endings off the words of another tokenizer.
#[derive(Clone)]
pub(super) struct PluralFilter;

impl TokenFilter for PluralFilter {
    type Tokenizer<T: Tokenizer> = Singular<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> Singular<T> {
        Singular(tokenizer)
    }
}

/// A tokenizer whose words have no plural endings.
#[derive(Clone)]
pub(super) struct Singular<T>(T);

impl<T: Tokenizer> Tokenizer for Singular<T> {
    type TokenStream<'a> = SingularStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        SingularStream(self.0.token_stream(text))
    }
}

/// The words of [`Singular`].
pub(super) struct SingularStream<S>(S);

impl<S: TokenStream> TokenStream for SingularStream<S> {
    fn advance(&mut self) -> bool {
        let advanced = self.0.advance();
        if advanced {
            make_singular(&mut self.0.token_mut().text);
        }
        advanced
    }

    fn token(&self) -> &Token {
        self.0.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.0.token_mut()
    }
}

fn make_singular(word: &mut String) {
    let length = word.len();
    match word.as_bytes() {
        [.., _, _, b'i', b'e', b's'] => {
            word.truncate(length - 3);
            word.push('y');
        }
        [.., _, _, before, b's'] if before.is_ascii_alphabetic() && !matches!(before, b'u' | b's') => {
            word.truncate(length - 1);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singular(word: &str) -> String {
        let mut word = word.to_owned();
        make_singular(&mut word);
        word
    }

    #[test]
    fn plurals_lose_their_endings() {
        assert_eq!(["stores", "trees", "queries", "casas"].map(singular), ["store", "tree", "query", "casa"]);
    }

    #[test]
    fn words_that_only_look_like_plurals_stay() {
        assert_eq!(
            ["class", "status", "gas", "is", "s256s"].map(singular),
            ["class", "status", "gas", "is", "s256s"]
        );
    }
}
