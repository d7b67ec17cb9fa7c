//! What a file is: by its name, and by its first bytes.

use serde::{Deserialize, Serialize};

use crate::Unreadable;

/// Kinds of files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Plain text, and whatever is as readable as it is: source code, TeX, JSON.
    Text,
    /// Text with headings.
    Markdown,
    /// A web page.
    Html,
    /// Pages in the Portable Document Format.
    Pdf,
    /// A document of Word since 2007.
    Docx,
    /// A document of older Words, or one of the other things that go by that name.
    Doc,
    /// A presentation of PowerPoint since 2007.
    Pptx,
}

/// What the service reads, in the order in which it says so.
const EXTENSIONS: [(&str, Kind); 21] = [
    ("c", Kind::Text),
    ("cpp", Kind::Text),
    ("cs", Kind::Text),
    ("css", Kind::Text),
    ("doc", Kind::Doc),
    ("docx", Kind::Docx),
    ("go", Kind::Text),
    ("html", Kind::Html),
    ("java", Kind::Text),
    ("js", Kind::Text),
    ("json", Kind::Text),
    ("md", Kind::Markdown),
    ("pdf", Kind::Pdf),
    ("php", Kind::Text),
    ("pptx", Kind::Pptx),
    ("py", Kind::Text),
    ("rb", Kind::Text),
    ("sh", Kind::Text),
    ("tex", Kind::Text),
    ("ts", Kind::Text),
    ("txt", Kind::Text),
];

impl Kind {
    /// What a file of this name should be. The error is the service's own sentence.
    pub fn of_name(name: &str) -> Result<Self, Unreadable> {
        let extension = extension(name);
        let known = EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known));
        known.map(|(_, kind)| *kind).ok_or_else(|| Unreadable::Unsupported(unsupported(extension)))
    }

    /// Whether reading it takes a parser, which a document could be made to harm.
    pub(super) fn needs_parser(self) -> bool {
        !matches!(self, Self::Text | Self::Markdown)
    }

    /// How such a file is called.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Markdown => "a Markdown text",
            Self::Html => "a web page",
            Self::Pdf => "a PDF document",
            Self::Docx | Self::Doc => "a Word document",
            Self::Pptx => "a PowerPoint presentation",
        }
    }
}

fn extension(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    // A name that only begins with a point, such as `.profile`, has no extension.
    name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, extension)| extension)
}

