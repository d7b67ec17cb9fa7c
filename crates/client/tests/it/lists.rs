//! Lists end where they should, and only there.

use cupola_client::{Error, types::ListQuery};
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::{
    objects::{agent, page},
    server::{Answer, Server},
};

async fn ids(server: &Server) -> cupola_client::Result<Vec<String>> {
    let query = ListQuery { limit: Some(2), ..ListQuery::default() };
    server.client().agents().list(query).map_ok(|agent| agent.id).try_collect().await
}

#[tokio::test]
async fn a_list_goes_on_after_the_last_id_while_there_is_more() {
    let server = Server::start([
        Answer::json(page(&[agent("a"), agent("b")], true)),
        Answer::json(page(&[agent("c")], false)),
    ])
    .await;
    assert_eq!(ids(&server).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(
        server.lines(),
        [
            "GET /api/projects/demo/assistants?api-version=v1&limit=2",
            "GET /api/projects/demo/assistants?api-version=v1&limit=2&after=b",
        ]
    );
}

#[tokio::test]
async fn an_empty_page_ends_a_list_even_if_it_claims_more() {
    let mut empty = page(&[], true);
    empty["last_id"] = json!("b");
    let server = Server::start([Answer::json(page(&[agent("b")], true)), Answer::json(empty)]).await;
    assert_eq!(ids(&server).await.unwrap(), ["b"]);
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error_and_no_endless_loop() {
    let same = || Answer::json(page(&[agent("a")], true));
    let server = Server::start([same(), same(), same()]).await;
    let error = ids(&server).await.unwrap_err();
    assert!(matches!(error, Error::Decode { ref path, .. } if path == "last_id"), "{error:?}");
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn the_next_page_is_asked_for_only_when_it_is_needed() {
    let server = Server::start([Answer::json(page(&[agent("a"), agent("b")], true))]).await;
    let mut agents = server.client().agents().list(ListQuery::default());
    agents.try_next().await.unwrap();
    agents.try_next().await.unwrap();
    assert_eq!(server.lines().len(), 1);
}
