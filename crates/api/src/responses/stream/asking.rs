//! Servers that are asked for their functions, as items of a response: announced when they are asked, done when
//! they have answered.

use cupola_engine::{Frame, turn::Listing};
use serde_json::{Value, json};

use super::Stream;
use crate::tools::{self, ShownServer};

/// A server that is asked.
#[derive(Debug)]
pub struct Asked {
    place: usize,
    item_id: String,
    kind: String,
    /// Which of the turn's tools; not known of one whose announcement was read back, until it is asked again.
    tool: Option<usize>,
}

impl Stream {
    /// A server is asked.
    pub fn listing_began(&mut self, tool: usize, kind: &str) -> Vec<Frame> {
        let Some(server) = tools::shown(kind).and_then(|shown| shown.server()) else { return Vec::new() };
        let fields = server.list(self.settings(Some(tool)), None);
        let is_it = |asked: &&mut Asked, output: &[Value]| {
            let item = output.get(asked.place);
            let agrees = item.is_some_and(|item| item["server_label"] == fields["server_label"]);
            asked.tool.is_none() && asked.kind == kind && agrees
        };
        if let Some(asked) = self.asked.iter_mut().find(|asked| is_it(asked, &self.output)) {
            asked.tool = Some(tool);
            return Vec::new();
        }
        let item_id = self.partition.id(crate::items::prefix(server.list_type()));
        let item = self.whole_item(server.list_type(), &item_id, fields);
        let place = self.output.len();
        let added = json!({"output_index": place, "item": self.shown(&item)});
        let mut frames = vec![self.event("response.output_item.added", added)];
        self.output.push(item);
        let asked = Asked { place, item_id, kind: kind.to_owned(), tool: Some(tool) };
        frames.extend(self.tell_asked(&asked, server, "in_progress"));
        self.asked.push(asked);
        frames
    }

    /// A server has answered.
    pub fn listed(&mut self, listing: &Listing) -> Vec<Frame> {
        let mut frames = Vec::new();
        let is_it = |asked: &Asked| asked.tool == Some(listing.tool);
        if !self.asked.iter().any(is_it) {
            frames.extend(self.listing_began(listing.tool, &listing.kind));
        }
        let Some(at) = self.asked.iter().position(is_it) else { return frames };
        let asked = self.asked.remove(at);
        frames.extend(self.listing_done(&asked, listing));
        frames
    }

    /// Servers that were asked and are not waited for any more.
    pub fn cut_listings(&mut self) -> Vec<Frame> {
        let all = std::mem::take(&mut self.asked);
        let cut = |asked: &Asked| Listing {
            tool: asked.tool.unwrap_or(usize::MAX),
            kind: asked.kind.clone(),
            fault: Some(cut_short()),
            ..Listing::default()
        };
        all.iter().flat_map(|asked| self.listing_done(asked, &cut(asked))).collect()
    }

    fn listing_done(&mut self, asked: &Asked, listing: &Listing) -> Vec<Frame> {
        let Some(server) = tools::shown(&asked.kind).and_then(|shown| shown.server()) else {
            return Vec::new();
        };
        let word = if listing.fault.is_none() { "completed" } else { "failed" };
        let mut frames: Vec<Frame> = self.tell_asked(asked, server, word).into_iter().collect();
        let mut fields = server.list(self.settings(asked.tool), Some(listing));
        let label = self.output.get(asked.place).and_then(|item| item.get("server_label"));
        if let (None, Some(label)) = (asked.tool, label) {
            fields["server_label"] = label.clone();
        }
        let item = self.whole_item(server.list_type(), &asked.item_id, fields);
        frames.extend(self.item_done(asked.place, item));
        frames
    }

    fn tell_asked(&mut self, asked: &Asked, server: &dyn ShownServer, word: &str) -> Option<Frame> {
        if !server.has_events() {
            return None;
        }
        let body = json!({"item_id": asked.item_id, "output_index": asked.place});
        Some(self.event(&format!("response.{}.{word}", server.list_type()), body))
    }

    /// A list that was written down before this stream was made.
    pub fn recall_listing(&mut self, listing: &Listing) {
        if self.sequence == 0 {
            self.set_heard(false);
            self.listed(listing);
        }
    }

    /// A server whose announcement was kept. Says whether the item was one.
    pub(super) fn recall_asked(&mut self, item: &Value) -> bool {
        let mut servers = tools::servers();
        let Some((kind, _)) = servers.find(|(_, server)| server.list_type() == item["type"]) else {
            return false;
        };
        let item_id = item["id"].as_str().unwrap_or_default().to_owned();
        self.asked.push(Asked { place: self.output.len(), item_id, kind: kind.to_owned(), tool: None });
        self.output.push(item.clone());
        true
    }

    /// A server whose answer was kept. Says whether the item was one.
    pub(super) fn recall_listed(&mut self, item: &Value) -> bool {
        let Some(at) = self.asked.iter().position(|asked| asked.item_id == item["id"]) else { return false };
        let asked = self.asked.remove(at);
        self.output[asked.place] = item.clone();
        true
    }
}

fn cut_short() -> cupola_engine::turn::TurnFault {
    cupola_engine::turn::TurnFault {
        code: "interrupted".to_owned(),
        message: "The server was not waited for any longer.".to_owned(),
    }
}