fn unsupported(extension: &str) -> String {
    let shown =
        if extension.is_empty() { "none".into() } else { format!(".{}", extension.to_ascii_lowercase()) };
    let supported: Vec<String> = EXTENSIONS.iter().map(|(known, _)| format!(".{known}")).collect();
    format!(
        "Files with extensions [{shown}] are not supported for retrieval. \
         Supported file types include: [{}].",
        supported.join(", ")
    )
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// Nothing at all.
    Empty,
    /// The header of a PDF.
    Pdf,
    /// An archive, as every document of today's Office is.
    Zip,
    /// The container of older Office documents, and of encrypted ones.
    Ole,
    /// The Rich Text Format.
    Rtf,
    /// A web page.
    Html,
    /// Something else that is no text, with its name.
    Other(&'static str),
    /// None of these: probably text.
    Plain,
}

/// How files begin that are no text.
const SIGNATURES: [(&[u8], Looks); 20] = [
    (b"%PDF-", Looks::Pdf),
    (b"PK\x03\x04", Looks::Zip),
    (b"PK\x05\x06", Looks::Zip),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Looks::Ole),
    (b"{\\rtf", Looks::Rtf),
    (b"\x89PNG\r\n\x1a\n", Looks::Other("a PNG picture")),
    (b"\xff\xd8\xff", Looks::Other("a JPEG picture")),
    (b"GIF87a", Looks::Other("a GIF picture")),
    (b"GIF89a", Looks::Other("a GIF picture")),
    (b"II*\0", Looks::Other("a TIFF picture")),
    (b"MM\0*", Looks::Other("a TIFF picture")),
    (b"\x1f\x8b\x08", Looks::Other("a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Looks::Other("a 7-Zip archive")),
    (b"Rar!\x1a\x07", Looks::Other("a RAR archive")),
    (b"\x28\xb5\x2f\xfd", Looks::Other("a Zstandard archive")),
    (b"\x7fELF", Looks::Other("a program")),
    (b"MZ\x90\0", Looks::Other("a program")),
    (b"SQLite format 3\0", Looks::Other("an SQLite database")),
    (b"ID3", Looks::Other("a sound recording")),
    (b"\0\0\0\x18ftyp", Looks::Other("a video")),
];

/// How many bytes to look at.
pub(super) const FIRST_BYTES: usize = 1024;

impl Looks {
    /// Looks at the first bytes of a file.
    pub(super) fn of(first: &[u8]) -> Self {
        if first.is_empty() {
            return Self::Empty;
        }
        let known = SIGNATURES.iter().find(|(signature, _)| first.starts_with(signature));
        if let Some((_, looks)) = known {
            return *looks;
        }
        // Readers of PDF accept some bytes before the header, and so do we.
        if first.windows(5).any(|bytes| bytes == b"%PDF-") && first.contains(&0) {
            return Self::Pdf;
        }
        let start = first.trim_ascii_start();
        let begins =
            |with: &str| start.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with.as_bytes()));
        if ["<!doctype html", "<html", "\u{feff}<!doctype html", "\u{feff}<html"].into_iter().any(begins) {
            return Self::Html;
        }
        Self::Plain
    }

    /// How such a file is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Empty => "an empty file",
            Self::Pdf => "a PDF document",
            Self::Zip => "a ZIP archive",
            Self::Ole => "a document of an old Office",
            Self::Rtf => "a document in the Rich Text Format",
            Self::Html => "a web page",
            Self::Other(noun) => noun,
            Self::Plain => "something else",
        }
    }
}

/// Says that a file is not what its name says.
pub(super) fn misnamed(kind: Kind, looks: Looks) -> Unreadable {
    Unreadable::Invalid(format!("The file is named like {}, but it is {}.", kind.noun(), looks.noun()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_says_what_a_file_should_be() {
        for (name, kind) in [
            ("notes.txt", Kind::Text),
            ("folder.d/Report.PDF", Kind::Pdf),
            ("a.b.docx", Kind::Docx),
            (r"C:\talk.pptx", Kind::Pptx),
        ] {
            assert_eq!(Kind::of_name(name), Ok(kind), "{name}");
        }
    }

    #[test]
    fn what_is_not_supported_is_told_in_the_services_words() {
        let error = Kind::of_name("table.csv").unwrap_err();
        assert_eq!(error.code(), "unsupported_file");
        assert_eq!(
            error.to_string(),
            "Files with extensions [.csv] are not supported for retrieval. Supported file types include: \
             [.c, .cpp, .cs, .css, .doc, .docx, .go, .html, .java, .js, .json, .md, .pdf, .php, .pptx, .py, \
             .rb, .sh, .tex, .ts, .txt]."
        );
        for name in ["Makefile", ".profile", "dir.txt/file", ""] {
            assert!(Kind::of_name(name).unwrap_err().to_string().contains("[none]"), "{name}");
        }
    }

    #[test]
    fn first_bytes_say_what_a_file_is() {
        for (first, looks) in [
            (&b""[..], Looks::Empty),
            (b"%PDF-1.7\n", Looks::Pdf),
            (b"\0junk\n%PDF-1.7\n", Looks::Pdf),
            (b"PK\x03\x04\x14\0", Looks::Zip),
            (b"  \n<!DOCTYPE HTML><p>", Looks::Html),
            (b"{\\rtf1\\ansi", Looks::Rtf),
            (b"GIF89a\x01", Looks::Other("a GIF picture")),
            (b"A PDF begins with %PDF-", Looks::Plain),
            ("Öl".as_bytes(), Looks::Plain),
        ] {
            assert_eq!(Looks::of(first), looks, "{first:?}");
        }
    }
}
