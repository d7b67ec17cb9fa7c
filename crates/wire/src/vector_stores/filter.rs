//! Filters: conditions on the attributes of files.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use super::AttributeValue;
use crate::tagged::{INNER_PATH, tag, variant};

/// A condition on the attributes of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Filter {
    /// On one attribute.
    Comparison(Comparison),
    /// On several conditions.
    Compound(Compound),
}

impl Filter {
    /// An attribute is this value.
    pub fn equals(key: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        let value = FilterValue::One(value.into());
        Self::Comparison(Comparison { comparator: Comparator::Eq, key: key.into(), value })
    }

    /// All of these hold.
    pub fn all(filters: Vec<Self>) -> Self {
        Self::Compound(Compound { connective: Connective::And, filters })
    }
}

/// A condition on one attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How the attribute is compared.
    #[serde(rename = "type")]
    pub comparator: Comparator,
    /// Which attribute.
    pub key: String,
    /// With what.
    pub value: FilterValue,
}

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparator {
    /// It is this value.
    Eq,
    /// It is not this value.
    Ne,
    /// It is more.
    Gt,
    /// It is more or the same.
    Gte,
    /// It is less.
    Lt,
    /// It is less or the same.
    Lte,
    /// It is one of these values.
    In,
    /// It is none of these values.
    Nin,
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FilterValue {
    /// One value.
    One(AttributeValue),
    /// Several values, for `in` and `nin`.
    Several(Vec<AttributeValue>),
}

impl<'de> Deserialize<'de> for FilterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Array(values) => variant(Value::Array(values)).map(Self::Several),
            value => variant(value).map(Self::One),
        }
    }
}

/// A condition on several conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compound {
    /// Whether all have to hold, or one.
    #[serde(rename = "type")]
    pub connective: Connective,
    /// The conditions.
    pub filters: Vec<Filter>,
}

/// Whether all conditions have to hold, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connective {
    /// All have to hold.
    And,
    /// One has to hold.
    Or,
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let kind: &str = tag(&value, "type")?;
        match kind {
            "and" | "or" => variant(value).map(Self::Compound),
            "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin" => variant(value).map(Self::Comparison),
            other => Err(D::Error::custom(format!(
                "type{INNER_PATH}unknown variant `{other}`, expected one of \
                 `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `in`, `nin`, `and`, `or`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_is_written_as_it_was_read() {
        let sent = json!({"type": "and", "filters": [
            {"type": "eq", "key": "team", "value": "sales"},
            {"type": "or", "filters": [
                {"type": "gte", "key": "year", "value": 2020},
                {"type": "in", "key": "region", "value": ["north", 7]},
            ]},
        ]});
        let filter: Filter = serde_json::from_value(sent.clone()).expect("is read");
        assert_eq!(serde_json::to_value(&filter).expect("is written"), sent);
    }

    #[test]
    fn an_error_names_the_path_inside_the_filter() {
        let sent = json!({"type": "and", "filters": [{"type": "eq", "key": "a", "value": {"no": 1}}]});
        let error = serde_json::from_value::<Filter>(sent).expect_err("is refused").to_string();
        assert!(error.starts_with("filters[0]\u{1f}value\u{1f}invalid type"), "{error:?}");
        let sent = json!({"type": "like", "key": "a", "value": 1});
        let error = serde_json::from_value::<Filter>(sent).expect_err("is refused").to_string();
        assert!(error.starts_with("type\u{1f}unknown variant `like`"), "{error:?}");
    }
}
