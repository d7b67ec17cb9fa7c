//! Layers, ordinary and hostile, and what becomes of them in a folder.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
};

use proptest::prelude::*;
use rustix::fs::getxattr;
use tar::{EntryType, Header};

use super::*;

/// A member, as an archive has it. Nothing checks it.
#[derive(Clone, Debug)]
struct Raw {
    kind: EntryType,
    path: String,
    link: String,
    content: Vec<u8>,
    mode: u32,
}

fn raw(kind: EntryType, path: &str, link: &str, content: &[u8]) -> Raw {
    Raw { kind, path: path.into(), link: link.into(), content: content.into(), mode: 0o755 }
}

fn file(path: &str, content: &str) -> Raw {
    raw(EntryType::Regular, path, "", content.as_bytes())
}

fn folder(path: &str) -> Raw {
    raw(EntryType::Directory, path, "", b"")
}

fn symlink(path: &str, target: &str) -> Raw {
    raw(EntryType::Symlink, path, target, b"")
}

fn link(path: &str, target: &str) -> Raw {
    raw(EntryType::Link, path, target, b"")
}

fn archive(members: &[Raw]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..member.path.len()].copy_from_slice(member.path.as_bytes());
        old.linkname[..member.link.len()].copy_from_slice(member.link.as_bytes());
        header.set_entry_type(member.kind);
        header.set_mode(member.mode);
        header.set_uid(rustix::process::getuid().as_raw().into());
        header.set_gid(rustix::process::getgid().as_raw().into());
        header.set_mtime(1_000_000);
        header.set_size(member.content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&member.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Unpacks into the folder `layer` of a new folder.
fn unpacked(members: &[Raw]) -> (TempDir, Result<(), Failure>) {
    let outer = TempDir::new().unwrap();
    let outcome = unpack(&mut archive(members).as_slice(), &outer.path().join("layer"), 1000);
    (outer, outcome)
}

fn good(members: &[Raw]) -> TempDir {
    let (outer, outcome) = unpacked(members);
    outcome.unwrap();
    outer
}

fn refusal(members: &[Raw]) -> String {
    let failure = unpacked(members).1.unwrap_err();
    assert_eq!(failure.code, Code::InvalidContainerImage);
    failure.message
}

fn is_opaque(folder: &Path) -> bool {
    getxattr(folder, "user.overlay.opaque", &mut [0_u8; 1]).is_ok()
        || getxattr(folder, "trusted.overlay.opaque", &mut [0_u8; 1]).is_ok()
}

fn hides(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_char_device() && about.rdev() == 0)
}

