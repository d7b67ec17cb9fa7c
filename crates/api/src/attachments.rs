//! Images and files of messages, in the form in which a model is given them. Uploaded ones are looked up; a
//! sentence stands in the place of what is gone, because the model should not believe that it never was.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cupola_models::Part;
use cupola_store::{Blobs, Key, SharedStore, StoreError};
use cupola_wire::classic::File;
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::{ApiError, classic::FILE, items::Item};

/// The largest image or file that is handed to a model.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;
/// The largest file that is read to the model as text. A larger one goes to the server as it is.
const MAX_TEXT: usize = 1024 * 1024;
/// What a file is called that came without a name.
const NAMELESS: &str = "file";

/// The uploaded files.
pub struct Attachments {
    store: SharedStore,
    blobs: Arc<dyn Blobs>,
}

/// What a file is to a message.
#[derive(Clone, Copy)]
enum Use {
    Image,
    File,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "an image",
            Self::File => "a file",
        })
    }
}

impl Attachments {
    /// The files in a store.
    pub fn new(store: SharedStore, blobs: Arc<dyn Blobs>) -> Self {
        Self { store, blobs }
    }

    /// An uploaded image.
    pub async fn image(
        &self,
        project: &Arc<str>,
        id: &str,
        detail: Option<String>,
    ) -> Result<Part, StoreError> {
        Ok(match self.load(project, id, Use::Image).await? {
            Ok((name, bytes)) => Part::Image { url: data_address(image_type(&name), &bytes), detail },
            Err(instead) => Part::Text { text: instead },
        })
    }

    /// An uploaded file.
    pub async fn file(&self, project: &Arc<str>, id: &str) -> Result<Part, StoreError> {
        Ok(match self.load(project, id, Use::File).await? {
            Ok((name, bytes)) => file_part(&name, None, bytes),
            Err(instead) => Part::Text { text: instead },
        })
    }

    /// The name and the bytes of a file, or what the model is told instead.
    async fn load(
        &self,
        project: &Arc<str>,
        id: &str,
        used_as: Use,
    ) -> Result<Result<(String, Vec<u8>), String>, StoreError> {
        let gone = || Ok(Err(format!("[{used_as} that is no longer available]")));
        let key = Key::new(project, FILE, id);
        let Some(resource) = self.store.get(&key).await? else { return gone() };
        let info = read(&key, &resource.doc)?;
        if info.bytes > MAX_BYTES {
            return Ok(Err(format!("[{used_as} that is too large to be shown]")));
        }
        let Some(stream) = self.blobs.get(id).await? else { return gone() };
        let bytes = stream
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await?;
        Ok(Ok((info.filename, bytes)))
    }
}

/// A file that came along in a message: a `data:` address or bare base64. Where it is neither, nothing.
pub fn sent_along(name: Option<&str>, sent: &str) -> Option<Part> {
    let (media_type, base64) = data_of(sent)?;
    let bytes = STANDARD.decode(base64).ok()?;
    Some(file_part(name.unwrap_or(NAMELESS), media_type, bytes))
}

/// Refuses items that name files which are not there or can't be given to a model. `param` is where the items
/// stand in the body.
pub async fn check(
    store: &SharedStore,
    project: &Arc<str>,
    param: &str,
    items: &[Item],
) -> Result<(), ApiError> {
    for (index, item) in items.iter().enumerate() {
        for field in ["content", "output"] {
            let parts = item.get(field).and_then(Value::as_array).into_iter().flatten();
            for (place, part) in parts.enumerate() {
                let Some(id) = uploaded(part) else { continue };
                let param = format!("{param}[{index}].{field}[{place}].file_id");
                check_file(store, project, &param, id).await?;
            }
        }
    }
    Ok(())
}

/// The file that a part names, where it is the file that counts.
fn uploaded(part: &Value) -> Option<&str> {
    match part["type"].as_str()? {
        "input_file" => part["file_id"].as_str(),
        "input_image" if part["image_url"].is_null() => part["file_id"].as_str(),
        _ => None,
    }
}

async fn check_file(store: &SharedStore, project: &Arc<str>, param: &str, id: &str) -> Result<(), ApiError> {
    let key = Key::new(project, FILE, id);
    let Some(resource) = store.get(&key).await? else {
        return Err(ApiError::missing("File", id).param(param));
    };
    let info = read(&key, &resource.doc)?;
    if info.bytes > MAX_BYTES { Err(too_large(param)) } else { Ok(()) }
}

