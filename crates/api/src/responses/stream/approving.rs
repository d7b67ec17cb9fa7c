//! Calls that need an approval: the items that ask for it, and the calls that were approved.

use cupola_engine::{
    Frame,
    turn::{Answer, ApprovedCall, ServedCall},
};
use cupola_models::RequestedCall;
use serde_json::{Value, json};

use super::{Stream, seen::Strand};
use crate::tools;

impl Stream {
    /// Asks for what is to be approved. Such an item is whole from the beginning.
    pub(super) fn ask_for_approvals(&mut self, answer: &Answer, served: &[ServedCall]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for own in served.iter().filter(|own| own.needs_approval) {
            let asked = answer.calls.iter().find(|call| call.id == own.call_id);
            let Some((asked, shown)) = asked.zip(tools::shown(&own.kind)) else { continue };
            let Some(server) = shown.server() else { continue };
            let mut fields = shown.about(self.settings(own.tool), own);
            fields.insert("arguments".to_owned(), json!(asked.arguments));
            let id = self.partition.id(crate::items::prefix(server.request_type()));
            let item = self.whole_item(server.request_type(), &id, Value::Object(fields));
            let place = self.output.len();
            let body = json!({"output_index": place, "item": self.shown(&item)});
            frames.push(self.event("response.output_item.added", body));
            self.output.push(item.clone());
            frames.extend(self.item_done(place, item));
        }
        frames
    }

    /// Calls that were approved are at work, before the model has said anything.
    pub fn approved(&mut self, calls: &[ApprovedCall]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for ApprovedCall { asked, call } in calls {
            frames.extend(self.announce(
                call,
                usize::MAX,
                RequestedCall { arguments: String::new(), ..asked.clone() },
            ));
        }
        let asked: Vec<_> = calls.iter().map(|call| call.asked.clone()).collect();
        frames.extend(self.under_way_now(&asked));
        frames
    }

    /// Calls that were approved before this stream was made; gives those that nobody has been told of.
    pub fn recall_approved(&mut self, calls: &[ApprovedCall]) -> Vec<ApprovedCall> {
        if self.sequence == 0 {
            self.set_heard(false);
            self.approved(calls);
            return Vec::new();
        }
        let mut untold = Vec::new();
        for approved in calls {
            let shown = tools::shown(&approved.call.kind);
            let own = shown.map(|shown| shown.about(self.settings(approved.call.tool), &approved.call));
            if own.is_some_and(|own| self.recognise_approved(&approved.asked, &own)) {
                let strand = shown.map(|shown| (Strand::Served(shown.item_type().to_owned()), 1));
                self.seen.forget(strand.into_iter().collect());
            } else {
                untold.push(approved.clone());
            }
        }
        untold
    }
}

#[cfg(test)]
mod tests;
