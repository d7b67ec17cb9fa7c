//! One service at one endpoint: builds requests, sends them, reads answers.

use std::time::Duration;

use azure_core::http::{
    AsyncRawResponse, Context, Method, Pipeline, PipelineSendOptions, PipelineStreamOptions, RawResponse,
    Request, Url, headers,
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, Result,
    decode::decode,
    error::{chain, service_error},
};

/// The query of a request, without `api-version`.
pub(crate) type Query = Vec<(&'static str, String)>;

/// When the service wants to be asked again, in milliseconds.
const POLL_AFTER: headers::HeaderName = headers::HeaderName::from_static("openai-poll-after-ms");

const JSON: &str = "application/json";

/// One service at one endpoint.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) endpoint: Url,
    /// The value of `api-version`; some addresses want none.
    pub(crate) api_version: Option<String>,
    /// What is wanted although it is a preview; may be empty.
    pub(crate) preview_features: String,
    pub(crate) pipeline: Pipeline,
}

impl Service {
    /// The same service by the addresses of the OpenAI API, which has no `api-version`.
    pub(crate) fn openai(&self) -> Result<Self> {
        Ok(Self { api_version: None, ..self.at(&["openai", "v1"])? })
    }

    /// The same service at the endpoint of one agent.
    pub(crate) fn of_agent(&self, name: &str) -> Result<Self> {
        self.at(&["agents", name, "endpoint", "protocols", "openai"])
    }

    fn at(&self, path: &[&str]) -> Result<Self> {
        Ok(Self {
            endpoint: self.below(path)?,
            api_version: self.api_version.clone(),
            preview_features: self.preview_features.clone(),
            pipeline: self.pipeline.clone(),
        })
    }

