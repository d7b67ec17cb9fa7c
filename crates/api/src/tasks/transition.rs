//! How a task changes. Without IO and clock: a task, a change and the time give the next task, or say why
//! not.

use serde_json::{Map, Value};

use super::{
    lease::{LeaseRequest, acquire},
    moment::Moment,
    record::{Status, Task},
    refusal::Refusal,
};

/// What a request changes. What it does not mention stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Where the task is to stand.
    pub status: Option<Status>,
    /// Members that are added or replaced; anything but an object replaces the whole payload.
    pub payload: Option<Value>,
    /// Labels that are added or replaced; null takes one away.
    pub tags: Option<Map<String, Value>>,
    /// How the task failed.
    pub error: Option<Value>,
    /// What the task waits for.
    pub suspension_reason: Option<String>,
    /// What becomes of the attachments.
    pub attachments: Option<Attachments>,
    /// What becomes of the lease.
    pub lease: Option<LeaseRequest>,
}

/// What becomes of a task's attachments.
#[derive(Clone, Debug, PartialEq)]
pub enum Attachments {
    /// All are taken away.
    Clear,
    /// These are added or replaced; null takes one away.
    Merge(Map<String, Value>),
}

impl Change {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn is_nothing_for_completed(&self) -> bool {
        let status = self.status.filter(|status| *status != Status::Completed);
        Self { status, ..self.clone() }.is_nothing()
    }
}

/// The task after a change; nothing if the change leaves it as it is.
pub fn apply(task: &Task, change: &Change, now: Moment) -> Result<Option<Task>, Refusal> {
    let target = change.status.unwrap_or(task.status);
    if change.suspension_reason.is_some() && target != Status::Suspended {
        return Err(refused("suspension_reason is for tasks that are suspended.", "suspension_reason"));
    }
    if task.status == Status::Completed {
        return if change.is_nothing_for_completed() { Ok(None) } else { Err(Refusal::Immutable) };
    }
    if !is_way(task.status, target) {
        return Err(Refusal::Transition(task.status, target));
    }
    let mut next = task.clone();
    if target == task.status {
        change_lease(&mut next, change, now)?;
    } else {
        change_status(&mut next, target, change, now)?;
    }
    if change.suspension_reason.is_some() {
        next.suspension_reason.clone_from(&change.suspension_reason);
    }
    change_payload(&mut next, change.payload.as_ref());
    change_tags(&mut next, change.tags.as_ref());
    if change.error.is_some() {
        next.error.clone_from(&change.error);
    }
    change_attachments(&mut next, change.attachments.as_ref());
    next.updated_at = now;
    Ok(Some(next))
}

fn refused(sentence: &str, param: &'static str) -> Refusal {
    Refusal::Invalid(sentence.to_owned(), param)
}

fn is_way(from: Status, to: Status) -> bool {
    use Status::{Completed, InProgress, Pending, Suspended};
    match (from, to) {
        (from, to) if from == to => true,
        (Pending, to) => matches!(to, InProgress | Completed),
        (InProgress | Suspended, _) => true,
        (Completed, _) => false,
    }
}

/// The status stays: the lease may be renewed or ended.
fn change_lease(task: &mut Task, change: &Change, now: Moment) -> Result<(), Refusal> {
    let Some(request) = &change.lease else { return Ok(()) };
    if request.seconds > 0 {
        if task.status != Status::InProgress {
            return Err(refused("Only the lease of a task in progress can be renewed.", "lease_owner"));
        }
        task.lease = Some(acquire(task.lease.as_ref(), request, now)?);
        return Ok(());
    }
    let Some(lease) = &task.lease else {
        return Err(refused("The task has no lease that could be ended.", "lease_duration_seconds"));
    };
    if lease.is_held_by_another(Some(request), now) {
        return Err(Refusal::LeaseHeld);
    }
    task.lease = Some(lease.ended(now));
    Ok(())
}

fn change_status(task: &mut Task, target: Status, change: &Change, now: Moment) -> Result<(), Refusal> {
    let request = change.lease.as_ref();
    if request.is_some_and(|request| request.seconds == 0) {
        let sentence = "lease_duration_seconds=0 ends a lease and can't be sent with another status.";
        return Err(refused(sentence, "lease_duration_seconds"));
    }
    if request.is_some() && matches!(target, Status::Completed | Status::Suspended) {
        let sentence = "A task that is completed or suspended needs no lease: leave its parameters out.";
        return Err(refused(sentence, "lease_owner"));
    }
    let is_held = task.lease.as_ref().is_some_and(|lease| lease.is_held_by_another(request, now));
    match target {
        // Giving a task back is for those who have it.
        Status::Pending if is_held => return Err(Refusal::LeaseHeld),
        Status::InProgress => {
            if let Some(request) = request {
                task.lease = Some(acquire(task.lease.as_ref(), request, now)?);
            }
            task.started_at.get_or_insert(now);
        }
        Status::Pending | Status::Suspended | Status::Completed => task.lease = None,
    }
    task.completed_at = (target == Status::Completed).then_some(now);
    task.suspension_reason = None;
    task.status = target;
    Ok(())
}

