//! `cupola conversations`.

use serde_json::json;

use crate::home::Home;

#[test]
fn a_conversation_is_listed_shown_item_by_item_and_deleted() {
    let home = Home::new();
    home.script("rules: []\notherwise: {say: 'You said: {{user}}'}");
    let _server = home.serve();
    assert!(home.run(&["conversations", "list"]).err.contains("Begin one: cupola chat AGENT"));
    home.run_with_input(&["chat", "--model", "chat"], "one\ntwo\n");
    let list = home.json_of(&["conversations", "list"]);
    let id = list[0]["id"].as_str().unwrap();
    assert!(home.output_of(&["conversations", "list"]).contains(id));

    let ended = home.run(&["conversations", "items", id, "--limit", "3"]);
    let rows: Vec<&str> = ended.out.lines().collect();
    assert_eq!(rows.len(), 4, "{ended:?}");
    assert!(rows[1].starts_with("msg_") && rows[1].ends_with("You said: two"), "{ended:?}");
    assert!(ended.err.starts_with("There are more."), "{ended:?}");
    let items = home.json_of(&["conversations", "show", id]);
    assert_eq!(items[0]["content"][0]["text"], json!("one"));

    assert_eq!(home.output_of(&["conversations", "delete", id]), format!("{id} is deleted.\n"));
    for verb in ["show", "items", "delete"] {
        let ended = home.run(&["conversations", verb, id]);
        assert_eq!(ended.code, Some(1), "{verb}: {ended:?}");
        assert!(ended.err.ends_with("See which ones there are: cupola conversations list\n"), "{ended:?}");
    }
}
