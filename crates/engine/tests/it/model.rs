//! A model for tests: a word is a token, and answers wait for a gate.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use cupola_engine::Deployments;
use cupola_models::{
    Fault, Finish, ModelDelta, ModelRequest, ModelStream, ModelUsage, Provider, catalog::Resolved,
};
use futures_util::StreamExt;
use serde_json::Map;
use tokio::sync::watch;

/// Says `Done.` once its gate is open.
#[derive(Clone, Debug)]
pub struct GatedModel {
    gate: watch::Sender<bool>,
    calls: Arc<AtomicUsize>,
}

impl GatedModel {
    pub fn closed() -> Self {
        Self { gate: watch::Sender::new(false), calls: Arc::default() }
    }

    pub fn open() -> Self {
        let model = Self::closed();
        model.let_go();
        model
    }

    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }

    /// How many times it was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn resolved(&self) -> Resolved {
        Resolved {
            provider: Arc::new(self.clone()),
            model: "m".to_owned(),
            deployment: "m".to_owned(),
            context_tokens: 1_000,
            max_output_tokens: None,
            extra: Map::new(),
        }
    }
}

#[async_trait]
impl Provider for GatedModel {
    fn name(&self) -> &str {
        "gated"
    }

    async fn call(&self, _: &ModelRequest) -> Result<ModelStream, Fault> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.subscribe();
        let usage = ModelUsage { prompt_tokens: 3, completion_tokens: 1, ..ModelUsage::default() };
        let pieces = [
            ModelDelta::Text("Done.".to_owned()),
            ModelDelta::Usage(usage),
            ModelDelta::Finish(Finish::Stop),
        ];
        let opened = async move { drop(gate.wait_for(|open| *open).await) };
        let pieces = futures_util::stream::once(opened)
            .flat_map(move |()| futures_util::stream::iter(pieces.clone().map(Ok)));
        Ok(Box::pin(pieces))
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn count_tokens(&self, _: &str, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

impl Deployments for GatedModel {
    fn resolve(&self, _: &str) -> Result<Resolved, Fault> {
        Ok(self.resolved())
    }
}
