//! Moments as the tasks' wire has them: ISO 8601 with an offset, which every parser of Python reads.

use std::fmt;

use cupola_engine::Millis;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Millis);

impl Moment {
    /// So many seconds later.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        writer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let moment: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Self(moment.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_its_offset_and_read_back() {
        let moment = Moment(1_795_157_962_045);
        assert_eq!(moment.to_string(), "2026-11-20T06:59:22.045000+00:00");
        let written = serde_json::to_string(&moment).expect("is written");
        assert_eq!(serde_json::from_str::<Moment>(&written).expect("is read"), moment);
    }
}
