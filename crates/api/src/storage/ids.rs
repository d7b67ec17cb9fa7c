//! The ids of responses of hosted agents: `caresp_`, sixteen hex digits, `00`, and 32 letters or digits.

use crate::{ApiError, partition::Partition};

const PREFIX: &str = "caresp_";
const HEX: usize = 16;
const REST: usize = 32;

/// Whether an id claims to be that of a hosted agent's response.
pub fn is_hosted(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// Refuses an id that is not one of a hosted agent's response, in the words of the wire.
pub fn check(id: &str) -> Result<(), ApiError> {
    check_as(id, || format!("responseId{{{id}}}"))
}

/// Refuses such an id. `param` is what it is called in the request.
pub fn check_as(id: &str, param: impl FnOnce() -> String) -> Result<(), ApiError> {
    if is_well_formed(id) {
        return Ok(());
    }
    Err(ApiError::invalid("Malformed identifier.").code("invalid_parameters").param(param()))
}

/// Prefixes of ids of this form under which other things are kept.
const PARENTS: &[&str] = &["conv", "resp", "caresp"];
/// Prefixes of items whose ids clients of other services send along, in whatever form.
const ITEMS: &[&str] = &["msg", "fc", "fco", "rs"];

/// Whether something may be stored as an item under this id. Containers choose the ids of items, and whatever
/// is deleted takes along what is kept under its id: so no item may have the id of something else.
pub fn may_be_item(id: &str) -> bool {
    let Some((prefix, _)) = id.split_once('_') else { return false };
    let is_partitioned = Partition::of(id).is_some() && !PARENTS.contains(&prefix);
    is_partitioned || ITEMS.contains(&prefix)
}

fn is_well_formed(id: &str) -> bool {
    let Some(digits) = id.strip_prefix(PREFIX) else { return false };
    let Some((hex, rest)) = digits.split_at_checked(HEX) else { return false };
    let Some(rest) = rest.strip_prefix("00") else { return false };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hex.bytes().all(is_hex) && rest.len() == REST && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_service_is_well_formed() {
        assert!(check(&Partition::new().id("caresp_")).is_ok());
        assert!(check("caresp_2f924b8437fe553b00FkXw677eZazbpBBQqXABqzTIxk6ileMn").is_ok());
    }

    #[test]
    fn an_item_never_has_an_id_under_which_other_things_are_kept() {
        let partition = Partition::new();
        for prefix in ["msg_", "fc_", "bcso_", "prog_"] {
            assert!(may_be_item(&partition.id(prefix)), "{prefix}");
        }
        assert!(may_be_item("msg_sent_again"));
        for prefix in ["conv_", "resp_", "caresp_"] {
            assert!(!may_be_item(&partition.id(prefix)), "{prefix}");
        }
        for id in ["", "thread_1", "tasks/t", "agents/a", "msg"] {
            assert!(!may_be_item(id), "{id}");
        }
    }

    #[test]
    fn other_ids_are_refused_with_the_id_as_the_param() {
        let other = [
            "resp_2f924b8437fe553b00FkXw677eZazbpBBQqXABqzTIxk6ileMn",
            "caresp_2F924b8437fe553b00FkXw677eZazbpBBQqXABqzTIxk6ileMn",
            "caresp_2f924b8437fe553b00FkXw677eZazbpBBQqXABqzTIxk6ile",
            "caresp_2f924b8437fe553b11FkXw677eZazbpBBQqXABqzTIxk6ileMn",
            "caresp_x",
        ];
        for id in other {
            let refused = check(id).expect_err("is refused");
            assert_eq!(refused.detail().code.as_deref(), Some("invalid_parameters"));
            assert_eq!(refused.detail().param, Some(format!("responseId{{{id}}}")));
        }
    }
}