#[test]
fn files_folders_and_links_are_as_in_the_archive() {
    let mut private = file("etc/secret", "s");
    private.mode = 0o600;
    let outer = good(&[
        folder("./"),
        folder("etc/"),
        private,
        file("/etc/absolute", "a"),
        symlink("lib", "/usr/lib"),
        link("etc/other", "etc/secret"),
        raw(EntryType::Fifo, "pipe", "", b""),
        file("deep/er/file", "d"),
    ]);
    let layer = outer.path().join("layer");
    assert_eq!(fs::read_to_string(layer.join("etc/absolute")).unwrap(), "a");
    assert_eq!(fs::read_to_string(layer.join("deep/er/file")).unwrap(), "d");
    assert_eq!(fs::read_link(layer.join("lib")).unwrap(), Path::new("/usr/lib"));
    let about = fs::metadata(layer.join("etc/secret")).unwrap();
    assert_eq!((about.permissions().mode() & 0o7777, about.mtime(), about.nlink()), (0o600, 1_000_000, 2));
    assert!(fs::metadata(layer.join("pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn a_whiteout_becomes_what_overlays_know() {
    let outer = good(&[folder("a"), file("a/.wh.gone", ""), file("b/.wh..wh..opq", ""), file("b/kept", "k")]);
    let layer = outer.path().join("layer");
    assert!(hides(&layer.join("a/gone")));
    assert!(!layer.join("a/.wh.gone").exists());
    assert!(is_opaque(&layer.join("b")) && !is_opaque(&layer.join("a")));
    assert_eq!(fs::read_to_string(layer.join("b/kept")).unwrap(), "k");
}

#[test]
fn a_whiteout_hides_lower_layers_and_not_its_own() {
    for members in [
        [file(".wh.folder", ""), folder("folder"), file(".wh.file", ""), file("file", "new")],
        [folder("folder"), file(".wh.folder", ""), file("file", "new"), file(".wh.file", "")],
        [file(".wh.folder", ""), file("folder/x", ""), file(".wh.file", ""), file("file", "new")],
    ] {
        let outer = good(&members);
        let layer = outer.path().join("layer");
        assert!(layer.join("folder").is_dir() && is_opaque(&layer.join("folder")));
        assert_eq!(fs::read_to_string(layer.join("file")).unwrap(), "new");
    }
}

#[test]
fn devices_are_left_out() {
    let outer = good(&[raw(EntryType::Char, "dev/null", "", b""), raw(EntryType::Block, "dev/sda", "", b"")]);
    assert_eq!(fs::read_dir(outer.path().join("layer")).unwrap().count(), 0);
}

#[test]
fn the_later_member_of_a_name_counts() {
    let outer = good(&[
        file("a", "1"),
        file("a", "2"),
        symlink("b", "a"),
        file("b", "3"),
        file("c", ""),
        folder("c"),
    ]);
    let layer = outer.path().join("layer");
    assert_eq!(fs::read_to_string(layer.join("a")).unwrap(), "2");
    assert_eq!(fs::read_to_string(layer.join("b")).unwrap(), "3");
    assert!(layer.join("c").is_dir());
}

#[test]
fn what_leads_out_is_refused() {
    assert!(refusal(&[file("../outside", "x")]).contains("climbs out"));
    assert!(refusal(&[symlink("way", ".."), file("way/outside", "x")]).contains("'way' is no folder"));
    assert!(refusal(&[symlink("way", "/"), folder("way/outside")]).contains("'way' is no folder"));
    assert!(refusal(&[symlink("way", ".."), file("way/.wh.outside", "")]).contains("'way' is no folder"));
    assert!(refusal(&[link("x", "../outside")]).contains("climbs out"));
    assert!(refusal(&[symlink("way", ".."), link("x", "way/outside")]).contains("does not have"));
    assert!(refusal(&[file(".", "x")]).contains("the place of its root"));
    assert!(refusal(&[file(".wh...", "")]).contains("hides nothing"));
}

#[test]
fn a_link_can_only_lead_to_a_file_of_the_layer() {
    assert!(refusal(&[link("x", "missing")]).contains("does not have"));
    assert!(refusal(&[folder("d"), link("x", "d")]).contains("does not have"));
    assert!(refusal(&[file(".wh.gone", ""), link("x", "gone")]).contains("does not have"));
    assert!(refusal(&[file("x", ""), link("x", "x")]).contains("another name of itself"));
}

#[test]
fn a_folder_with_something_in_it_stays() {
    assert!(refusal(&[file("a/b", ""), file("a", "")]).contains("something else, too"));
}

#[test]
fn long_names_have_a_limit() {
    let name = format!("{}/{}", "d".repeat(150), "f".repeat(150));
    let outer =
        good(&[raw(EntryType::GNULongName, "././@LongLink", "", name.as_bytes()), file("cut", "long")]);
    assert_eq!(fs::read_to_string(outer.path().join("layer").join(name)).unwrap(), "long");
    let bomb = vec![b'x'; (1 << 20) + 1];
    assert!(
        refusal(&[raw(EntryType::GNULongName, "././@LongLink", "", &bomb), file("x", "")])
            .contains("1048577 bytes")
    );
}

#[test]
fn extensions_are_obeyed() {
    let outer = good(&[raw(EntryType::XHeader, "x", "", b"15 path=a/name\n"), file("cut", "c")]);
    assert_eq!(fs::read_to_string(outer.path().join("layer/a/name")).unwrap(), "c");
    let sized = [raw(EntryType::XHeader, "x", "", b"9 size=5\n"), file("x", "abc")];
    assert!(refusal(&sized).contains("in two ways"));
    let owned = [raw(EntryType::XHeader, "x", "", b"18 uid=4294967295\n"), file("x", "")];
    assert!(refusal(&owned).contains("4294967295"));
    let sparse = [raw(EntryType::XHeader, "x", "", b"22 GNU.sparse.major=1\n"), file("x", "")];
    assert!(refusal(&sparse).contains("sparse"));
}

/// An archive of one file, whose owner, group and mode are changed before the checksum is made.
fn archive_with(edit: impl FnOnce(&mut tar::OldHeader)) -> Vec<u8> {
    let mut bytes = archive(&[file("a", "")]);
    let mut header = Header::from_byte_slice(&bytes[..512]).clone();
    edit(header.as_old_mut());
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    bytes
}

#[test]
fn empty_fields_of_a_member_mean_zero() {
    // As root alone can anything be given to root; the numbers are read by anybody.
    for blank in [[0; 8], [b' '; 8], *b"      \0\0"] {
        let bytes = archive_with(|fields| (fields.uid, fields.gid, fields.mode) = (blank, blank, blank));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let member = archive::Members::of(&mut archive).unwrap().next().unwrap().unwrap();
        assert_eq!((member.about.uid, member.about.gid, member.about.mode), (0, 0, 0));
    }
    let bytes = archive_with(|fields| fields.uid = *b"nobody!\0");
    let mut archive = tar::Archive::new(bytes.as_slice());
    let failure = archive::Members::of(&mut archive).unwrap().next().map(drop).unwrap_err();
    assert!(failure.message.contains("damaged"), "{failure}");
}

#[test]
fn too_many_files_are_too_many() {
    let outer = TempDir::new().unwrap();
    let bytes = archive(&[file("a", ""), file("b", ""), file("c", "")]);
    let failure = unpack(&mut bytes.as_slice(), &outer.path().join("layer"), 2).unwrap_err();
    assert!(failure.message.contains("more than 2 files"), "{failure}");
}

#[test]
fn bytes_that_are_no_archive_are_damaged() {
    let outer = TempDir::new().unwrap();
    let failure = unpack(&mut [7_u8; 2000].as_slice(), &outer.path().join("layer"), 9).unwrap_err();
    assert_eq!(failure.code, Code::InvalidContainerImage);
    assert!(failure.message.contains("damaged"), "{failure}");
}

/// Writes `blob` as a download would and unpacks it.
fn published(blob: &[u8], content: &Digest, limit: u64) -> (TempDir, Result<(), Failure>) {
    let outer = TempDir::new().unwrap();
    let partial = TempDir::new_in(outer.path()).unwrap();
    fs::write(partial.path().join("blob"), blob).unwrap();
    let outcome = layer(partial, content, &outer.path().join("place"), &Allowance::new(limit), 1000);
    (outer, outcome)
}

#[test]
fn every_compression_is_unpacked() {
    let plain = archive(&[file("a", "content")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut gzip, &plain).unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    for blob in [plain.clone(), gzip.finish().unwrap(), zstd] {
        let (outer, outcome) = published(&blob, &Digest::of(&plain), 1 << 20);
        outcome.unwrap();
        assert_eq!(fs::read_to_string(outer.path().join("place/a")).unwrap(), "content");
    }
}

#[test]
fn nothing_is_left_of_a_layer_that_is_not_good() {
    let plain = archive(&[file("a", "content")]);
    let bomb = zstd::encode_all(archive(&[file("a", &"0".repeat(1 << 20))]).as_slice(), 1).unwrap();
    for (blob, content, what) in [
        (&plain, Digest::of(b"another"), "unpacked, it is"),
        (&bomb, Digest::of(b"any"), "more than 65536 bytes"),
        (&bomb[..bomb.len() / 2].to_vec(), Digest::of(b"any"), "damaged"),
    ] {
        let (outer, outcome) = published(blob, &content, 65536);
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, Code::InvalidContainerImage);
        assert!(failure.message.contains(what), "{failure}");
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }
}

/// Everything below a folder, links not followed, with what files have.
fn listing(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let content = if kind.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && name != "layer" {
            found.extend(
                listing(&entry.path())
                    .into_iter()
                    .map(|(below, content)| (format!("{name}/{below}"), content)),
            );
        }
        found.insert(name, content);
    }
    found
}

fn hostile() -> impl Strategy<Value = Raw> {
    let part = prop_oneof![
        Just("a"),
        Just("b"),
        Just(".."),
        Just("."),
        Just(""),
        Just("way"),
        Just("outside"),
        Just("canary"),
        Just(".wh.a"),
        Just(".wh.way"),
        Just(".wh..wh..opq"),
        Just(".wh..."),
    ];
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let target = prop_oneof![
        Just("..".to_owned()),
        Just("../outside".to_owned()),
        Just("../outside/canary".to_owned()),
        Just("/".to_owned()),
        Just("a".to_owned()),
        Just("way".to_owned()),
        path.clone(),
    ];
    let kind = prop_oneof![
        Just(EntryType::Regular),
        Just(EntryType::Directory),
        Just(EntryType::Symlink),
        Just(EntryType::Link),
        Just(EntryType::Fifo),
        Just(EntryType::Char),
        Just(EntryType::GNULongName),
        Just(EntryType::GNULongLink),
    ];
    (kind, path, target, any::<u32>()).prop_map(|(kind, path, link, mode)| {
        let content = match kind {
            EntryType::Regular => b"written".to_vec(),
            EntryType::GNULongName | EntryType::GNULongLink => link.clone().into_bytes(),
            _ => Vec::new(),
        };
        Raw { kind, path, link, content, mode: mode & 0o7777 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_archive_writes_outside_of_its_folder(members in prop::collection::vec(hostile(), 0..12)) {
        let outer = TempDir::new().unwrap();
        fs::create_dir(outer.path().join("outside")).unwrap();
        fs::write(outer.path().join("outside/canary"), "alive").unwrap();
        let before = fs::metadata(outer.path().join("outside/canary")).unwrap();
        let _ = unpack(&mut archive(&members).as_slice(), &outer.path().join("layer"), 1000);
        let mut found = listing(outer.path());
        found.remove("layer");
        let expected = [("outside".to_owned(), Vec::new()), ("outside/canary".to_owned(), b"alive".to_vec())];
        prop_assert_eq!(found, BTreeMap::from(expected));
        let after = fs::metadata(outer.path().join("outside/canary")).unwrap();
        prop_assert_eq!((after.nlink(), after.mode()), (before.nlink(), before.mode()));
    }

    #[test]
    fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let outer = TempDir::new().unwrap();
        let _ = unpack(&mut bytes.as_slice(), &outer.path().join("layer"), 1000);
    }
}
