//! A call of a model: read as little as needed, passed on to the deployment's provider.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use cupola_models::{RawAnswer, RawOperation, catalog::Resolved};
use futures_util::StreamExt as _;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::{faults, rename::Renamer};
use crate::{
    ApiError, Service,
    body::{document, json},
};

/// The fields of a body as the client wrote them: numbers keep their digits.
pub type Fields = IndexMap<String, Box<RawValue>>;

/// The longest answer that comes in one piece.
const LONGEST: usize = 64 * 1024 * 1024;

/// A call of a model.
pub struct Call {
    /// Who answers it.
    pub resolved: Resolved,
    /// Its body.
    pub fields: Fields,
}

impl Call {
    /// Finds out who answers.
    pub fn read(service: &Service, fields: Fields) -> Result<Self, ApiError> {
        let model = fields.get("model").map(|model| model.get()).unwrap_or("null");
        let deployment: Option<String> = serde_json::from_str(model).map_err(|_| {
            ApiError::invalid("Invalid type for 'model': expected a string.")
                .code("invalid_type")
                .param("model")
        })?;
        let deployment = deployment.filter(|name| !name.is_empty()).ok_or_else(|| {
            ApiError::invalid("Missing required parameter: 'model'.")
                .code("missing_required_parameter")
                .param("model")
        })?;
        let resolved = service.catalog().resolve(&deployment).map_err(|fault| faults::told(&fault))?;
        Ok(Self { resolved, fields })
    }

    /// Passes the call on; `None` if the provider has no upstream of this dialect.
    pub async fn forward(&self, operation: RawOperation) -> Result<Option<Response>, ApiError> {
        let Resolved { provider, model, deployment, .. } = &self.resolved;
        match provider.raw(operation, model, self.body()).await {
            Ok(None) => Ok(None),
            Ok(Some(answer)) if answer.is_events => Ok(Some(events(answer, deployment))),
            Ok(Some(answer)) => whole(answer, deployment).await.map(Some),
            Err(refusal) => faults::refused(refusal).map(Some),
        }
    }

    /// The refusal of what the provider does not offer.
    pub fn not_offered(&self, what: &str) -> ApiError {
        let provider = self.resolved.provider.name();
        let deployment = &self.resolved.deployment;
        ApiError::invalid(format!(
            "The deployment '{deployment}' is served by the provider '{provider}', which offers no {what}."
        ))
        .code("operation_not_offered")
        .param("model")
    }

    /// The body with the model's own name and the further fields of the deployment.
    fn body(&self) -> Bytes {
        let mut fields = self.fields.clone();
        if let Ok(model) = serde_json::value::to_raw_value(&self.resolved.model) {
            fields.insert("model".to_owned(), model);
        }
        for (name, value) in &self.resolved.extra {
            if let (false, Ok(value)) = (fields.contains_key(name), serde_json::value::to_raw_value(value)) {
                fields.insert(name.clone(), value);
            }
        }
        document(&fields)
    }
}

/// An answer that comes as events, passed on line by line.
fn events(answer: RawAnswer, deployment: &str) -> Response {
    let renamer = Renamer::new(deployment);
    let lines = futures_util::stream::unfold(Some((answer.body, renamer)), |state| async move {
        let (mut body, mut renamer) = state?;
        match body.next().await {
            Some(Ok(bytes)) => {
                Some((Ok::<_, std::convert::Infallible>(renamer.feed(&bytes)), Some((body, renamer))))
            }
            // The clients raise an event with an error as an exception.
            Some(Err(fault)) => Some((Ok(faults::event(&fault)), None)),
            None => Some((Ok(renamer.rest()), None)),
        }
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// An answer that comes in one piece.
async fn whole(mut answer: RawAnswer, deployment: &str) -> Result<Response, ApiError> {
    let mut body = Vec::new();
    while let Some(bytes) = answer.body.next().await {
        body.extend_from_slice(&bytes.map_err(|fault| faults::told(&fault))?);
        if body.len() > LONGEST {
            return Err(faults::bad_gateway("The model server sent an answer of more than 64 MiB."));
        }
    }
    Renamer::new(deployment)
        .renamed(&body)
        .map(json)
        .ok_or_else(|| faults::bad_gateway("The model server sent an answer that is no JSON object."))
}
