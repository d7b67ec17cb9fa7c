//! Whose a hosted agent's response is. Nobody else sees it: for others it does not exist.

use std::sync::Arc;

use cupola_store::{Change, Key, Kind};

use super::{Call, Requester, ids};
use crate::{ApiError, Service, body, responses};

/// For whom a response was made, under the response's id.
pub const OWNER: Kind = Kind::named("response_owner");
/// A call that has made a response, under the call's id; the parent is the response.
pub const CALL: Kind = Kind::named("response_call");

/// The change that notes whose a response is.
pub fn note_owner(project: &Arc<str>, response: &str, owner: &Call, created_at: i64) -> Change {
    insert(Key::new(project, OWNER, response), response, owner, created_at)
}

/// The change that notes which call has made a response.
pub fn note_call(project: &Arc<str>, response: &str, id: &str, call: &Call, created_at: i64) -> Change {
    insert(Key::new(project, CALL, id), response, call, created_at)
}

fn insert(key: Key, response: &str, call: &Call, created_at: i64) -> Change {
    Change::Insert {
        key,
        parent: response.to_owned(),
        facet: String::new(),
        created_at,
        doc: body::document(call),
        aside: None,
    }
}

/// Whether there is a response that whoever asks may know of. Those of prompt agents belong to the whole
/// project.
pub async fn is_visible(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    response: &str,
) -> Result<bool, ApiError> {
    if !ids::is_hosted(response) {
        return Ok(true);
    }
    let Some(stored) = service.store().get(&Key::new(project, OWNER, response)).await? else {
        return Ok(false);
    };
    let owner: Call = serde_json::from_slice(&stored.doc)
        .map_err(|error| ApiError::internal(&format!("reading the owner of {response}"), error))?;
    Ok(owns(requester, &owner))
}

/// Says that there is no such response to whoever may not know of it. It says the same where there is none:
/// nobody learns which responses others have.
pub async fn hide_from_others(
    service: &Service,
    project: &Arc<str>,
    requester: &Requester,
    response: &str,
) -> Result<(), ApiError> {
    match is_visible(service, project, requester, response).await? {
        true => Ok(()),
        false => Err(responses::not_found(response)),
    }
}

fn owns(requester: &Requester, owner: &Call) -> bool {
    if requester.agent.as_ref().is_some_and(|agent| *agent != owner.agent) {
        return false;
    }
    match (&requester.sandbox, &requester.call) {
        // A container that names no call asks for the user whose session it is in.
        (Some(sandbox), None) => sandbox.session == owner.session,
        _ => requester.user == owner.user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Sandbox;

    fn owner() -> Call {
        Call { user: "ann".into(), agent: "echo".into(), version: "1".into(), session: "s1".into() }
    }

    fn user(name: &str) -> Requester {
        Requester { user: name.into(), agent: None, sandbox: None, call: None }
    }

    fn container(agent: &str, session: &str) -> Requester {
        let sandbox = Sandbox { agent: agent.into(), version: "1".into(), session: session.into() };
        Requester { user: sandbox.subject(), agent: Some(agent.into()), sandbox: Some(sandbox), call: None }
    }

    #[test]
    fn a_response_is_its_users_alone() {
        assert!(owns(&user("ann"), &owner()));
        assert!(!owns(&user("bob"), &owner()));
    }

    #[test]
    fn a_container_sees_what_was_made_for_its_session() {
        assert!(owns(&container("echo", "s1"), &owner()));
        assert!(!owns(&container("echo", "s2"), &owner()));
        assert!(!owns(&container("other", "s1"), &owner()));
    }

    #[test]
    fn a_container_that_answers_a_call_sees_what_belongs_to_its_user() {
        let call = |name: &str| Call { user: name.into(), session: "s2".into(), ..owner() };
        let answering = |name: &str| Requester {
            user: name.into(),
            call: Some(("call".into(), call(name))),
            ..container("echo", "s2")
        };
        assert!(owns(&answering("ann"), &owner()));
        assert!(!owns(&answering("bob"), &owner()));
    }
}
