//! Asks the model of a store what is worth remembering.

use std::time::Duration;

use cupola_models::{Fault, FaultKind, ModelDelta};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    Memories,
    extract::{self, Operation},
    record::{Memory, Store, Usage},
    said::Said,
};

/// How long the model may take.
const WITHIN: Duration = Duration::from_secs(120);
/// The longest answer, in bytes.
const LONGEST: usize = 1024 * 1024;

impl Memories {
    /// How the memories have to change after this was said, and what it took to find out.
    pub(super) async fn learn(
        &self,
        store: &Store,
        memories: &[Memory],
        said: &[Said],
    ) -> Result<(Vec<Operation>, Usage), Fault> {
        let options = &store.definition.options;
        let asking = timeout(WITHIN, self.ask(store, memories, said));
        let (answer, usage) = asking.await.unwrap_or_else(|_| {
            let message = format!("The model did not answer within {} seconds.", WITHIN.as_secs());
            Err(Fault::new(FaultKind::Timeout, message))
        })?;
        let operations = extract::read(&answer, options, memories).unwrap_or_else(|| {
            tracing::info!(
                store = store.name,
                "the model could not say what to remember; words are kept as they are"
            );
            extract::as_said(options, memories, said)
        });
        Ok((operations, usage))
    }

    /// The answer of the model.
    async fn ask(&self, store: &Store, memories: &[Memory], said: &[Said]) -> Result<(String, Usage), Fault> {
        let resolved = self.deployments().resolve(&store.definition.chat_model)?;
        let mut request = extract::request(&resolved.model, &store.definition.options, memories, said);
        request.max_completion_tokens = resolved.max_output_tokens;
        request.extra.clone_from(&resolved.extra);
        let mut stream = resolved.provider.call(&request).await?;
        let (mut answer, mut usage) = (String::new(), Usage::default());
        while let Some(piece) = stream.next().await {
            match piece? {
                ModelDelta::Text(text) if answer.len() + text.len() <= LONGEST => answer.push_str(&text),
                ModelDelta::Usage(used) => {
                    usage = Usage {
                        input: used.prompt_tokens,
                        cached: used.cached_tokens,
                        output: used.completion_tokens,
                        reasoning: used.reasoning_tokens,
                        ..usage
                    };
                }
                _ => {}
            }
        }
        Ok((answer, usage))
    }
}