fn read(key: &Key, doc: &[u8]) -> Result<File, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Backend(format!("{key} is damaged: {error}")))
}

/// 413: a file is larger than what a model is given.
pub fn too_large(param: &str) -> ApiError {
    let message =
        format!("Invalid '{param}': the file is larger than the {MAX_BYTES} bytes that a model is given.");
    ApiError::too_large("file_too_large", message).param(param)
}

/// How many bytes a file has that came along, if it can be read.
pub fn size_of(sent: &str) -> Option<u64> {
    let (_, base64) = data_of(sent)?;
    STANDARD.decode(base64).ok().map(|bytes| bytes.len() as u64)
}

/// The media type, where one is said, and the base64.
fn data_of(sent: &str) -> Option<(Option<&str>, &str)> {
    let Some(address) = sent.strip_prefix("data:") else { return Some((None, sent)) };
    let (head, base64) = address.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    Some((Some(media_type).filter(|said| !said.is_empty()), base64))
}

fn file_part(name: &str, said: Option<&str>, bytes: Vec<u8>) -> Part {
    let bytes = match text_of(bytes) {
        Ok(text) => return Part::Text { text: format!("<file name={name:?}>\n{text}\n</file>") },
        Err(bytes) => bytes,
    };
    let media_type = said.unwrap_or_else(|| file_type(name, &bytes));
    Part::File { name: name.to_owned(), data: data_address(media_type, &bytes) }
}

/// A file's text, or its bytes where it has none that is short enough to be read out.
fn text_of(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    // A small PDF may well be ASCII, but nobody can read it like that.
    if bytes.len() > MAX_TEXT || is_pdf(&bytes) || bytes.contains(&0) {
        return Err(bytes);
    }
    String::from_utf8(bytes).map_err(|error| error.into_bytes())
}

fn is_pdf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"%PDF-")
}

fn data_address(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

fn image_type(name: &str) -> &'static str {
    match extension(name).as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "image/png",
    }
}

fn file_type(name: &str, bytes: &[u8]) -> &'static str {
    match extension(name).as_str() {
        _ if is_pdf(bytes) => "application/pdf",
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "jpg" | "jpeg" | "gif" | "webp" | "png" => image_type(name),
        "csv" | "json" | "log" | "md" | "txt" | "xml" => "text/plain",
        _ => "application/octet-stream",
    }
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(name: &str, bytes: &[u8]) -> Option<Part> {
        sent_along(Some(name), &STANDARD.encode(bytes))
    }

    fn text(text: &str) -> Option<Part> {
        Some(Part::Text { text: text.to_owned() })
    }

    fn file(name: &str, data: &str) -> Option<Part> {
        Some(Part::File { name: name.to_owned(), data: data.to_owned() })
    }

    #[test]
    fn a_file_with_text_in_it_becomes_text_whatever_it_is_called() {
        assert_eq!(along("a.bin", "Grüße".as_bytes()), text("<file name=\"a.bin\">\nGrüße\n</file>"));
        let address = "data:application/pdf;base64,SGk=";
        assert_eq!(sent_along(None, address), text("<file name=\"file\">\nHi\n</file>"));
    }

    #[test]
    fn any_other_file_goes_along_as_it_is() {
        assert_eq!(along("a", b"%PDF-1.4"), file("a", "data:application/pdf;base64,JVBERi0xLjQ="));
        assert_eq!(along("a.XYZ", b"\xff"), file("a.XYZ", "data:application/octet-stream;base64,/w=="));
        assert_eq!(along("a.png", b"\xff"), file("a.png", "data:image/png;base64,/w=="));
        let said = "data:application/x-own;base64,AA==";
        assert_eq!(sent_along(Some("a.pdf"), said), file("a.pdf", said));
    }

    #[test]
    fn a_text_that_is_too_long_to_be_read_out_goes_along_as_a_file() {
        assert!(matches!(along("a.txt", &vec![b'a'; MAX_TEXT]), Some(Part::Text { .. })));
        let longer = along("a.txt", &vec![b'a'; MAX_TEXT + 1]);
        let Some(Part::File { data, .. }) = longer else { panic!("{longer:?}") };
        assert!(data.starts_with("data:text/plain;base64,YWFh"));
    }

    #[test]
    fn what_is_no_base64_is_no_file() {
        for sent in ["not base64!", "data:text/plain,Hi", "data:;base64", "data:;base64,?"] {
            assert_eq!((sent_along(None, sent), size_of(sent)), (None, None), "{sent}");
        }
        assert_eq!(size_of("data:;base64,SGk="), Some(2));
    }
}
