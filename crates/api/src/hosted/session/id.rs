//! Ids of sessions: the platform's own, and those that clients choose.

use crate::{ApiError, partition::Partition};

const LONGEST: usize = 256;

/// A new id in this partition, which the ids of its responses share.
pub fn new(partition: &Partition) -> String {
    partition.id("")
}

/// The partition of an id that the platform made.
pub fn partition_of(id: &str) -> Option<Partition> {
    Partition::of(&format!("_{id}"))
}

/// An id that a client chose: it is part of paths and headers, so it is made of plain characters.
pub fn check(id: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('.') {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid 'agent_session_id': expected 1 to {LONGEST} letters, digits, '-', '_', '.' and ':', and no '.' \
         in front."
    ))
    .code("invalid_value")
    .param("agent_session_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_platform_tells_its_partition() {
        let partition = Partition::new();
        assert_eq!(partition_of(&new(&partition)), Some(partition));
        assert_eq!(partition_of("mine"), None);
    }

    #[test]
    fn an_id_that_could_lead_elsewhere_is_refused() {
        for id in ["", "../x", "a/b", "a b", ".", "..", "a\0"] {
            assert!(check(id).is_err(), "{id:?}");
        }
        assert!(check("user-1_2.3:4").is_ok());
    }
}
