//! Errors in the form of Azure Blob: XML, and the code in a header.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::grant::Refusal;
use crate::ApiError;

/// A refusal of the blob endpoint.
#[derive(Debug)]
pub struct BlobError {
    status: StatusCode,
    code: String,
    message: String,
}

impl BlobError {
    /// A refusal with a code of Azure Blob.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// 400: a parameter is wrong.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404: there is no such blob.
    pub fn no_blob() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.")
    }

    /// 404: there is no such container.
    pub fn no_container() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.")
    }

    /// 409: the blob exists and must not be replaced.
    pub fn exists() -> Self {
        Self::new(StatusCode::CONFLICT, "BlobAlreadyExists", "The specified blob already exists.")
    }
}

impl From<Refusal> for BlobError {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::Unsigned => ("AuthenticationFailed", "The address is not signed by this service."),
            Refusal::Expired => {
                ("AuthenticationFailed", "The signature of the address has expired. Ask for a new one.")
            }
            Refusal::NotGranted => (
                "AuthorizationPermissionMismatch",
                "The signature of the address does not grant this operation.",
            ),
        };
        Self::new(StatusCode::FORBIDDEN, code, message)
    }
}

impl From<ApiError> for BlobError {
    fn from(error: ApiError) -> Self {
        let code = match error.status() {
            StatusCode::INTERNAL_SERVER_ERROR => "InternalError".to_owned(),
            _ => error.detail().code.clone().unwrap_or_default(),
        };
        Self { status: error.status(), code, message: error.detail().message.clone() }
    }
}

impl IntoResponse for BlobError {
    fn into_response(self) -> Response {
        let (code, message) = (escaped(&self.code), escaped(&self.message));
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        let mut response = (self.status, xml).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            headers.insert("x-ms-error-code", code);
        }
        response
    }
}

/// Text as it stands in XML. Control characters, which XML can't hold, are left out.
pub fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' | '\r' => xml.push(letter),
            control if control.is_control() => {}
            letter => xml.push(letter),
        }
    }
    xml
}
