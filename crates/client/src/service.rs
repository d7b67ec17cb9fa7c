//! One service at one endpoint: builds requests, sends them, reads answers.

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

const JSON: &str = "application/json";

/// One service at one endpoint.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) endpoint: Url,
    pub(crate) api_version: String,
    pub(crate) pipeline: Pipeline,
}

impl Service {
    /// `GET path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query) -> Result<T> {
        self.send(self.request(Method::Get, path, query)?).await
    }

    /// `POST path` with a JSON body.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T> {
        self.send(self.json_request(path, body)?).await
    }

    /// `POST path` without a body.
    pub(crate) async fn post_empty<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        self.send(self.request(Method::Post, path, Query::new())?).await
    }

    /// `POST path` with a body of another type.
    pub(crate) async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &[&str],
        content_type: String,
        body: Bytes,
    ) -> Result<T> {
        let mut request = self.request(Method::Post, path, Query::new())?;
        request.insert_header(headers::CONTENT_TYPE, content_type);
        request.set_body(body);
        self.send(request).await
    }

    /// `DELETE path`.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        self.send(self.request(Method::Delete, path, Query::new())?).await
    }

    /// `POST path` with a JSON body; the answer's body is not read yet.
    pub(crate) async fn open_post(&self, path: &[&str], body: &impl Serialize) -> Result<AsyncRawResponse> {
        self.open(self.json_request(path, body)?).await
    }

    /// `GET path` of raw bytes; the answer's body is not read yet.
    pub(crate) async fn open_get(&self, path: &[&str]) -> Result<AsyncRawResponse> {
        let mut request = self.request(Method::Get, path, Query::new())?;
        request.insert_header(headers::ACCEPT, "application/octet-stream");
        self.open(request).await
    }

    fn json_request(&self, path: &[&str], body: &impl Serialize) -> Result<Request> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Argument(format!("the body can't be written as JSON: {error}")))?;
        let mut request = self.request(Method::Post, path, Query::new())?;
        request.insert_header(headers::CONTENT_TYPE, JSON);
        request.set_body(body);
        Ok(request)
    }

    fn request(&self, method: Method, path: &[&str], query: Query) -> Result<Request> {
        let mut url = self.endpoint.clone();
        {
            let no_path = |()| Error::Setup(format!("the endpoint {} can't have a path", self.endpoint));
            let mut segments = url.path_segments_mut().map_err(no_path)?;
            for segment in path {
                segments.push(whole_segment(segment)?);
            }
        }
        url.query_pairs_mut().append_pair("api-version", &self.api_version).extend_pairs(query);
        let mut request = Request::new(url, method);
        request.insert_header(headers::ACCEPT, JSON);
        Ok(request)
    }

    async fn send<T: DeserializeOwned>(&self, mut request: Request) -> Result<T> {
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let response = self.pipeline.send(&Context::new(), &mut request, Some(options)).await?;
        successful(&response)?;
        decode(response.body())
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

fn successful(response: &RawResponse) -> Result<()> {
    if response.status().is_success() { Ok(()) } else { Err(service_error(response)) }
}

/// Refuses what would silently become another path: an empty id turns "delete one" into "list all".
fn whole_segment(segment: &str) -> Result<&str> {
    match segment {
        "" | "." | ".." => Err(Error::Argument(format!("{segment:?} is not an id"))),
        _ => Ok(segment),
    }
}