    /// `GET path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query) -> Result<T> {
        self.send(self.request(Method::Get, path, query)?).await
    }

    /// `GET path` of something that is under way, and when the service wants to be asked again, where it says so.
    pub(crate) async fn get_with_pace<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<(T, Option<Duration>)> {
        let answer = self.exchange(self.request(Method::Get, path, Query::new())?).await?;
        let pace = answer.headers().get_optional_str(&POLL_AFTER).and_then(|text| text.parse().ok());
        Ok((decode(answer.body())?, pace.map(Duration::from_millis)))
    }

    /// `GET` of an address that the service itself has given.
    pub(crate) async fn get_url<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        let mut request = Request::new(url, Method::Get);
        request.insert_header(headers::ACCEPT, JSON);
        self.send(request).await
    }

    /// `POST path` with a JSON body.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        self.send(self.json_request(Method::Post, path, body)?).await
    }

    /// `PATCH path` with a merge patch.
    pub(crate) async fn merge<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        let mut request = self.json_request(Method::Patch, path, body)?;
        request.insert_header(headers::CONTENT_TYPE, "application/merge-patch+json");
        self.send(request).await
    }

    /// `PUT path` with a JSON body.
    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        self.send(self.json_request(Method::Put, path, body)?).await
    }

    /// `POST path` without a body; the answer's body says nothing either.
    pub(crate) async fn act(&self, path: &[&str]) -> Result<()> {
        self.exchange(self.request(Method::Post, path, Query::new())?).await.map(drop)
    }

    /// `POST path` without a body.
    pub(crate) async fn post_empty<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        self.send(self.request(Method::Post, path, Query::new())?).await
    }

    /// `POST path` with a JSON body; the answer's body says nothing new.
    pub(crate) async fn tell(&self, path: &[&str], body: &impl Serialize) -> Result<()> {
        self.exchange(self.json_request(Method::Post, path, body)?).await.map(drop)
    }

    /// `POST path` with a body of another type, which the headers say.
    pub(crate) async fn post_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<T> {
        let mut request = self.request(Method::Post, path, Query::new())?;
        for (name, value) in headers {
            request.insert_header(*name, value.clone());
        }
        request.set_body(body);
        self.send(request).await
    }

    /// `PUT path` with raw bytes.
    pub(crate) async fn put_bytes<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query,
        body: Bytes,
    ) -> Result<T> {
        let mut request = self.request(Method::Put, path, query)?;
        request.insert_header(headers::CONTENT_TYPE, "application/octet-stream");
        request.set_body(body);
        self.send(request).await
    }

    /// `DELETE path`.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        self.delete_with(path, Query::new()).await
    }

    /// `DELETE path`; the answer has no body.
    pub(crate) async fn remove(&self, path: &[&str], query: Query) -> Result<()> {
        self.exchange(self.request(Method::Delete, path, query)?).await.map(drop)
    }

    /// `DELETE path` with a query.
    pub(crate) async fn delete_with<T: DeserializeOwned>(&self, path: &[&str], query: Query) -> Result<T> {
        self.send(self.request(Method::Delete, path, query)?).await
    }

    /// `POST path` with a JSON body; the answer's body is not read yet.
    pub(crate) async fn open_post(&self, path: &[&str], body: &impl Serialize) -> Result<AsyncRawResponse> {
        self.open(self.json_request(Method::Post, path, body)?).await
    }

    /// `GET path` of raw bytes; the answer's body is not read yet.
    pub(crate) async fn open_get(&self, path: &[&str], query: Query) -> Result<AsyncRawResponse> {
        let mut request = self.request(Method::Get, path, query)?;
        request.insert_header(headers::ACCEPT, "application/octet-stream");
        self.open(request).await
    }

    /// `GET path` of events; the answer's body is not read yet.
    pub(crate) async fn open_events(&self, path: &[&str], query: Query) -> Result<AsyncRawResponse> {
        let mut request = self.request(Method::Get, path, query)?;
        request.insert_header(headers::ACCEPT, "text/event-stream");
        self.open(request).await
    }

    /// Any request; the answer's body is not read yet.
    pub(crate) async fn open_any(
        &self,
        (method, path, query): (Method, &[&str], Query),
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Result<AsyncRawResponse> {
        let mut request = self.request(method, path, query)?;
        request.insert_header(headers::ACCEPT, "*/*");
        for (name, value) in headers {
            request.insert_header(name.to_ascii_lowercase(), value);
        }
        request.set_body(body);
        self.open(request).await
    }

    fn json_request(&self, method: Method, path: &[&str], body: &impl Serialize) -> Result<Request> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Argument(format!("the body can't be written as JSON: {error}")))?;
        let mut request = self.request(method, path, Query::new())?;
        request.insert_header(headers::CONTENT_TYPE, JSON);
        request.set_body(body);
        Ok(request)
    }

    fn request(&self, method: Method, path: &[&str], query: Query) -> Result<Request> {
        let mut url = self.below(path)?;
        let version = self.api_version.as_ref().map(|version| ("api-version", version.clone()));
        let mut pairs = version.into_iter().chain(query).peekable();
        if pairs.peek().is_some() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let mut request = Request::new(url, method);
        request.insert_header(headers::ACCEPT, JSON);
        if !self.preview_features.is_empty() {
            request.insert_header("foundry-features", self.preview_features.clone());
        }
        Ok(request)
    }

    fn below(&self, path: &[&str]) -> Result<Url> {
        let mut url = self.endpoint.clone();
        {
            let no_path = |()| Error::Setup(format!("the endpoint {} can't have a path", self.endpoint));
            let mut segments = url.path_segments_mut().map_err(no_path)?;
            for segment in path {
                segments.push(whole_segment(segment)?);
            }
        }
        Ok(url)
    }

    async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        decode(self.exchange(request).await?.body())
    }

    async fn exchange(&self, mut request: Request) -> Result<RawResponse> {
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let response = self.pipeline.send(&Context::new(), &mut request, Some(options)).await?;
        if response.status().is_success() { Ok(response) } else { Err(service_error(&response)) }
    }

    async fn open(&self, mut request: Request) -> Result<AsyncRawResponse> {
        let options = PipelineStreamOptions { skip_checks: true, ..PipelineStreamOptions::default() };
        let response = self.pipeline.stream(&Context::new(), &mut request, Some(options)).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let response = response.try_into_raw_response().await;
        Err(match response {
            Ok(response) => service_error(&response),
            Err(error) => Error::Transport(chain(&error)),
        })
    }
}

/// Refuses what would silently become another path: an empty id turns "delete one" into "list all".
pub(crate) fn whole_segment(segment: &str) -> Result<&str> {
    match segment {
        "" | "." | ".." => Err(Error::Argument(format!("{segment:?} is not an id"))),
        _ => Ok(segment),
    }
}
