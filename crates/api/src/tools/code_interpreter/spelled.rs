//! One argument of a call, while the model is still writing the JSON in which it stands.

/// Reads the text of one argument out of JSON that comes piece by piece. What is no such JSON gives nothing.
#[derive(Debug)]
pub struct Spelled {
    argument: &'static str,
    place: Place,
    /// The name that is being read, or the escape.
    held: String,
}

/// Where in the JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of all texts; how deep, and whether a name comes next.
    Between { depth: u32, is_name_next: bool },
    /// In the name of a member.
    Name,
    /// Behind a name.
    Colon,
    /// In another text, which is read over.
    Other { depth: u32, is_escaped: bool },
    /// In the text.
    Text,
    /// Behind a backslash in it.
    Escape,
    /// It is whole.
    Done,
}

impl Spelled {
    /// Reads this argument.
    pub fn new(argument: &'static str) -> Self {
        let place = Place::Between { depth: 0, is_name_next: false };
        Self { argument, place, held: String::new() }
    }

    /// The next piece of JSON, and what of the text is in it.
    pub fn read(&mut self, json: &str) -> String {
        let mut text = String::new();
        for letter in json.chars() {
            self.place = self.step(letter, &mut text);
        }
        text
    }

    fn step(&mut self, letter: char, text: &mut String) -> Place {
        match self.place {
            Place::Between { depth, is_name_next } => self.between(letter, depth, is_name_next),
            Place::Name if letter == '"' => Place::Colon,
            Place::Name => {
                self.held.push(letter);
                Place::Name
            }
            Place::Colon if letter == ':' || letter.is_whitespace() => Place::Colon,
            Place::Colon => {
                let is_it = std::mem::take(&mut self.held) == self.argument;
                match letter {
                    '"' if is_it => Place::Text,
                    letter => self.between(letter, 1, false),
                }
            }
            Place::Other { depth, is_escaped: true } => Place::Other { depth, is_escaped: false },
            Place::Other { depth, .. } if letter == '"' => Place::Between { depth, is_name_next: false },
            Place::Other { depth, .. } => Place::Other { depth, is_escaped: letter == '\\' },
            Place::Text if letter == '"' => Place::Done,
            Place::Text if letter == '\\' => {
                self.held.push(letter);
                Place::Escape
            }
            Place::Text => {
                text.push(letter);
                Place::Text
            }
            Place::Escape => self.escape(letter, text),
            Place::Done => Place::Done,
        }
    }

    fn between(&mut self, letter: char, depth: u32, is_name_next: bool) -> Place {
        match letter {
            '"' if depth == 1 && is_name_next => Place::Name,
            '"' => Place::Other { depth, is_escaped: false },
            '{' | '[' => Place::Between { depth: depth + 1, is_name_next: depth == 0 },
            '}' | ']' => Place::Between { depth: depth.saturating_sub(1), is_name_next: false },
            ',' => Place::Between { depth, is_name_next: depth == 1 },
            _ => Place::Between { depth, is_name_next },
        }
    }

    /// An escape is read by whoever reads JSON, once it is whole; one half of a pair waits for the other.
    fn escape(&mut self, letter: char, text: &mut String) -> Place {
        const LONGEST: usize = "\\ud83d\\ude00".len();
        self.held.push(letter);
        match serde_json::from_str::<String>(&format!("\"{}\"", self.held)) {
            Ok(read) => {
                text.push_str(&read);
                self.held.clear();
                Place::Text
            }
            Err(_) if self.held.len() < LONGEST => Place::Escape,
            Err(_) => Place::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'t>(pieces: impl IntoIterator<Item = &'t str>) -> String {
        let mut spelled = Spelled::new("code");
        pieces.into_iter().map(|piece| spelled.read(piece)).collect()
    }

    #[test]
    fn the_text_is_read_however_it_is_cut_into_pieces() {
        let json = r#" {"language": "py\"thon", "more": {"code": "no"}, "list": ["a", {"b": 1}], "code": "print(\"ä\")\n\u00e9\ud83d\ude00\\", "x": "y"}"#;
        let text = "print(\"ä\")\né😀\\";
        assert_eq!(read([json]), text);
        let letters: Vec<String> = json.chars().map(String::from).collect();
        assert_eq!(read(letters.iter().map(String::as_str)), text);
    }

    #[test]
    fn what_is_there_is_told_before_the_rest_comes() {
        let mut spelled = Spelled::new("code");
        assert_eq!(spelled.read(r#"{"code": "a"#), "a");
        assert_eq!(spelled.read(r"b\"), "b");
        assert_eq!(spelled.read(r#"n"}"#), "\n");
    }

    #[test]
    fn what_is_no_such_json_gives_nothing() {
        for json in ["", "print(1)", r#"{"input": "x"}"#, r#"["code", "x"]"#, r#"{"code": 1}"#, r#""code""#] {
            assert_eq!(read([json]), "", "{json}");
        }
        assert_eq!(read([r#"{"code": "a\qb"}"#]), "a");
    }
}
