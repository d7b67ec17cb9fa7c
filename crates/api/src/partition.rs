//! Ids of the newer API: `conv_<16 hex>00<32 base62>`. The sixteen hex digits are the partition, equal for
//! everything that belongs to one conversation or one chain of responses.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use cupola_engine::ids;
use rand::RngExt;

const HEX: usize = 16;
const FILLER: &str = "00";
const REST: usize = 32;

/// The partition that ids share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition(String);

impl Partition {
    /// A partition of its own. It begins with the time, so that ids made one after another lie next to
    /// each other in the store's indexes.
    pub fn new() -> Self {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let random: u16 = rand::rng().random();
        Self(format!("{:012x}{random:04x}", millis & 0xffff_ffff_ffff))
    }

    /// The partition of an id; nothing if the id has another form.
    pub fn of(id: &str) -> Option<Self> {
        let (_, digits) = id.rsplit_once('_')?;
        let (hex, rest) = digits.split_at_checked(HEX)?;
        let is_hex = hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (is_hex && rest.starts_with(FILLER)).then(|| Self(hex.to_owned()))
    }

    /// The partition of a session whose id has another form, from the digits of its guid.
    pub fn of_session(guid: &str) -> Self {
        Self(guid.chars().take(HEX).collect())
    }

    /// A new id in this partition. `prefix` includes the underscore.
    pub fn id(&self, prefix: &str) -> String {
        ids::of_length(&format!("{prefix}{}{FILLER}", self.0), REST)
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_the_service() {
        let id = Partition::new().id("conv_");
        let digits = id.strip_prefix("conv_").expect("prefix");
        assert_eq!(digits.len(), 50);
        assert!(digits[..16].bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(&digits[16..18], "00");
        assert!(digits[18..].bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn ids_that_belong_together_share_their_partition() {
        let partition = Partition::new();
        assert_eq!(Partition::of(&partition.id("msg_")), Some(partition));
    }

    #[test]
    fn an_id_of_another_form_has_no_partition() {
        for id in ["", "thread_abc", "conv_", "conv_zzzzzzzzzzzzzzzz00", "conv_0123456789abcdef11"] {
            assert_eq!(Partition::of(id), None, "{id}");
        }
    }
}
