//! How many replicas a container has: so many always, so many while there is much to do.

use serde::{Deserialize, Serialize};

use crate::ApiError;

const MOST_ALWAYS: u32 = 2;
const MOST: u32 = 5;

/// How many replicas a container has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Those that always run.
    pub min: u32,
    /// Those that run at the most.
    pub max: u32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { min: 1, max: 1 }
    }
}

/// The body that asks for replicas. Some clients write it in camel case.
#[derive(Debug, Default, Deserialize)]
pub struct WantedScale {
    #[serde(default, alias = "minReplicas")]
    min_replicas: Option<i64>,
    #[serde(default, alias = "maxReplicas")]
    max_replicas: Option<i64>,
}

impl WantedScale {
    /// What is asked for, where `now` is what holds for what was left out.
    pub fn read(&self, now: Scale) -> Result<Scale, ApiError> {
        let min = self.min_replicas.map(|min| within("min_replicas", min, 0, MOST_ALWAYS)).transpose()?;
        let max = self.max_replicas.map(|max| within("max_replicas", max, 1, MOST)).transpose()?;
        let scale = match (min, max) {
            (Some(min), Some(max)) if min > max => {
                let message =
                    format!("Invalid 'min_replicas': {min} is more than 'max_replicas', which is {max}.");
                return Err(ApiError::invalid(message).code("invalid_value").param("min_replicas"));
            }
            (Some(min), Some(max)) => Scale { min, max },
            (Some(min), None) => Scale { min, max: now.max.max(min) },
            (None, Some(max)) => Scale { min: now.min.min(max), max },
            (None, None) => now,
        };
        Ok(scale)
    }
}

fn within(name: &str, value: i64, least: u32, most: u32) -> Result<u32, ApiError> {
    let refused = |code: &str, sentence: String| {
        Err(ApiError::invalid(format!("Invalid '{name}': {sentence} but got {value} instead."))
            .code(code)
            .param(name))
    };
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        Ok(value) if value > most => refused(
            "integer_above_max_value",
            format!("integer above maximum value. Expected a value <= {most},"),
        ),
        _ => refused(
            "integer_below_min_value",
            format!("integer below minimum value. Expected a value >= {least},"),
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value, now: Scale) -> Result<Scale, ApiError> {
        serde_json::from_value::<WantedScale>(body).unwrap().read(now)
    }

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let now = Scale { min: 1, max: 3 };
        for (body, min, max) in [
            (json!({}), 1, 3),
            (json!({"min_replicas": 2}), 2, 3),
            (json!({"maxReplicas": 5}), 1, 5),
            (json!({"minReplicas": 0, "maxReplicas": 1}), 0, 1),
        ] {
            assert_eq!(read(body.clone(), now).unwrap(), Scale { min, max }, "{body}");
        }
        assert_eq!(read(json!({"min_replicas": 2}), Scale::default()).unwrap(), Scale { min: 2, max: 2 });
    }

    #[test]
    fn what_is_too_much_is_refused() {
        for (body, param) in [
            (json!({"min_replicas": 3}), "min_replicas"),
            (json!({"max_replicas": 6}), "max_replicas"),
            (json!({"max_replicas": 0}), "max_replicas"),
            (json!({"min_replicas": -1}), "min_replicas"),
            (json!({"min_replicas": 2, "max_replicas": 1}), "min_replicas"),
        ] {
            let error = read(body.clone(), Scale::default()).unwrap_err();
            assert_eq!(error.detail().param.as_deref(), Some(param), "{body}");
        }
    }
}
