//! Conversations and items: every call is the request that the contract says.

use cupola_client::{
    ConversationQuery, ItemQuery,
    types::{CreateConversation, Item, ItemRole, ListQuery, Metadata, Order},
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const BASE: &str = "/api/projects/demo/openai/v1/conversations";

fn conversation() -> Value {
    json!({"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {"a": "b"}})
}

fn item(id: &str, text: &str) -> Value {
    json!({"type": "message", "id": id, "status": "completed", "role": "user",
        "content": [{"type": "input_text", "text": text}]})
}

fn page(data: &[Value], has_more: bool) -> Value {
    json!({"object": "list", "data": data, "first_id": data.first().map(|item| &item["id"]),
        "last_id": data.last().map(|item| &item["id"]), "has_more": has_more})
}

fn metadata() -> Metadata {
    Metadata::from([("a".to_owned(), "b".to_owned())])
}

#[tokio::test]
async fn conversations_are_made_read_changed_and_deleted() {
    let deleted = json!({"id": "conv_1", "object": "conversation.deleted", "deleted": true});
    let server = Server::start([
        Answer::json(conversation()),
        Answer::json(conversation()),
        Answer::json(conversation()),
        Answer::json(deleted),
        Answer::json(page(&[conversation()], false)),
    ])
    .await;
    let conversations = server.project().conversations();
    let body = CreateConversation { metadata: Some(metadata()), ..CreateConversation::default() };
    conversations.create(&body).await.unwrap();
    assert_eq!(conversations.get("conv_1").await.unwrap().metadata, metadata());
    conversations.update("conv_1", metadata()).await.unwrap();
    conversations.delete("conv_1").await.unwrap();
    let query = ConversationQuery {
        agent_name: Some("weather".to_owned()),
        agent_id: Some("weather:1".to_owned()),
        page: ListQuery { limit: Some(5), ..ListQuery::default() },
    };
    conversations.list_page(&query).await.unwrap();

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}"),
            format!("GET {BASE}/conv_1"),
            format!("POST {BASE}/conv_1"),
            format!("DELETE {BASE}/conv_1"),
            format!("GET {BASE}?agent_name=weather&agent_id=weather%3A1&limit=5"),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"metadata": {"a": "b"}}));
    assert_eq!(asked[2].json(), json!({"metadata": {"a": "b"}}));
}

#[tokio::test]
async fn items_are_added_read_and_deleted() {
    let server = Server::start([
        Answer::json(page(&[item("msg_1", "Hi")], false)),
        Answer::json(item("msg_1", "Hi")),
        Answer::json(conversation()),
    ])
    .await;
    let items = server.project().conversations().items("conv_1");
    let sent = [
        Item::user("Hi"),
        Item::message(ItemRole::Other("critic".to_owned()), "Hm"),
        Item::function_output("call_1", "3"),
        Item::approval("mcpr_1", true),
    ];
    items.create(&sent).await.unwrap();
    let Item::Message(message) = items.get("msg_1").await.unwrap() else { panic!("a message") };
    assert_eq!(message.content.text(), "Hi");
    assert_eq!(items.delete("msg_1").await.unwrap().id, "conv_1");

    assert_eq!(
        server.lines(),
        [
            format!("POST {BASE}/conv_1/items"),
            format!("GET {BASE}/conv_1/items/msg_1"),
            format!("DELETE {BASE}/conv_1/items/msg_1"),
        ]
    );
    assert_eq!(
        server.asked()[0].json(),
        json!({"items": [
            {"type": "message", "role": "user", "content": "Hi"},
            {"type": "message", "role": "critic", "content": "Hm"},
            {"type": "function_call_output", "call_id": "call_1", "output": "3"},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true},
        ]})
    );
}

#[tokio::test]
async fn items_come_page_after_page_with_those_of_unknown_kinds() {
    let odd = json!({"type": "hologram", "id": "h_1", "rgb": [1, 2, 3]});
    let server = Server::start([
        Answer::json(page(&[item("msg_1", "Hi"), odd], true)),
        Answer::json(page(&[item("msg_2", "Bye")], false)),
    ])
    .await;
    let query = ItemQuery {
        item_type: Some("message".to_owned()),
        include: vec!["reasoning.encrypted_content".to_owned(), "file_search_call.results".to_owned()],
        page: ListQuery { order: Some(Order::Asc), ..ListQuery::default() },
    };
    let items = server.project().conversations().items("conv_1");
    let items: Vec<Item> = items.list(query).try_collect().await.unwrap();
    let ids: Vec<_> = items.iter().map(|item| item.id().unwrap()).collect();
    assert_eq!(ids, ["msg_1", "h_1", "msg_2"]);
    assert_eq!(items[1].kind(), "hologram");

    let first = format!(
        "GET {BASE}/conv_1/items?item_type=message&include%5B%5D=reasoning.encrypted_content\
         &include%5B%5D=file_search_call.results&order=asc"
    );
    assert_eq!(server.lines(), [first.clone(), format!("{first}&after=h_1")]);
}
