//! What is pulled, and what is not pulled twice.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    sync::atomic::{AtomicUsize, Ordering},
};

use cupola_hosting::{Progress, image::ImageStore};
use serde_json::json;

use crate::{
    Store,
    front::{Fate, Front},
    made::{Layer, Made, architecture, noise},
    mounted::Mounted,
    registry::Registry,
    settings, text,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_there_layer_by_layer() {
    let (registry, store) = (Registry::start(), Store::new());
    let base = Layer::gzip(&[
        ("agent", "one"),
        ("etc/", ""),
        ("etc/passwd", "app:x:7:8::/app:/bin/sh\n"),
        ("old", ""),
    ]);
    let change = Layer::zstd(&[("agent", "two"), (".wh.old", "")]);
    let last = Layer::plain(&[("last", "3")]);
    let made = Made::of(&[base, change, last]);
    let reference = registry.push("team/agent", "1", &made).await;

    let image = store.pull(&reference).await.unwrap();

    assert_eq!(image.digest, made.digest());
    let [base, change, last] = &image.layers[..] else { panic!("{:?}", image.layers) };
    assert_eq!(
        (text(base, "agent"), text(change, "agent"), text(last, "last")),
        ("one".into(), "two".into(), "3".into())
    );
    let old = fs::symlink_metadata(change.join("old")).unwrap();
    assert!(old.file_type().is_char_device() && old.rdev() == 0);
    assert_eq!(image.config.command(), ["/agent"]);
    assert_eq!(image.config.env, [("A".to_owned(), "b".to_owned())]);
    let user = image.user().unwrap();
    assert_eq!((user.uid, user.gid, user.home.as_deref()), (7, 8, Some("/app")));
    assert_eq!(image.size, 3 + 24 + 3 + 1);
    assert_eq!(store.holds(), (3, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_layers_are_what_overlays_take() {
    let (registry, store) = (Registry::start(), Store::new());
    let base = Layer::gzip(&[("agent", "one"), ("gone", ""), ("old/a", ""), ("kept/a", "a")]);
    let change = Layer::gzip(&[
        ("agent", "two"),
        (".wh.gone", ""),
        ("old/.wh..wh..opq", ""),
        ("old/b", ""),
        ("kept/b", "b"),
    ]);
    let reference = registry.push("agent", "1", &Made::of(&[base, change])).await;
    let image = store.pull(&reference).await.unwrap();
    let [base, change] = &image.layers[..] else { panic!("{:?}", image.layers) };

    let merged = Mounted::overlay(&format!("lowerdir={}:{}", change.display(), base.display()));
    let names = |folder: &str| {
        let entries = fs::read_dir(merged.path().join(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["agent", "kept", "old"]);
    assert_eq!((names("old"), names("kept")), (vec!["b".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(text(merged.path(), "agent"), "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_goes_from_the_question_to_the_image() {
    let (registry, store) = (Registry::start(), Store::new());
    let layer = Layer::gzip(&[("agent", &noise(100_000))]);
    let size = layer.size() as u64;
    let reference = registry.push("agent", "1", &Made::of(&[layer])).await;
    store.pull(&reference).await.unwrap();
    let seen = store.seen.lock().unwrap().clone();
    assert_eq!(seen.first(), Some(&Progress::Resolving));
    let all = Progress::Pulling { done: size, total: Some(size), layers_done: 0, layers: 1 };
    assert!(seen.contains(&all), "{seen:?}");
    assert_eq!(seen[seen.len() - 2..], [Progress::Unpacking, Progress::Present { cached: false }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_present_is_not_fetched_again() {
    let (registry, store) = (Registry::start(), Store::new());
    let front = Front::open(registry.address()).await;
    let made = Made::of(&[Layer::gzip(&[("agent", "a")])]).in_words_of_docker();
    let reference = front.reference(&registry.push("agent", "1", &made).await);
    let first = store.pull(&reference).await.unwrap();
    front.forget();

    assert_eq!(store.pull(&reference).await.unwrap(), first);
    assert_eq!(front.kinds(), ["HEAD manifests"]);
    assert_eq!(store.last_seen(), Progress::Present { cached: true });

    front.forget();
    let by_digest = format!("{}/agent@{}", front.address, first.digest);
    assert_eq!(store.pull(&by_digest).await.unwrap(), first);
    assert!(front.kinds().is_empty());
    assert_eq!(store.images.find(&first.digest), Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_moved_is_followed() {
    let (registry, store) = (Registry::start(), Store::new());
    let reference = registry.push("agent", "1", &Made::of(&[Layer::gzip(&[("agent", "a")])])).await;
    let first = store.pull(&reference).await.unwrap();
    registry.push("agent", "1", &Made::of(&[Layer::gzip(&[("agent", "b")])])).await;
    let second = store.pull(&reference).await.unwrap();
    assert_ne!(first.digest, second.digest);
    assert_eq!(text(&second.layers[0], "agent"), "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pulls_at_once_download_once() {
    let (registry, store) = (Registry::start(), Store::new());
    let front = Front::open(registry.address()).await;
    let layers = [Layer::gzip(&[("agent", &noise(500_000))]), Layer::gzip(&[("more", "m")])];
    let reference = front.reference(&registry.push("agent", "1", &Made::of(&layers)).await);
    let (first, second) = tokio::join!(store.pull(&reference), store.pull(&reference));
    assert_eq!(first.unwrap(), second.unwrap());
    for layer in &layers {
        assert_eq!(front.asked_for_blob(&layer.digest()).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_share_layers_until_the_last_is_forgotten() {
    let (registry, store) = (Registry::start(), Store::new());
    let front = Front::open(registry.address()).await;
    let base = Layer::gzip(&[("base", "b")]);
    let made = |own: &str| Made::of(&[base.clone(), Layer::gzip(&[("agent", own)])]);
    let one = front.reference(&registry.push("agent", "1", &made("1")).await);
    let two = front.reference(&registry.push("agent", "2", &made("2")).await);
    let (one, two) = tokio::join!(store.pull(&one), store.pull(&two));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.layers[0], two.layers[0]);
    assert_eq!(front.asked_for_blob(&base.digest()).len(), 1);
    assert_eq!(store.holds(), (3, 2, 0));

    store.images.forget(&one.digest).await.unwrap();
    assert_eq!((store.images.find(&one.digest), store.holds()), (None, (2, 1, 0)));
    assert_eq!(text(&two.layers[0], "base"), "b");
    store.images.forget(&two.digest).await.unwrap();
    store.images.forget(&two.digest).await.unwrap();
    assert_eq!(store.holds(), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_an_image_has_twice_is_there_once() {
    let (registry, store) = (Registry::start(), Store::new());
    let (twice, once) = (Layer::gzip(&[("a", "1")]), Layer::gzip(&[("a", "2")]));
    let reference = registry.push("agent", "1", &Made::of(&[twice.clone(), once, twice])).await;
    let image = store.pull(&reference).await.unwrap();
    let contents: Vec<String> = image.layers.iter().map(|layer| text(layer, "a")).collect();
    assert_eq!(contents, ["2", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_leads_to_the_image_for_this_machine() {
    let (registry, store) = (Registry::start(), Store::new());
    let other = if architecture() == "arm64" { "amd64" } else { "arm64" };
    let here = Made::of(&[Layer::gzip(&[("agent", "here")])]);
    let there = Made::with(&[Layer::gzip(&[("agent", "there")])], json!({"architecture": other}));
    registry.push("agent", "here", &here).await;
    registry.push("agent", "there", &there).await;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [there.listed(other), here.listed(architecture())],
    });
    registry.push_manifest("agent", "both", &index).await;
    let front = Front::open(registry.address()).await;
    let reference = format!("{}/agent:both", front.address);
    let image = store.pull(&reference).await.unwrap();
    assert_eq!((image.digest.clone(), text(&image.layers[0], "agent")), (here.digest(), "here".into()));

    front.forget();
    let of_index = crate::made::digest(index.to_string().as_bytes());
    assert_eq!(store.images.find(&of_index), Some(image.clone()));
    assert_eq!(store.pull(&format!("{}/agent@{of_index}", front.address)).await.unwrap(), image);
    assert!(front.kinds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_opened_again_has_what_was_complete() {
    let (registry, store) = (Registry::start(), Store::new());
    let reference = registry.push("agent", "1", &Made::of(&[Layer::gzip(&[("agent", "a")])])).await;
    let image = store.pull(&reference).await.unwrap();
    let root = store.folder.path();
    fs::create_dir_all(root.join("partial/half/root")).unwrap();
    fs::create_dir(root.join("layers/sha256-nonsense")).unwrap();
    fs::write(root.join("images/damaged.json"), "{").unwrap();

    let again = ImageStore::open(root, settings()).unwrap();
    assert_eq!(again.find(&image.digest), Some(image.clone()));
    assert_eq!(store.holds(), (1, 1, 0));

    fs::remove_dir_all(&image.layers[0]).unwrap();
    let without = ImageStore::open(root, settings()).unwrap();
    assert_eq!((without.find(&image.digest), store.holds()), (None, (0, 0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (registry, store) = (Registry::start(), Store::new());
    let layer = Layer::gzip(&[("agent", &noise(300_000))]);
    let digest = layer.digest();
    let reference = registry.push("agent", "1", &Made::of(&[layer])).await;
    let broken = digest.clone();
    let times = AtomicUsize::new(0);
    let front = Front::new(Some(registry.address()), move |asked| {
        let breaks = asked.is_blob(&broken) && times.fetch_add(1, Ordering::Relaxed) < 4;
        if breaks { Fate::BreakOff(10_000) } else { Fate::Pass }
    })
    .await;
    let image = store.pull(&front.reference(&reference)).await.unwrap();
    assert_eq!(text(&image.layers[0], "agent"), noise(300_000));
    let ranges: Vec<_> =
        front.asked_for_blob(&digest).iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges.len(), 5);
    assert_eq!(ranges[..2], [None, Some("bytes=10000-".into())]);
    assert_eq!(ranges[4], Some("bytes=40000-".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_fails_for_a_moment_is_asked_again() {
    let (registry, store) = (Registry::start(), Store::new());
    let reference = registry.push("agent", "1", &Made::of(&[Layer::gzip(&[("agent", "a")])])).await;
    let times = AtomicUsize::new(0);
    let front = Front::new(Some(registry.address()), move |asked| {
        let fails = asked.uri.path() != "/v2/" && times.fetch_add(1, Ordering::Relaxed) % 3 != 2;
        let unavailable = axum::http::StatusCode::SERVICE_UNAVAILABLE;
        if fails { Fate::Answer(unavailable, Default::default(), String::new()) } else { Fate::Pass }
    })
    .await;
    assert!(store.pull(&front.reference(&reference)).await.is_ok());
}
