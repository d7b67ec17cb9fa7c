//! Tools made of plain Rust functions.

use std::{fmt, future::Future, sync::Arc};

use cupola_wire::{
    Extra,
    classic::{FunctionDefinition, FunctionTool, RequiredToolCall, Tool, ToolOutput},
    responses::{FunctionCallItem, Item},
};
use futures_util::future::{BoxFuture, join_all};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    function_output::{FunctionOutput, error_text},
    schema::schema_of,
};

type Body = dyn Fn(String) -> BoxFuture<'static, Result<String, String>> + Send + Sync;

/// Functions that an agent may call, by name. Clones share the functions.
///
/// ```
/// use cupola_client::{FunctionSet, JsonSchema};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[schemars(crate = "cupola_client::schemars")]
/// struct Place {
///     /// A city, for example "Lisbon".
///     city: String,
/// }
///
/// let functions = FunctionSet::new()
///     .with("get_weather", "The weather in a city.", |place: Place| async move {
///         format!("It is sunny in {}.", place.city)
///     })
///     .with_sync("add_one", "The next number.", |number: One| number.value + 1);
/// # #[derive(Deserialize, JsonSchema)]
/// # #[schemars(crate = "cupola_client::schemars")]
/// # struct One { value: i64 }
/// assert_eq!(functions.definitions().len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct FunctionSet {
    functions: IndexMap<String, Function>,
}

#[derive(Clone)]
struct Function {
    description: String,
    parameters: Value,
    body: Arc<Body>,
}

/// The argument of a function that takes none.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct NoArguments {}

impl FunctionSet {
    /// No functions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an async function. A function of the same name is replaced.
    ///
    /// The model is told the schema of `A`; the doc comments of its fields describe them.
    pub fn with<A, R, F>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        R: FunctionOutput,
        F: Future<Output = R> + Send + 'static,
    {
        self.add::<A>(name.into(), description.into(), move |arguments| match read(&arguments) {
            Ok(arguments) => {
                let output = function(arguments);
                Box::pin(async move { output.await.into_output() })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        })
    }

    /// Adds a function that returns at once. A function of the same name is replaced.
    pub fn with_sync<A, R>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        function: impl Fn(A) -> R + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        R: FunctionOutput,
    {
        self.add::<A>(name.into(), description.into(), move |arguments| {
            let output = read(&arguments).and_then(|arguments| function(arguments).into_output());
            Box::pin(std::future::ready(output))
        })
    }

    fn add<A: JsonSchema>(
        mut self,
        name: String,
        description: String,
        body: impl Fn(String) -> BoxFuture<'static, Result<String, String>> + Send + Sync + 'static,
    ) -> Self {
        let function = Function { description, parameters: schema_of::<A>(), body: Arc::new(body) };
        self.functions.insert(name, function);
        self
    }

    /// The functions as tools of a classic agent or a run.
    pub fn definitions(&self) -> Vec<Tool> {
        self.functions.iter().map(|(name, function)| function.tool(name)).collect()
    }

    /// The functions as tools of a response, or of a version of an agent.
    pub fn tools(&self) -> Vec<Extra> {
        self.functions.iter().map(|(name, function)| function.flat_tool(name)).collect()
    }

    /// Calls the function that `call` asks for.
    ///
    /// Whatever goes wrong becomes the output `{"error": …}`, so that the model can act on it.
    pub async fn call(&self, call: &RequiredToolCall) -> ToolOutput {
        let text = match &call.function {
            Some(wanted) => self.output(&wanted.name, &wanted.arguments).await,
            None => error_text(&format!("a call of kind `{}`", call.kind)),
        };
        ToolOutput { tool_call_id: call.id.clone(), output: Some(Value::String(text)), extra: Extra::new() }
    }

    /// Calls all of them at once; the outputs are in the order of the calls.
    pub(crate) async fn call_all(&self, calls: &[RequiredToolCall]) -> Vec<ToolOutput> {
        join_all(calls.iter().map(|call| self.call(call))).await
    }

    /// Calls the function that an item of a response asks for; the answer is an item too.
    ///
    /// Whatever goes wrong becomes the output `{"error": …}`, so that the model can act on it.
    pub async fn answer(&self, call: &FunctionCallItem) -> Item {
        Item::function_output(&call.call_id, self.output(&call.name, &call.arguments).await)
    }

    /// Answers all of them at once; the outputs are in the order of the calls.
    pub(crate) async fn answer_all(&self, calls: &[&FunctionCallItem]) -> Vec<Item> {
        join_all(calls.iter().map(|call| self.answer(call))).await
    }

    async fn output(&self, name: &str, arguments: &str) -> String {
        let called = match self.functions.get(name) {
            Some(function) => (function.body)(arguments.to_owned()).await,
            None => Err(self.unknown(name)),
        };
        called.unwrap_or_else(|message| error_text(&message))
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = self.functions.keys().map(String::as_str).collect();
        format!("no function `{name}`; there are: {}", names.join(", "))
    }
}

impl Function {
    fn flat_tool(&self, name: &str) -> Extra {
        let fields = [
            ("type", "function".into()),
            ("name", name.into()),
            ("description", self.description.as_str().into()),
            ("parameters", self.parameters.clone()),
            // Strict models want every field required, which the schemas of optional fields are not.
            ("strict", false.into()),
        ];
        fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
    }

