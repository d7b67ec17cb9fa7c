//! Work that goes on in a sandbox while nobody is connected to it: responses in the background. It keeps the sandbox
//! from falling asleep.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cupola_hosting::Visit;

use super::session;
use crate::{Call, Service};

/// Visits of responses, by their ids.
#[derive(Debug, Default)]
pub struct Work {
    visits: Mutex<HashMap<String, Visit>>,
}

impl Work {
    fn visits(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response has begun in the sandbox of this call's session.
pub async fn work(service: &Service, project: &Arc<str>, call: &Call, response: &str) {
    let Some(hosting) = service.hosting() else { return };
    let Ok(Some((session, _))) = session::find(service, project, &call.agent, &call.session).await else {
        return;
    };
    if let Some(Ok(visit)) = hosting.fleet().find(&session.guid).await {
        hosting.work().visits().insert(response.to_owned(), visit);
    }
}

/// A response has ended.
pub fn rest(service: &Service, response: &str) {
    if let Some(hosting) = service.hosting() {
        let visit = hosting.work().visits().remove(response);
        drop(visit);
    }
}
