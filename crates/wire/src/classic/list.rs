//! Pages of lists, and the answer to a delete.

use serde::{Deserialize, Serialize};

/// One page of a list.
///
/// The page after the end has no ids: a client that ignores `has_more` asks for what comes after
/// `last_id` until there is none.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Page<T> {
    /// Always `list`.
    pub object: String,
    /// The objects.
    pub data: Vec<T>,
    /// The id of the first object of this page.
    pub first_id: Option<String>,
    /// The id of the last object of this page: give it as `after` to get the next page.
    pub last_id: Option<String>,
    /// Whether there are more.
    #[serde(default)]
    pub has_more: bool,
}

/// Newest or oldest first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct ListQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Newest or oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Only what comes after this id, in the list's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only what comes before this id, in the list's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// The answer to a delete.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Deleted {
    /// What was deleted.
    pub id: String,
    /// For example `assistant.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}