fn change_payload(task: &mut Task, payload: Option<&Value>) {
    match (payload, &mut task.payload) {
        (None, _) => {}
        (Some(Value::Object(members)), Some(Value::Object(payload))) => payload.extend(members.clone()),
        (Some(other), payload) => *payload = Some(other.clone()),
    }
}

fn change_tags(task: &mut Task, tags: Option<&Map<String, Value>>) {
    let Some(tags) = tags else { return };
    let mut merged = task.tags.take().unwrap_or_default();
    for (name, value) in tags {
        match value.as_str() {
            Some(value) => drop(merged.insert(name.clone(), value.to_owned())),
            None => drop(merged.shift_remove(name)),
        }
    }
    task.tags = (!merged.is_empty()).then_some(merged);
}

fn change_attachments(task: &mut Task, attachments: Option<&Attachments>) {
    match attachments {
        None => {}
        Some(Attachments::Clear) => task.attachments = None,
        Some(Attachments::Merge(sent)) => {
            let mut merged = task.attachments.take().unwrap_or_default();
            for (name, value) in sent {
                match value {
                    Value::Null => drop(merged.shift_remove(name)),
                    _ => drop(merged.insert(name.clone(), Value::Null)),
                }
            }
            task.attachments = (!merged.is_empty()).then_some(merged);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tasks::lease::Lease;

    const NOW: Moment = Moment(1_000_000);

    fn task(status: Status) -> Task {
        Task {
            object: "task".into(),
            id: "t".into(),
            agent_name: "echo".into(),
            session_id: "s".into(),
            status,
            title: "a task".into(),
            description: None,
            lease: None,
            payload: None,
            tags: None,
            error: None,
            suspension_reason: None,
            source: None,
            attachments: None,
            etag: "e".into(),
            created_at: NOW,
            updated_at: NOW,
            started_at: None,
            completed_at: None,
        }
    }

    fn request(owner: &str, seconds: i64) -> LeaseRequest {
        LeaseRequest { owner: owner.into(), instance_id: "one".into(), seconds }
    }

    fn leased(owner: &str) -> Task {
        let lease: Lease = acquire(None, &request(owner, 60), NOW).expect("is free");
        Task { lease: Some(lease), started_at: Some(NOW), ..task(Status::InProgress) }
    }

    fn to(status: Status) -> Change {
        Change { status: Some(status), ..Change::default() }
    }

    fn with_lease(change: Change, owner: &str, seconds: i64) -> Change {
        Change { lease: Some(request(owner, seconds)), ..change }
    }

    fn after(task: &Task, change: &Change) -> Task {
        apply(task, change, NOW.plus_seconds(30)).expect("is allowed").expect("changes something")
    }

    fn refusal(task: &Task, change: &Change) -> Refusal {
        apply(task, change, NOW.plus_seconds(30)).expect_err("is refused")
    }

    #[test]
    fn the_ways_between_the_statuses() {
        use Status::{Completed, InProgress, Pending, Suspended};
        let ways = [
            (Pending, vec![InProgress, Completed]),
            (InProgress, vec![Pending, Suspended, Completed]),
            (Suspended, vec![Pending, InProgress, Completed]),
        ];
        for (from, ways) in ways {
            for target in [Pending, InProgress, Suspended, Completed] {
                let reached = apply(&task(from), &to(target), NOW);
                if target == from || ways.contains(&target) {
                    assert_eq!(reached.expect("is a way").map(|task| task.status), Some(target));
                } else {
                    assert_eq!(reached.expect_err("is no way"), Refusal::Transition(from, target));
                }
            }
        }
    }

    #[test]
    fn a_completed_task_is_left_alone_or_refuses() {
        let completed = task(Status::Completed);
        for nothing in [Change::default(), to(Status::Completed)] {
            assert_eq!(apply(&completed, &nothing, NOW), Ok(None));
        }
        let payload = Change { payload: Some(json!({})), ..Change::default() };
        for something in [to(Status::Pending), payload, with_lease(Change::default(), "ann", 60)] {
            assert_eq!(apply(&completed, &something, NOW), Err(Refusal::Immutable));
        }
    }

    #[test]
    fn beginning_takes_the_lease_and_the_first_beginning_is_remembered() {
        let begun = after(&task(Status::Pending), &with_lease(to(Status::InProgress), "ann", 60));
        assert_eq!(begun.lease.as_ref().map(|lease| lease.owner.as_str()), Some("ann"));
        assert_eq!(begun.started_at, Some(NOW.plus_seconds(30)));
        let suspended = after(&begun, &to(Status::Suspended));
        let resumed = apply(&suspended, &to(Status::InProgress), NOW.plus_seconds(900)).expect("is a way");
        assert_eq!(resumed.expect("changes").started_at, Some(NOW.plus_seconds(30)));
    }

    #[test]
    fn whoever_stops_working_gives_the_lease_up() {
        let suspended = after(
            &leased("ann"),
            &Change { suspension_reason: Some("input".into()), ..to(Status::Suspended) },
        );
        assert_eq!((suspended.lease, suspended.suspension_reason), (None, Some("input".to_owned())));
        let completed = after(&leased("ann"), &to(Status::Completed));
        assert_eq!((completed.lease, completed.completed_at), (None, Some(NOW.plus_seconds(30))));
    }

    #[test]
    fn only_its_holder_gives_a_task_back_while_the_lease_lasts() {
        let task = leased("ann");
        assert_eq!(refusal(&task, &to(Status::Pending)), Refusal::LeaseHeld);
        assert_eq!(refusal(&task, &with_lease(to(Status::Pending), "bob", 60)), Refusal::LeaseHeld);
        let given_back = after(&task, &with_lease(to(Status::Pending), "ann", 60));
        assert_eq!((given_back.status, given_back.lease), (Status::Pending, None));
        assert!(apply(&task, &to(Status::Pending), NOW.plus_seconds(60)).is_ok(), "the lease has ended");
    }

    #[test]
    fn a_lease_is_renewed_by_its_owner_and_refused_to_others() {
        let renewed = after(&leased("ann"), &with_lease(Change::default(), "ann", 60));
        assert_eq!(renewed.lease.map(|lease| lease.expires_at), Some(NOW.plus_seconds(90)));
        assert_eq!(refusal(&leased("ann"), &with_lease(Change::default(), "bob", 60)), Refusal::LeaseHeld);
        let idle = task(Status::Pending);
        assert!(matches!(
            refusal(&idle, &with_lease(Change::default(), "ann", 60)),
            Refusal::Invalid(_, "lease_owner")
        ));
    }

    #[test]
    fn a_lease_is_ended_by_its_holder() {
        let ended = after(&leased("ann"), &with_lease(Change::default(), "ann", 0));
        assert_eq!(ended.lease.map(|lease| lease.expires_at), Some(NOW.plus_seconds(30)));
        assert_eq!(refusal(&leased("ann"), &with_lease(Change::default(), "bob", 0)), Refusal::LeaseHeld);
        assert!(matches!(
            refusal(&task(Status::InProgress), &with_lease(Change::default(), "ann", 0)),
            Refusal::Invalid(_, "lease_duration_seconds")
        ));
    }

    #[test]
    fn some_changes_of_status_and_lease_exclude_each_other() {
        for change in [
            with_lease(to(Status::Completed), "ann", 60),
            with_lease(to(Status::Suspended), "ann", 60),
            with_lease(to(Status::Pending), "ann", 0),
        ] {
            assert!(matches!(refusal(&leased("ann"), &change), Refusal::Invalid(..)), "{change:?}");
        }
        let reason = Change { suspension_reason: Some("x".into()), ..to(Status::Completed) };
        assert!(matches!(refusal(&leased("ann"), &reason), Refusal::Invalid(_, "suspension_reason")));
    }

    #[test]
    fn payload_tags_and_attachments_are_merged() {
        let merge = |members: Value| members.as_object().cloned();
        let change = |payload, tags, attachments| Change {
            payload: Some(payload),
            tags: merge(tags),
            attachments: merge(attachments).map(Attachments::Merge),
            ..Change::default()
        };
        let first = after(
            &leased("ann"),
            &change(json!({"a": 1, "b": 1}), json!({"x": "1", "y": "1"}), json!({"f": "…", "g": [1]})),
        );
        let second =
            after(&first, &change(json!({"b": null}), json!({"x": null, "z": "2"}), json!({"f": null})));
        assert_eq!(second.payload, Some(json!({"a": 1, "b": null})));
        assert_eq!(json!(second.tags), json!({"y": "1", "z": "2"}));
        assert_eq!(json!(second.attachments), json!({"g": null}));
        let cleared = after(&second, &Change { attachments: Some(Attachments::Clear), ..Change::default() });
        assert_eq!(cleared.attachments, None);
        let replaced = after(&second, &Change { payload: Some(json!([1])), ..Change::default() });
        assert_eq!(replaced.payload, Some(json!([1])));
    }
}
