//! Files of sessions: written from outside and from inside, and never outside of the home.

use cupola_api::HostingSettings;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, assert_refused},
    hosted_agent::{Home, deploy, hosting, hosting_with, modern},
};

async fn home() -> (TestApp, Home) {
    let app = hosting().await;
    deploy(&app.user, "worker", modern()).await;
    let home = Home::of(&app.user, "worker").await;
    (app, home)
}

fn names(list: &Value) -> Vec<&str> {
    list["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_file_goes_in_and_comes_back() {
    let (_app, home) = home().await;
    let written = home.put("/remote/a.txt", "hi").await.created();
    let expected =
        json!({"path": "remote/a.txt", "bytes_written": 2, "success": true, "source_type": "stream"});
    assert_eq!(written, expected);
    let read = home.read("remote/a.txt").await;
    assert_eq!((read.status, &read.body[..]), (StatusCode::OK, &b"hi"[..]));
    assert_eq!(read.headers["content-type"], "application/octet-stream");
    assert_eq!(read.headers["content-disposition"], "attachment; filename=\"a.txt\"");
    assert_eq!(read.headers["content-length"], "2");
    let list = home.list("/remote").await.accepted();
    assert_eq!((&list["path"], &list["has_more"]), (&json!("remote"), &json!(false)));
    assert_eq!(list["last_id"], Value::Null);
    let entry = &list["entries"][0];
    assert_eq!((&entry["name"], &entry["size"]), (&json!("a.txt"), &json!(2)));
    assert_eq!(entry["is_directory"], false);
    assert!(entry["modified_time"].as_i64().unwrap() > 1_600_000_000);
    let stat = home.stat("remote").await.accepted();
    let seen = (&stat["name"], &stat["path"], &stat["is_directory"]);
    assert_eq!(seen, (&json!("remote"), &json!("remote"), &json!(true)));
}

#[tokio::test]
async fn the_program_and_the_client_write_the_same_files() {
    let (_app, home) = home().await;
    home.put("/shared/note", "from outside").await.created();
    let mode =
        home.run("out = [oct(os.stat(HOME + p).st_mode & 0o777) for p in ('/shared', '/shared/note')]");
    assert_eq!(mode.await, json!(["0o777", "0o666"]));
    let code =
        "open(HOME + '/shared/note', 'a').write(' and inside'); open(HOME + '/own', 'w').write('mine')";
    home.run(code).await;
    assert_eq!(&home.read("shared/note").await.body[..], b"from outside and inside");
    assert_eq!(&home.read("own").await.body[..], b"mine");
}

#[tokio::test]
async fn files_are_there_while_the_sandbox_sleeps() {
    let (_app, home) = home().await;
    home.run("open(HOME + '/left', 'w').write('behind')").await;
    home.stop().await;
    assert_eq!(home.shown().await["status"], "idle");
    assert_eq!(&home.read("left").await.body[..], b"behind");
    home.put("sent", "meanwhile").await.created();
    assert_eq!(home.shown().await["status"], "idle", "files wake nobody");
    assert_eq!(home.run("out = open(HOME + '/sent').read()").await, "meanwhile");
}

#[tokio::test]
async fn a_path_that_climbs_out_is_refused() {
    let (_app, home) = home().await;
    let message = "Invalid 'path': it holds '..'. Paths are relative to the home of the session.";
    for path in ["../other", "/../../etc/passwd", "a/../../b", ".."] {
        for answer in [home.read(path).await, home.put(path, "x").await, home.delete(path, true).await] {
            assert_refused(&answer, 400, message, Some("invalid_value"), Some("path"));
        }
        assert_eq!(home.make_folder(path).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(home.list(path).await.status, StatusCode::BAD_REQUEST);
    }
    let absolute = home.read("/etc/passwd").await;
    assert_eq!(absolute.status, StatusCode::NOT_FOUND, "an absolute path begins at the home");
}

#[tokio::test]
async fn a_link_that_the_program_makes_leads_nowhere() {
    let (app, home) = home().await;
    let outside = app.home.path().join("secret");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("key"), "the key").unwrap();
    let outside = outside.to_str().unwrap();
    let code = format!(
        "os.symlink('{outside}', HOME + '/absolute'); os.symlink('../../../../secret', HOME + '/relative'); \
         os.symlink('{outside}/key', HOME + '/file'); os.symlink('/proc/self/root', HOME + '/magic')"
    );
    home.run(&code).await;
    for path in ["absolute/key", "relative/key", "file", "magic/etc/passwd"] {
        assert_eq!(home.read(path).await.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(home.stat(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    for path in ["absolute/new", "relative/new", "absolute/deep/new"] {
        assert_eq!(home.put(path, "x").await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(home.list("absolute").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(home.make_folder("absolute/new").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(home.delete("absolute/key", false).await.status, StatusCode::BAD_REQUEST);
    // Deleting and replacing a link touches the link alone.
    assert_eq!(home.delete("absolute", true).await.status, StatusCode::NO_CONTENT);
    home.put("file", "mine").await.created();
    assert_eq!(&home.read("file").await.body[..], b"mine");
    assert_eq!(std::fs::read_to_string(format!("{outside}/key")).unwrap(), "the key");
    let left = std::fs::read_dir(outside).unwrap().count();
    assert_eq!(left, 1);
    let listed = home.list("").await.accepted();
    assert!(names(&listed).contains(&"relative"), "a link that leads outside is still shown");
}

#[tokio::test]
async fn a_link_inside_of_the_home_is_followed() {
    let (_app, home) = home().await;
    home.put("data/a", "there").await.created();
    home.run("os.symlink('data', HOME + '/link')").await;
    assert_eq!(&home.read("link/a").await.body[..], b"there");
}

#[tokio::test]
async fn no_link_that_comes_and_goes_opens_a_way_out() {
    let (app, home) = home().await;
    let outside = app.home.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("a"), "secret").unwrap();
    home.run("os.mkdir(HOME + '/real'); open(HOME + '/real/a', 'w').write('fine')").await;
    // While files are used, the program swaps a folder and a link for each other as fast as it can.
    let code = format!(
        "import threading\nos.symlink('{}', HOME + '/link')\ndef swap():\n  while True:\n    \
         os.rename(HOME + '/real', HOME + '/x'); os.rename(HOME + '/link', HOME + '/real'); \
         os.rename(HOME + '/real', HOME + '/link'); os.rename(HOME + '/x', HOME + '/real')\n\
         threading.Thread(target=swap, daemon=True).start()",
        outside.display()
    );
    home.run(&code).await;
    for round in 0..150 {
        let read = home.read("real/a").await;
        assert_ne!(&read.body[..], b"secret", "round {round}");
        home.put("real/new", "x").await;
        home.make_folder("real/folder").await;
    }
    let left = std::fs::read_dir(&outside).unwrap().count();
    assert_eq!(left, 1, "nothing was written outside");
}

#[tokio::test]
async fn what_is_no_file_is_refused_at_once() {
    let (_app, home) = home().await;
    home.run("os.mkfifo(HOME + '/pipe'); os.symlink('circle', HOME + '/circle')").await;
    for (path, reason) in [
        ("pipe", "it is neither a file nor a folder"),
        ("circle", "its links lead in a circle"),
        (&"n".repeat(300), "a name in it is too long"),
    ] {
        let message = format!("'{path}' can't be used: {reason}.");
        assert_refused(&home.read(path).await, 400, &message, Some("invalid_value"), Some("path"));
    }
    home.make_folder("folder").await.created();
    let message = "'folder' can't be used: it is a folder.";
    assert_refused(&home.read("folder").await, 400, message, Some("invalid_value"), Some("path"));
    assert_eq!(home.put("folder", "x").await.status, StatusCode::BAD_REQUEST);
    home.put("file", "x").await.created();
    assert_eq!(home.put("file/below", "x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(home.make_folder("file").await.status, StatusCode::CONFLICT);
    let nothing = home.read("").await;
    let message = "Missing required parameter: 'path'.";
    assert_refused(&nothing, 400, message, Some("missing_required_parameter"), Some("path"));
    assert_eq!(home.delete("/", true).await.status, StatusCode::BAD_REQUEST, "the home itself stays");
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_deleted_only_on_request() {
    let (_app, home) = home().await;
    home.put("a/b/c", "x").await.created();
    let message = "The folder 'a' is not empty. Delete what is in it, or send 'recursive=true'.";
    assert_refused(&home.delete("a", false).await, 409, message, Some("conflict"), None);
    assert_eq!(home.delete("a", true).await.status, StatusCode::NO_CONTENT);
    assert_refused(&home.delete("a", true).await, 404, "File 'a' not found.", Some("not_found"), None);
    assert_refused(&home.read("a/b/c").await, 404, "File 'a/b/c' not found.", Some("not_found"), None);
    home.make_folder("a/b").await.created();
    home.make_folder("a/b").await.created();
    assert_eq!(home.delete("a/b", false).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_file_over_the_limit_leaves_the_old_one_alone() {
    let (_app, home) = home().await;
    home.put("big", "old").await.created();
    let most = 50 * 1024 * 1024;
    let message = "The file is larger than 50 MiB, the most for session files.";
    let refused = home.put("big", vec![b'x'; most + 1]).await;
    assert_refused(&refused, 413, message, Some("file_too_large"), None);
    assert_eq!(&home.read("big").await.body[..], b"old");
    let written = home.put("big", vec![b'x'; most]).await.created();
    assert_eq!(written["bytes_written"], most);
    assert_eq!(home.read("big").await.body.len(), most);
}

#[tokio::test]
async fn a_long_folder_is_read_page_by_page() {
    let (_app, home) = home().await;
    home.run("[open(HOME + '/n%02d' % i, 'w').close() for i in range(25)]").await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("{}&limit=10{after}", home.file("", ""));
        let page = home.get(&path).await.accepted();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["last_id"].as_str() {
            Some(last) => after = format!("&after={last}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).map(|number| format!("n{number:02}")).collect();
    assert_eq!(seen, expected);
    let newest = home.get(&format!("{}&limit=2&order=desc", home.file("", ""))).await.accepted();
    assert_eq!(names(&newest), ["n24", "n23"]);
}

#[tokio::test]
async fn nobody_else_sees_the_files() {
    let (app, home) = home().await;
    home.put("mine", "x").await.created();
    let other = home.seen_by(&app.somebody("eve"));
    let message = format!("Session '{}' not found.", home.id);
    for answer in [
        other.read("mine").await,
        other.put("mine", "y").await,
        other.list("").await,
        other.delete("mine", false).await,
        other.make_folder("folder").await,
        other.stat("mine").await,
    ] {
        assert_refused(&answer, 404, &message, Some("not_found"), None);
    }
    assert_eq!(&home.read("mine").await.body[..], b"x");
}

#[tokio::test]
async fn a_session_takes_its_files_with_it() {
    let (app, home) = home().await;
    home.put("a/b", "x").await.created();
    assert_eq!(app.user.delete(&home.path()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(home.read("a/b").await.status, StatusCode::NOT_FOUND);
    assert_eq!(home.put("a/b", "x").await.status, StatusCode::NOT_FOUND);
    let sessions = app.home.path().join("hosting/sessions");
    assert_eq!(std::fs::read_dir(sessions).unwrap().count(), 0);
}

#[tokio::test]
async fn what_does_not_fit_into_the_home_is_refused_and_not_kept() {
    let settings = HostingSettings { home_bytes: 1 << 20, ..HostingSettings::default() };
    let app = hosting_with(settings).await;
    deploy(&app.user, "worker", modern()).await;
    let home = Home::of(&app.user, "worker").await;
    assert_eq!(home.put("small", vec![1; 1 << 10]).await.status, StatusCode::CREATED);
    let (status, message, code, _) = home.put("large", vec![1; 1 << 20]).await.refusal();
    assert_eq!((status, code.as_deref()), (413, Some("home_full")), "{message}");
    assert_eq!(home.read("large").await.status, StatusCode::NOT_FOUND);
    home.delete("small", false).await;
    assert_eq!(home.put("other", vec![1; 1 << 10]).await.status, StatusCode::CREATED);
}
