//! How searches for memories are shown: an item before everything else.

use cupola_engine::turn::{CallOutcome, Listing};
use cupola_models::RequestedCall;
use serde_json::{Map, Value, json};

use crate::{
    citations::Source,
    tools::{Shown, ShownServer, Stage},
};

/// Searches for memories.
pub struct Searches;

const ITEM: &str = "memory_search_call";

/// There are no calls: the model does not ask for memories.
impl Shown for Searches {
    fn item_type(&self) -> &'static str {
        ITEM
    }

    fn item(&self, _: &RequestedCall, _: Stage<'_>) -> Value {
        json!({"status": "failed", "results": null})
    }

    fn events(&self, _: Stage<'_>) -> &'static [&'static str] {
        &[]
    }

    fn in_step(&self, _: &Value, _: &RequestedCall, _: Stage<'_>) -> Map<String, Value> {
        Map::new()
    }

    fn server(&self) -> Option<&dyn ShownServer> {
        Some(self)
    }

    fn sources(&self, _: &CallOutcome) -> (u64, Vec<Source>) {
        (0, Vec::new())
    }
}

impl ShownServer for Searches {
    fn request_type(&self) -> &'static str {
        // Nothing is asked for: no item has this type.
        ""
    }

    fn list_type(&self) -> &'static str {
        ITEM
    }

    fn has_events(&self) -> bool {
        false
    }

    fn list(&self, _: &Value, listing: Option<&Listing>) -> Value {
        let Some(listing) = listing else { return json!({"status": "in_progress", "results": null}) };
        if listing.fault.is_some() || listing.functions["fault"].is_string() {
            return json!({"status": "failed", "results": null});
        }
        let memories = listing.functions["memories"].as_array().into_iter().flatten();
        let results: Vec<Value> = memories.map(|memory| json!({"memory_item": memory})).collect();
        json!({"status": "completed", "results": results})
    }

    fn activity(&self, _: &Value, _: &Listing) -> Value {
        Value::Null
    }
}
