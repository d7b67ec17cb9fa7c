//! `cupola explain`.

use std::{fs, path::Path};

use crate::home::Home;

#[test]
fn every_page_of_the_documentation_is_in_the_binary() {
    let home = Home::new();
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let list = home.output_of(&["explain"]);
    let mut count = 0;
    for page in fs::read_dir(pages).unwrap() {
        let page = page.unwrap().path();
        let code = page.file_stem().unwrap().to_str().unwrap();
        let shown = home.output_of(&["explain", code]);
        assert!(shown.starts_with(&format!("{code}\n")) && shown.contains("\nWhat to do\n"), "{shown}");
        assert!(list.lines().any(|line| line.starts_with(&format!("{code} "))), "{code} is not listed");
        count += 1;
    }
    assert_eq!(list.lines().count(), count);
}

#[test]
fn a_slip_of_the_finger_is_answered_with_the_nearest_code() {
    let ended = Home::new().run(&["explain", "data_dir_inuse"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("did you mean data_dir_in_use?"), "{ended:?}");
}
