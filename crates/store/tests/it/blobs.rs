//! Blobs in files.

use std::{io, path::Path};

use bytes::Bytes;
use cupola_store::{Blobs, ByteStream, FileBlobs, StoreError};
use futures_util::{StreamExt, TryStreamExt, stream};

fn bytes(pieces: impl IntoIterator<Item = io::Result<Bytes>>) -> ByteStream {
    Box::pin(stream::iter(pieces.into_iter().collect::<Vec<_>>()))
}

fn text(text: &'static str) -> ByteStream {
    bytes([Ok(Bytes::from_static(text.as_bytes()))])
}

async fn read(blobs: &FileBlobs, id: &str) -> Option<Vec<u8>> {
    let pieces: Vec<Bytes> = blobs.get(id).await.unwrap()?.try_collect().await.unwrap();
    Some(pieces.concat())
}

/// All files below a directory.
fn files(root: &Path) -> usize {
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn a_blob_comes_back_as_it_was_put_also_after_opening_again() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    let pieces: Vec<Bytes> = (0..50_u8).map(|n| Bytes::from(vec![n; 10_001])).collect();
    let written = blobs.put("assistant-a_1", bytes(pieces.iter().cloned().map(Ok))).await.unwrap();
    assert_eq!(written, 50 * 10_001);
    assert!(read(&blobs, "assistant-a_1").await.unwrap() == pieces.concat());
    let blobs = FileBlobs::open(home.path()).unwrap();
    assert!(read(&blobs, "assistant-a_1").await.unwrap() == pieces.concat());
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    assert_eq!(blobs.put("empty", bytes([])).await.unwrap(), 0);
    assert_eq!(read(&blobs, "empty").await, Some(Vec::new()));
}

#[tokio::test]
async fn a_blob_that_was_never_put_is_none_and_deleting_it_is_no_fault() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    assert_eq!(read(&blobs, "none").await, None);
    blobs.delete("none").await.unwrap();
    blobs.put("a", text("x")).await.unwrap();
    blobs.delete("a").await.unwrap();
    assert_eq!(read(&blobs, "a").await, None);
}

#[tokio::test]
async fn a_put_that_fails_leaves_nothing_and_may_be_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    let broken = bytes([Ok(Bytes::from_static(b"half")), Err(io::Error::other("broken off"))]);
    let failed = blobs.put("a", broken).await;
    assert!(matches!(&failed, Err(StoreError::Backend(words)) if words.contains("broken off")), "{failed:?}");
    assert_eq!(read(&blobs, "a").await, None);
    assert_eq!(files(home.path()), 0);
    blobs.put("a", text("whole")).await.unwrap();
    assert_eq!(read(&blobs, "a").await.as_deref(), Some(b"whole".as_slice()));
}

#[tokio::test]
async fn what_is_still_coming_in_can_not_be_read_yet() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    let never_ends = stream::iter([Ok(Bytes::from_static(b"half"))]).chain(stream::pending());
    let mut put = blobs.put("a", Box::pin(never_ends));
    for _ in 0..20 {
        assert!(futures_util::poll!(&mut put).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&blobs, "a").await, None);
}

#[tokio::test]
async fn what_an_interrupted_put_left_is_gone_after_opening_again() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    blobs.put("kept", text("x")).await.unwrap();
    let never_ends = stream::iter([Ok(Bytes::from_static(b"half"))]).chain(stream::pending());
    let put = blobs.put("a", Box::pin(never_ends));
    let _ = tokio::time::timeout(std::time::Duration::from_millis(50), put).await;
    let blobs = FileBlobs::open(home.path()).unwrap();
    assert_eq!(files(home.path()), 1);
    assert_eq!(read(&blobs, "kept").await.as_deref(), Some(b"x".as_slice()));
    blobs.put("a", text("y")).await.unwrap();
}

#[tokio::test]
async fn an_id_is_written_once() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    blobs.put("a", text("first")).await.unwrap();
    let second = blobs.put("a", text("second")).await;
    assert!(second.is_err(), "a second put is refused");
    assert_eq!(read(&blobs, "a").await.as_deref(), Some(b"first".as_slice()));
}

#[tokio::test]
async fn an_id_that_is_no_plain_name_reaches_no_path() {
    let home = tempfile::tempdir().unwrap();
    let inside = home.path().join("blobs");
    let blobs = FileBlobs::open(&inside).unwrap();
    std::fs::write(home.path().join("secret"), "secret").unwrap();
    for id in ["", ".", "..", "../secret", "/etc/passwd", "a/b", "a\\b", "a\0b", "ä", "a b", "a.b"] {
        assert!(blobs.put(id, text("x")).await.is_err(), "{id:?}");
        assert!(blobs.get(id).await.is_err(), "{id:?}");
        assert!(blobs.delete(id).await.is_err(), "{id:?}");
    }
    assert_eq!(files(home.path()), 1);
}

#[tokio::test]
async fn the_shortest_ids_work() {
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    for id in ["a", "ab", "uploads"] {
        blobs.put(id, text("x")).await.unwrap();
        assert_eq!(read(&blobs, id).await.as_deref(), Some(b"x".as_slice()), "{id}");
    }
}

#[tokio::test]
async fn a_blob_can_be_read_as_a_file() {
    use std::io::Read;
    let home = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(home.path()).unwrap();
    blobs.put("a", text("some text")).await.unwrap();
    let mut read = String::new();
    blobs.file("a").await.unwrap().unwrap().read_to_string(&mut read).unwrap();
    assert_eq!(read, "some text");
    assert!(blobs.file("none").await.unwrap().is_none());
}
