//! XML of the blob endpoint: lists of blobs that are sent, lists of blocks that are read.

use super::{
    blob_endpoint::http_date,
    blob_errors::{BlobError, escaped},
    storage::Blob,
};
use crate::values::Parameters;

/// The most blobs in one page.
const PAGE: usize = 5_000;

/// A page of blobs. What stands behind a delimiter is shown once, as a prefix.
pub fn page(container: &str, blobs: &[Blob], query: &Parameters) -> Result<String, BlobError> {
    let prefix = query.get("prefix").unwrap_or_default();
    let delimiter = query.get("delimiter");
    let marker = query.get("marker").unwrap_or_default();
    let most = match query.get("maxresults") {
        None => PAGE,
        Some(text) => {
            text.parse().ok().filter(|most| *most > 0).map(|most: usize| most.min(PAGE)).ok_or_else(|| {
                BlobError::invalid("InvalidQueryParameterValue", "'maxresults' must be a positive integer.")
            })?
        }
    };
    let (mut shown, mut next, mut count, mut folded) = (String::new(), "", 0, "");
    for blob in blobs.iter().filter(|blob| blob.name.starts_with(prefix) && blob.name.as_str() >= marker) {
        let folder = delimiter.and_then(|delimiter| {
            let end = blob.name[prefix.len()..].find(delimiter)? + prefix.len() + delimiter.len();
            Some(&blob.name[..end])
        });
        if folder.is_some_and(|folder| folder == folded) {
            continue;
        }
        if count == most {
            next = &blob.name;
            break;
        }
        count += 1;
        match folder {
            Some(folder) => {
                folded = folder;
                shown.push_str(&format!("<BlobPrefix><Name>{}</Name></BlobPrefix>", escaped(folder)));
            }
            None => shown.push_str(&entry(blob)),
        }
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <EnumerationResults ContainerName=\"{}\"><Prefix>{}</Prefix><MaxResults>{most}</MaxResults>\
         <Blobs>{shown}</Blobs><NextMarker>{}</NextMarker></EnumerationResults>",
        escaped(container),
        escaped(prefix),
        escaped(next)
    ))
}

fn entry(blob: &Blob) -> String {
    format!(
        "<Blob><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag>\
         <Content-Length>{}</Content-Length><Content-Type>{}</Content-Type><BlobType>BlockBlob</BlobType>\
         </Properties></Blob>",
        escaped(&blob.name),
        http_date(blob.modified),
        escaped(blob.etag.trim_matches('"')),
        blob.len(),
        escaped(&blob.content_type)
    )
}

/// The names in a block list, in order. `Committed`, `Uncommitted` and `Latest` are looked up alike: a name
/// stands for one block.
pub fn block_names(xml: &str) -> Option<Vec<String>> {
    let inside = xml.split_once("<BlockList")?.1;
    let inside = inside.split_once('>').filter(|(head, _)| !head.ends_with('/'))?.1;
    let mut rest = inside.rsplit_once("</BlockList>")?.0.trim();
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (tag, after) = rest.strip_prefix('<')?.split_once('>')?;
        if !matches!(tag, "Committed" | "Uncommitted" | "Latest") {
            return None;
        }
        let (name, after) = after.split_once(&format!("</{tag}>"))?;
        names.push(name.trim().to_owned());
        rest = after.trim_start();
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn blobs(names: &[&str]) -> Vec<Blob> {
        let blob = |name: &&str| Blob {
            name: (*name).to_owned(),
            content_type: "text/plain".to_owned(),
            etag: "\"0x1\"".to_owned(),
            modified: 0,
            parts: Vec::new(),
        };
        names.iter().map(blob).collect()
    }

    fn names(xml: &str) -> Vec<&str> {
        xml.split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect()
    }

    #[test]
    fn a_list_is_cut_into_pages_that_begin_at_the_marker() {
        let blobs = blobs(&["a", "b", "c"]);
        let first = page("x", &blobs, &Parameters::parse("maxresults=2")).unwrap();
        assert_eq!(names(&first), ["a", "b"]);
        assert!(first.contains("<NextMarker>c</NextMarker>"));
        let second = page("x", &blobs, &Parameters::parse("maxresults=2&marker=c")).unwrap();
        assert_eq!(names(&second), ["c"]);
        assert!(second.contains("<NextMarker></NextMarker>"));
        assert!(page("x", &blobs, &Parameters::parse("maxresults=none")).is_err());
    }

    #[test]
    fn a_delimiter_folds_what_stands_behind_it() {
        let blobs = blobs(&["d/1", "d/2", "d/e/3", "f"]);
        assert_eq!(names(&page("x", &blobs, &Parameters::parse("delimiter=/")).unwrap()), ["d/", "f"]);
        let inside = Parameters::parse("delimiter=/&prefix=d/");
        assert_eq!(names(&page("x", &blobs, &inside).unwrap()), ["d/1", "d/2", "d/e/"]);
    }

    #[test]
    fn names_are_escaped() {
        let xml = page("x", &blobs(&["a&<b>"]), &Parameters::default()).unwrap();
        assert!(xml.contains("<Name>a&amp;&lt;b&gt;</Name>"));
    }

    #[test]
    fn a_block_list_is_read_in_order() {
        let xml = "<?xml version='1.0'?>\n<BlockList><Latest>QQ==</Latest> \
                   <Uncommitted>Qg==</Uncommitted></BlockList>";
        assert_eq!(block_names(xml).unwrap(), ["QQ==", "Qg=="]);
        assert_eq!(block_names("<BlockList></BlockList>").unwrap(), Vec::<String>::new());
        for broken in
            ["", "<BlockList>", "<BlockList><Other>x</Other></BlockList>", "<BlockList>x</BlockList>"]
        {
            assert_eq!(block_names(broken), None, "{broken}");
        }
    }
}
