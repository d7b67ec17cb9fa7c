//! Leases: who works on a task. A lease that is not renewed ends, and the next holder is told how often
//! that happened.

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    refusal::{Refusal, invalid},
};
use crate::{ApiError, values::Parameters};

const SHORTEST: i64 = 10;
const LONGEST: i64 = 3600;
const LONGEST_NAME: usize = 256;

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it, for good: an agent in a session.
    pub owner: String,
    /// Which process of theirs.
    pub instance_id: String,
    /// How often it went to another process.
    pub generation: u64,
    /// When it ends unless it is renewed.
    pub expires_at: Moment,
    /// How often it had ended when it was taken.
    pub expiry_count: u64,
    /// When its holder was heard of last.
    pub heartbeat_at: Moment,
}

/// What a request asks of the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Who asks.
    pub owner: String,
    /// Which process of theirs.
    pub instance_id: String,
    /// For how long; 0 ends it.
    pub seconds: i64,
}

impl LeaseRequest {
    /// What the query asks for: nothing, or all three of its parameters.
    pub fn of(parameters: &Parameters) -> Result<Option<Self>, ApiError> {
        let owner = parameters.get("lease_owner");
        let instance = parameters.get("lease_instance_id");
        let seconds = parameters.get("lease_duration_seconds");
        let (owner, instance, seconds) = match (owner, instance, seconds) {
            (None, None, None) => return Ok(None),
            (Some(owner), Some(instance), Some(seconds)) => (owner, instance, seconds),
            _ => {
                let message =
                    "lease_owner, lease_instance_id and lease_duration_seconds have to be sent together.";
                return Err(invalid(message, "lease_owner"));
            }
        };
        for (param, name) in [("lease_owner", owner), ("lease_instance_id", instance)] {
            if name.chars().count() > LONGEST_NAME {
                return Err(invalid(format!("{param} has more than {LONGEST_NAME} characters."), param));
            }
        }
        let allowed = |seconds: &i64| *seconds == 0 || (SHORTEST..=LONGEST).contains(seconds);
        let seconds = seconds.parse().ok().filter(allowed).ok_or_else(|| {
            let message =
                format!("lease_duration_seconds has to be 0, or a number from {SHORTEST} to {LONGEST}.");
            invalid(message, "lease_duration_seconds")
        })?;
        let (owner, instance_id) = (owner.trim().to_owned(), instance.trim().to_owned());
        Ok(Some(Self { owner, instance_id, seconds }))
    }
}

impl Lease {
    /// Whether it has ended.
    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires_at <= now
    }

    /// Whether this very process holds it.
    pub fn is_of(&self, request: &LeaseRequest) -> bool {
        self.owner == request.owner && self.instance_id == request.instance_id
    }

    /// Whether somebody holds it who is not asking now.
    pub fn is_held_by_another(&self, request: Option<&LeaseRequest>, now: Moment) -> bool {
        !self.has_expired(now) && !request.is_some_and(|request| self.is_of(request))
    }

    /// The lease, ended at once.
    pub fn ended(&self, now: Moment) -> Self {
        Self { expires_at: now, heartbeat_at: now, ..self.clone() }
    }
}

/// The lease that a request comes to. Its owner may take it to a new process at any time: the old one has
/// most likely died. Everybody else has to wait until it has ended.
pub fn acquire(current: Option<&Lease>, request: &LeaseRequest, now: Moment) -> Result<Lease, Refusal> {
    let (generation, expiry_count) = match current {
        None => (0, 0),
        Some(lease) if lease.is_of(request) => (lease.generation, lease.expiry_count),
        Some(lease) => {
            let has_expired = lease.has_expired(now);
            if lease.owner != request.owner && !has_expired {
                return Err(Refusal::LeaseHeld);
            }
            (lease.generation + 1, lease.expiry_count + u64::from(has_expired))
        }
    };
    Ok(Lease {
        owner: request.owner.clone(),
        instance_id: request.instance_id.clone(),
        generation,
        expires_at: now.plus_seconds(request.seconds),
        expiry_count,
        heartbeat_at: now,
    })
}

/// Whether the lease has another holder than before.
pub fn has_another_holder(before: Option<&Lease>, now: Option<&Lease>) -> bool {
    let holder = |lease: Option<&Lease>| lease.map(|lease| (lease.owner.clone(), lease.instance_id.clone()));
    holder(before) != holder(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000);

    fn request(owner: &str, instance: &str) -> LeaseRequest {
        LeaseRequest { owner: owner.into(), instance_id: instance.into(), seconds: 60 }
    }

    fn held() -> Lease {
        acquire(None, &request("ann", "one"), NOW).expect("is free")
    }

    fn after(seconds: i64) -> Moment {
        NOW.plus_seconds(seconds)
    }

    #[test]
    fn a_lease_that_nobody_held_begins_at_zero() {
        let lease = held();
        assert_eq!((lease.generation, lease.expiry_count), (0, 0));
        assert_eq!((lease.expires_at, lease.heartbeat_at), (after(60), NOW));
    }

    #[test]
    fn its_holder_renews_it_even_when_it_has_ended() {
        for later in [30, 90] {
            let lease = acquire(Some(&held()), &request("ann", "one"), after(later)).expect("is theirs");
            assert_eq!((lease.generation, lease.expiry_count), (0, 0));
            assert_eq!((lease.expires_at, lease.heartbeat_at), (after(later + 60), after(later)));
        }
    }

    #[test]
    fn another_process_of_its_owner_takes_it_at_any_time() {
        let early = acquire(Some(&held()), &request("ann", "two"), after(30)).expect("is theirs");
        assert_eq!((early.generation, early.expiry_count), (1, 0));
        let late = acquire(Some(&held()), &request("ann", "two"), after(60)).expect("is theirs");
        assert_eq!((late.generation, late.expiry_count), (1, 1));
    }

    #[test]
    fn another_owner_takes_it_only_when_it_has_ended() {
        let bob = request("bob", "one");
        assert_eq!(acquire(Some(&held()), &bob, after(59)), Err(Refusal::LeaseHeld));
        let lease = acquire(Some(&held()), &bob, after(60)).expect("has ended");
        assert_eq!((lease.owner.as_str(), lease.generation, lease.expiry_count), ("bob", 1, 1));
    }

    #[test]
    fn a_renewal_does_not_change_the_holder_and_a_takeover_does() {
        let (lease, bob) = (held(), acquire(None, &request("bob", "one"), NOW).expect("is free"));
        assert!(!has_another_holder(Some(&lease), Some(&lease.ended(after(9)))));
        assert!(has_another_holder(Some(&lease), Some(&bob)));
        assert!(has_another_holder(None, Some(&lease)));
        assert!(!has_another_holder(None, None));
    }

    #[test]
    fn a_request_has_all_three_parameters_or_none() {
        let of = |query: &str| LeaseRequest::of(&Parameters::parse(query));
        assert_eq!(of("api-version=v1").expect("is fine"), None);
        let all = "lease_owner=ann&lease_instance_id=one&lease_duration_seconds=60";
        assert_eq!(of(all).expect("is fine"), Some(request("ann", "one")));
        for query in [
            "lease_owner=ann",
            "lease_owner=ann&lease_instance_id=one",
            "lease_owner=ann&lease_instance_id=one&lease_duration_seconds=9",
            "lease_owner=ann&lease_instance_id=one&lease_duration_seconds=3601",
            "lease_owner=ann&lease_instance_id=one&lease_duration_seconds=soon",
        ] {
            let refused = of(query).expect_err("is refused");
            assert_eq!(refused.detail().code.as_deref(), Some("invalid_request"), "{query}");
        }
    }
}
