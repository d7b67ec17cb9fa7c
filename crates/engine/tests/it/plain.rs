//! A dialect for tests: a turn is a resource that is there or not, and each event a frame.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use cupola_engine::{
    Begin, Changes, Delta, Dialect, Durable, Engine, Frame, HistoryPage, Listen, Millis, Projection, Resumed,
    Settings, TurnSpec,
    tools::Tools,
    turn::{Event, Phase, Turn},
};
use cupola_store::{
    Change, Durability, Key, Kind, Resource, SharedStore, SqliteStore, StoreError, TurnKey, TurnPhase,
};
use tempfile::TempDir;

use crate::model::GatedModel;

pub const RUN: Kind = Kind::named("run").with_turns();

/// Shows a turn as a resource that is there or not, and each event as a frame.
struct Plain {
    key: Key,
}

impl Projection for Plain {
    fn model_call_began(&mut self, _: Millis, _: bool) -> Changes {
        Changes::default()
    }

    fn delta(&mut self, _: Millis, delta: Delta<'_>) -> Vec<Frame> {
        vec![Bytes::from(format!("{delta:?}"))]
    }

    fn event(&mut self, _: Millis, event: &Event, turn: &Turn, _: bool) -> Changes {
        let changes = match event {
            Event::Accepted { .. } => vec![Change::Insert {
                key: self.key.clone(),
                parent: String::new(),
                facet: String::new(),
                created_at: 0,
                doc: Bytes::new(),
                aside: None,
            }],
            _ => vec![Change::RequirePresent { key: self.key.clone() }],
        };
        let ended = matches!(turn.phase, Phase::Ended(_));
        Changes { changes, frames: vec![Bytes::from(if ended { "ended" } else { "event" })] }
    }

    fn rebase(&mut self, _: &Resource) -> Result<Change, StoreError> {
        Err(StoreError::Backend("nobody changes it".to_owned()))
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn document(&self) -> Bytes {
        Bytes::from_static(b"document")
    }
}

pub struct PlainDialect {
    store: SharedStore,
    spec: TurnSpec,
}

#[async_trait]
impl Dialect for PlainDialect {
    fn name(&self) -> &'static str {
        "plain"
    }

    async fn resume(&self, turn: &TurnKey) -> Result<Option<Resumed>, StoreError> {
        let key = Key::new(&turn.project, RUN, turn.id.clone());
        let found = self.store.get(&key).await?;
        Ok(found.map(|_| Resumed { spec: self.spec.clone(), projection: Box::new(Plain { key }), kept: 0 }))
    }

    async fn history(&self, _: &TurnKey, _: &TurnSpec, _: Option<&str>) -> Result<HistoryPage, StoreError> {
        Ok(HistoryPage::default())
    }
}

pub fn store() -> (SharedStore, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&home.path().join("store.db"), Durability::Normal).unwrap();
    (Arc::new(store), home)
}

pub fn engine(store: &SharedStore, model: &GatedModel) -> Engine {
    engine_with(store, model, TurnSpec::default(), Tools::default(), Settings::default())
}

/// An engine whose turns, when they are taken up again, ask for this.
pub fn engine_with(
    store: &SharedStore,
    model: &GatedModel,
    spec: TurnSpec,
    tools: Tools,
    settings: Settings,
) -> Engine {
    let dialect: Arc<dyn Dialect> = Arc::new(PlainDialect { store: Arc::clone(store), spec });
    Engine::new(Arc::clone(store), Arc::new(model.clone()), [dialect], tools, settings)
}

pub fn key(id: &str) -> TurnKey {
    TurnKey { project: "p".into(), id: id.to_owned() }
}

pub fn begin(store: &SharedStore, id: &str, listen: bool) -> Begin {
    let resource = Key::new(&key(id).project, RUN, id);
    Begin {
        key: key(id),
        dialect: Arc::new(PlainDialect { store: Arc::clone(store), spec: TurnSpec::default() }),
        spec: TurnSpec::default(),
        projection: Box::new(Plain { key: resource }),
        changes: Vec::new(),
        listen: if listen { Listen::Frames } else { Listen::No },
        durable: Durable::Accepted,
        eager: false,
    }
}

pub async fn ended(store: &SharedStore, id: &str) {
    while store.turn(&key(id)).await.unwrap().unwrap().phase != TurnPhase::Ended {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub async fn called(model: &GatedModel) {
    while model.calls() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub async fn journal(store: &SharedStore, id: &str) -> Vec<String> {
    let record = store.turn(&key(id)).await.unwrap().unwrap();
    let name = |entry: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(entry).unwrap()["event"].as_str().unwrap().to_owned()
    };
    record.journal.iter().map(|entry| name(&entry.entry)).collect()
}
