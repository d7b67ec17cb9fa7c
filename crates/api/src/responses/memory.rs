//! What a connection remembers: its newest response that is stored nowhere.

use std::sync::Arc;

use serde_json::Value;

/// The newest response of a connection that was not stored.
#[derive(Debug, Default)]
pub struct Memory(Option<Remembered>);

/// A response that was not stored, and what it was asked with.
#[derive(Debug)]
pub struct Remembered {
    id: String,
    asked: Arc<Value>,
    output: Value,
    bytes: usize,
}

impl Memory {
    /// Nothing: each request stands for itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// Remembers a response in the place of the one before. `bytes` is how large it and what led to it are.
    pub fn keep(&mut self, asked: Arc<Value>, response: &Value, bytes: usize) {
        let id = response["id"].as_str().unwrap_or_default().to_owned();
        self.0 = Some(Remembered { id, asked, output: response["output"].clone(), bytes });
    }

    /// The response with this id.
    pub fn find(&self, id: Option<&str>) -> Option<&Remembered> {
        self.0.as_ref().filter(|remembered| id == Some(&remembered.id))
    }

    /// Forgets the response with this id.
    pub fn forget(&mut self, id: Option<&str>) {
        self.0.take_if(|remembered| id == Some(&remembered.id));
    }
}

impl Remembered {
    /// The items up to the end of this response that are stored nowhere, oldest first.
    pub fn items(&self) -> Vec<Value> {
        let lists = [&self.asked["earlier"], &self.asked["input"], &self.output];
        lists.into_iter().filter_map(Value::as_array).flatten().cloned().collect()
    }

    /// Where what was before them is stored: `conversation` and `previous_response_id`.
    pub fn before(&self) -> &Value {
        &self.asked
    }

    /// How large it is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_response_is_remembered_with_everything_that_led_to_it() {
        let mut memory = Memory::none();
        let asked = json!({"earlier": [1, 2], "input": [3], "previous_response_id": "resp_0"});
        memory.keep(Arc::new(asked), &json!({"id": "resp_1", "output": [4]}), 9);
        let found = memory.find(Some("resp_1")).expect("is remembered");
        assert_eq!((json!(found.items()), found.bytes()), (json!([1, 2, 3, 4]), 9));
        assert_eq!(found.before()["previous_response_id"], "resp_0");
        memory.keep(Arc::new(json!({})), &json!({"id": "resp_2"}), 0);
        assert!(memory.find(Some("resp_1")).is_none() && memory.find(Some("resp_2")).is_some());
    }

    #[test]
    fn only_the_response_that_is_named_is_forgotten() {
        let mut memory = Memory::none();
        memory.keep(Arc::new(json!({})), &json!({"id": "resp_1"}), 0);
        memory.forget(Some("resp_2"));
        memory.forget(None);
        assert!(memory.find(Some("resp_1")).is_some());
        memory.forget(Some("resp_1"));
        assert!(memory.find(Some("resp_1")).is_none());
    }
}