    fn tool(&self, name: &str) -> Tool {
        let function = FunctionDefinition {
            name: name.to_owned(),
            description: Some(self.description.clone()),
            parameters: self.parameters.clone(),
            strict: None,
            extra: Extra::new(),
        };
        Tool::Function(FunctionTool { function, extra: Extra::new() })
    }
}

impl fmt::Debug for FunctionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.functions.keys()).finish()
    }
}

/// Models leave the arguments empty where there are none.
fn read<A: DeserializeOwned>(arguments: &str) -> Result<A, String> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    let mut reader = serde_json::Deserializer::from_str(arguments);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("the arguments do not fit at `{}`: {}", error.path(), error.inner()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cupola_wire::classic::FunctionCall;
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::Json;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Weather {
        /// A city.
        city: String,
        unit: Option<Unit>,
        days: Option<u8>,
    }

    #[derive(Deserialize, Serialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Celsius,
        Fahrenheit,
    }

    #[derive(Serialize)]
    struct Forecast {
        city: String,
        unit: Unit,
        days: u8,
    }

    fn functions() -> FunctionSet {
        FunctionSet::new()
            .with("forecast", "A forecast.", |weather: Weather| async move {
                if weather.city.is_empty() {
                    return Err("no such city");
                }
                Ok(Json(Forecast {
                    city: weather.city,
                    unit: weather.unit.unwrap_or(Unit::Celsius),
                    days: weather.days.unwrap_or(1),
                }))
            })
            .with_sync("greet", "A greeting.", |_: NoArguments| "hello")
    }

    async fn output(name: &str, arguments: &str) -> String {
        let call = RequiredToolCall {
            id: "call_1".to_owned(),
            kind: "function".to_owned(),
            function: Some(FunctionCall { name: name.to_owned(), arguments: arguments.to_owned() }),
            extra: Extra::new(),
        };
        let output = functions().call(&call).await;
        assert_eq!(output.tool_call_id, "call_1");
        output.output.unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn a_definition_holds_a_plain_schema_of_the_argument_type() {
        let tools = serde_json::to_value(functions().definitions()).unwrap();
        assert_eq!(
            tools[0],
            json!({"type": "function", "function": {
                "name": "forecast",
                "description": "A forecast.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"description": "A city.", "type": "string"},
                        "unit": {"type": ["string", "null"], "enum": ["celsius", "fahrenheit", null]},
                        "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 255},
                    },
                    "required": ["city"],
                    "additionalProperties": false,
                },
            }})
        );
    }

    #[tokio::test]
    async fn what_a_function_returns_is_its_output() {
        assert_eq!(
            output("forecast", r#"{"city":"Lisbon"}"#).await,
            r#"{"city":"Lisbon","unit":"celsius","days":1}"#
        );
        assert_eq!(output("greet", "").await, "hello");
    }

    #[tokio::test]
    async fn an_error_is_an_output_that_says_so() {
        assert_eq!(output("forecast", r#"{"city":""}"#).await, r#"{"error":"no such city"}"#);
    }

    #[tokio::test]
    async fn arguments_that_do_not_fit_are_an_output_that_names_the_field() {
        let text = output("forecast", r#"{"city":"x","unit":"kelvin"}"#).await;
        assert!(
            text.starts_with(r#"{"error":"the arguments do not fit at `unit`: unknown variant"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_unknown_function_is_an_output_that_names_the_known_ones() {
        assert_eq!(
            output("nope", "{}").await,
            r#"{"error":"no function `nope`; there are: forecast, greet"}"#
        );
    }
}
