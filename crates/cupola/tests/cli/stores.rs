//! `cupola files` and `cupola stores`: documents of a folder become part of a store and are found there.

use std::fs;

use cupola_client::{
    StoreFileQuery, Upload,
    types::{CreateVectorStore, FileErrorCode, FileStatus, SearchVectorStore},
};
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::home::{Home, Server};

const REFUNDS: &str =
    "# Refunds\n\nWhoever sends a lamp back within thirty days gets the whole price refunded.\n";
const SHIPPING: &str = "Parcels to islands are shipped by boat on Tuesdays.\n";

/// A server, and a folder of documents beside it.
fn home() -> (Home, Server) {
    let home = Home::new();
    fs::create_dir_all(home.path().join("docs/guide")).unwrap();
    home.file("docs/refunds.md", REFUNDS);
    home.file("docs/guide/shipping.txt", SHIPPING);
    home.file("docs/photo.png", "not a text");
    let server = home.serve();
    (home, server)
}

#[test]
fn a_folder_is_added_to_a_store_and_searched() {
    let (home, _server) = home();
    let ended = home.run(&["stores", "create", "handbook", "--metadata", "team=sales"]);
    assert!(ended.out.contains("\nname          handbook\nstatus        completed\nfiles         none\n"));
    assert!(ended.err.contains("Fill it: cupola stores add vs_"), "{ended:?}");

    let ended = home.run(&["stores", "add", "handbook", "docs"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.starts_with("1 file left out, of kinds that are not read: .png (1)\n"), "{ended:?}");
    assert!(
        ended.err.contains("Uploaded 2 files (") && ended.err.contains("\n2 files can be found in handbook")
    );

    let table = home.output_of(&["stores", "files", "handbook"]);
    assert!(table.contains("guide/shipping.txt\n") && table.contains("refunds.md\n"), "{table}");
    assert!(home.output_of(&["stores", "list"]).ends_with(" handbook\n"));

    let found = home.output_of(&["stores", "search", "handbook", "refunded lamp"]);
    let first: Vec<&str> = found.lines().next().unwrap().split("  ").collect();
    assert!(first.last().unwrap().starts_with("refunds.md"), "{found}");
    assert!(found.contains("    ") && found.contains("gets the whole price refunded."), "{found}");
    let page = home.json_of(&[
        "stores",
        "search",
        "handbook",
        "parcels islands boat",
        "--filter",
        "path=guide/shipping.txt",
        "--limit",
        "1",
    ]);
    assert_eq!(page["data"][0]["filename"], json!("shipping.txt"));
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_file_lacks_is_said_and_the_others_are_added() {
    let (home, _server) = home();
    home.output_of(&["stores", "create", "handbook"]);
    home.file("docs/broken.pdf", "%PDF-1.7 and then nothing");
    let ended = home.run(&["stores", "add", "handbook", "docs", "--attribute", "team=sales"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("\ndocs/broken.pdf: "), "{ended:?}");
    assert!(
        ended.err.contains("error: 1 of 3 files failed; the others can be found in handbook"),
        "{ended:?}"
    );
    let failed = home.output_of(&["stores", "files", "handbook", "--failed"]);
    assert!(failed.contains(" failed ") && failed.contains("\nbroken.pdf: "), "{failed}");
    let added = home.json_of(&["stores", "add", "handbook", "docs/refunds.md"]);
    assert_eq!((&added["failed"], &added["batches"][0]["file_counts"]["completed"]), (&json!([]), &json!(1)));

    let ended = home.run(&["stores", "add", "handbook", "docs/photo.png"]);
    assert!(
        ended.err.contains("docs/photo.png: Files with extensions [.png] are not supported"),
        "{ended:?}"
    );
    fs::create_dir(home.path().join("empty")).unwrap();
    let ended = home.run(&["stores", "add", "handbook", "empty"]);
    assert!(ended.err.contains("There is nothing to add"), "{ended:?}");
}

#[test]
fn stores_are_named_by_id_or_name_and_what_is_not_there_is_told() {
    let (home, _server) = home();
    let ended = home.run(&["stores", "list"]);
    assert!(ended.err.ends_with("There are no stores. Create one: cupola stores create NAME\n"), "{ended:?}");
    let first = home.json_of(&["stores", "create", "twin", "--expires-after", "7"]);
    assert_eq!(first["expires_after"], json!({"anchor": "last_active_at", "days": 7}));
    let id = first["id"].as_str().unwrap();
    assert!(home.output_of(&["stores", "get", "twin"]).contains(id));
    home.output_of(&["stores", "create", "twin"]);
    let ended = home.run(&["stores", "delete", "twin"]);
    assert!(ended.err.contains("2 stores are called `twin`. Name one by its id: vs_"), "{ended:?}");
    assert_eq!(home.output_of(&["stores", "delete", id]), format!("twin ({id}) is deleted.\n"));
    for word in [id, "nothing"] {
        let ended = home.run(&["stores", "search", word, "lamp"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.ends_with("See which ones there are: cupola stores list\n"), "{ended:?}");
    }
    let ended = home.run(&["stores", "search", "twin", "lamp"]);
    assert!(ended.err.contains("has no files. Fill it: cupola stores add vs_"), "{ended:?}");
}

#[test]
fn files_are_uploaded_listed_shown_downloaded_and_deleted() {
    let (home, _server) = home();
    assert!(home.run(&["files", "list"]).err.ends_with("Upload one: cupola files upload PATH\n"));
    let ended = home.run(&["files", "upload", "docs/refunds.md"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let id = ended.out.trim();
    assert!(ended.err.contains("put them into a store: cupola stores add STORE"), "{ended:?}");
    let table = home.output_of(&["files", "list", "--purpose", "assistants"]);
    assert!(table.contains(id) && table.ends_with("assistants  refunds.md\n"), "{table}");
    assert_eq!(home.json_of(&["files", "list", "--purpose", "vision"]), json!([]));
    let shown = home.output_of(&["files", "get", id]);
    assert!(shown.contains(&format!("size          {} B", REFUNDS.len())), "{shown}");

    assert_eq!(home.output_of(&["files", "download", id, "-"]), REFUNDS);
    let ended = home.run(&["files", "download", id]);
    assert!(ended.err.starts_with("refunds.md ("), "{ended:?}");
    assert_eq!(fs::read_to_string(home.path().join("refunds.md")).unwrap(), REFUNDS);

    assert_eq!(home.output_of(&["files", "delete", id]), format!("{id} is deleted.\n"));
    for verb in ["get", "download", "delete"] {
        let ended = home.run(&["files", verb, id]);
        assert!(ended.err.ends_with("See which ones there are: cupola files list\n"), "{verb}: {ended:?}");
    }
    let ended = home.run(&["files", "upload", "docs/missing.md"]);
    assert!(ended.err.contains("docs/missing.md: No such file"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_fills_searches_and_empties_a_store() {
    let (home, _server) = home();
    let stores = home.project().vector_stores();
    let store = stores.create_and_poll(&CreateVectorStore::named("sdk")).await.unwrap();
    let files = stores.files(&store.id);
    let file = files.upload_and_poll(&Upload::bytes("refunds.md", REFUNDS)).await.unwrap();
    assert_eq!((file.status, file.vector_store_id.as_str()), (FileStatus::Completed, store.id.as_str()));
    let broken =
        files.upload_and_poll(&Upload::bytes("broken.pdf", "%PDF-1.7 and then nothing")).await.unwrap();
    assert_eq!(broken.last_error.unwrap().code, FileErrorCode::InvalidFile);
    let uploads = [Upload::bytes("a.txt", SHIPPING), Upload::bytes("b.txt", "Lamps hang from ceilings.")];
    let batch = stores.file_batches(&store.id).upload_and_poll(uploads).await.unwrap();
    assert_eq!((batch.status, batch.file_counts.completed), (FileStatus::Completed, 2));

    let counts = stores.get(&store.id).await.unwrap().file_counts;
    assert_eq!((counts.completed, counts.failed, counts.total), (3, 1, 4));
    let failed = StoreFileQuery { status: Some(FileStatus::Failed), ..StoreFileQuery::default() };
    let failed: Vec<_> = files.list(failed).try_collect().await.unwrap();
    assert_eq!(failed.iter().map(|file| &file.id).collect::<Vec<_>>(), [&broken.id]);
    let content = files.content(&file.id).await.unwrap();
    let text: String = content.into_iter().map(|part| part.text).collect();
    assert!(text.contains("gets the whole price refunded"), "{text}");

    let search = SearchVectorStore::new("When are parcels shipped to islands?");
    let found = stores.search(&store.id, &search).await.unwrap();
    assert_eq!(found.data[0].filename, "a.txt", "{found:?}");
    assert!((0.0..=1.0).contains(&found.data[0].score), "{found:?}");
    files.delete(&found.data[0].file_id).await.unwrap();
    let found = stores.search(&store.id, &search).await.unwrap();
    assert!(found.data.iter().all(|passage| passage.filename != "a.txt"), "{found:?}");
    assert!(stores.delete(&store.id).await.unwrap().deleted);
    assert!(stores.get(&store.id).await.unwrap_err().is_not_found());
}
