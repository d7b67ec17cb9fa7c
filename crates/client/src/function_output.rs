//! What a function may return, and how it becomes the text that the model reads.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Value, json};

/// What a function may return: a text, a number, a truth, JSON, nothing, or a `Result` of these.
///
/// Wrap a type of your own in [`Json`].
pub trait FunctionOutput {
    /// The text that the model reads, or what went wrong.
    fn into_output(self) -> Result<String, String>;
}

/// Any value that serde can write, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> FunctionOutput for Json<T> {
    fn into_output(self) -> Result<String, String> {
        serde_json::to_string(&self.0)
            .map_err(|error| format!("the result can't be written as JSON: {error}"))
    }
}

impl<T: FunctionOutput, E: Display> FunctionOutput for Result<T, E> {
    fn into_output(self) -> Result<String, String> {
        match self {
            Ok(value) => value.into_output(),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl FunctionOutput for String {
    fn into_output(self) -> Result<String, String> {
        Ok(self)
    }
}

impl FunctionOutput for () {
    fn into_output(self) -> Result<String, String> {
        Ok("null".to_owned())
    }
}

macro_rules! printed {
    ($($kind:ty),*) => {
        $(impl FunctionOutput for $kind {
            fn into_output(self) -> Result<String, String> {
                Ok(self.to_string())
            }
        })*
    };
}
printed!(&str, Value, bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

/// An error as the model gets to read it; it can then try again or say so.
pub(crate) fn error_text(message: &str) -> String {
    json!({ "error": message }).to_string()
}
