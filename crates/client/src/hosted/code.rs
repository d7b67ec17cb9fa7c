//! Code packages: a version of an agent from a zip file, and the file back.

use azure_core::{Uuid, http::headers::Headers};
use bytes::Bytes;
use cupola_wire::agents::{AgentVersion, CreateAgentVersion};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

use crate::{
    Agents, Error, Result,
    classic::ByteStream,
    service::{Query, whole_segment},
};

const DIGEST: &str = "x-ms-code-zip-sha256";
const VERSION: &str = "x-ms-agent-version";

/// A zip file with a program.
#[derive(Clone, Debug)]
pub struct CodePackage {
    bytes: Bytes,
    sha256: String,
}

impl CodePackage {
    /// The package in these bytes.
    pub fn zip(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Self { bytes, sha256 }
    }

    /// Its digest, in hexadecimal digits. The service knows the package by it.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The content type and the body of the form.
    fn form(&self, metadata: &[u8]) -> (String, Bytes) {
        // Nobody can have guessed it, so no package contains it.
        let boundary = format!("cupola-{}", Uuid::new_v4());
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n");
        let between = format!(
            "\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"code\"; filename=\"code.zip\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let form = [head.as_bytes(), metadata, between.as_bytes(), &self.bytes, tail.as_bytes()].concat();
        (format!("multipart/form-data; boundary={boundary}"), form.into())
    }
}

/// The code package of a version.
pub struct CodeDownload {
    /// The version.
    pub version: Option<String>,
    /// What the service says the digest is.
    pub sha256: Option<String>,
    bytes: ByteStream,
}

impl CodeDownload {
    /// The bytes as they come. Nobody compares them with the digest.
    pub fn into_stream(self) -> ByteStream {
        self.bytes
    }

    /// All bytes. It is an error where they do not have the digest.
    pub async fn into_package(self) -> Result<CodePackage> {
        let pieces: Vec<Bytes> = self.bytes.try_collect().await?;
        let package = CodePackage::zip(pieces.concat());
        match self.sha256 {
            Some(expected) if expected != package.sha256 => Err(Error::Decode {
                path: DIGEST.to_owned(),
                message: format!("the package has the SHA-256 {}, not {expected}", package.sha256),
            }),
            _ => Ok(package),
        }
    }
}

impl Agents {
    /// Adds a version to an agent from a code package. The definition says how it is run.
    ///
    /// The version is at first being made; see [`Agents::wait_until_active`].
    pub async fn create_version_from_code(
        &self,
        name: &str,
        version: &CreateAgentVersion,
        code: &CodePackage,
    ) -> Result<AgentVersion> {
        let metadata = serde_json::to_vec(version)
            .map_err(|error| Error::Argument(format!("the version can't be written as JSON: {error}")))?;
        let (content_type, form) = code.form(&metadata);
        let headers = [("content-type", content_type), (DIGEST, code.sha256.clone())];
        self.service.post_with(&["agents", name, "versions"], &headers, form).await
    }

    /// The code package of a version; of the one that traffic goes to where none is named.
    pub async fn download_code(&self, name: &str, version: Option<&str>) -> Result<CodeDownload> {
        whole_segment(name)?;
        let query = version.map(|version| ("agent_version", version.to_owned()));
        let query: Query = query.into_iter().collect();
        let answer = self.service.open_get(&["agents", name, "code:download"], query).await?;
        let (version, sha256) = (text(answer.headers(), VERSION), text(answer.headers(), DIGEST));
        Ok(CodeDownload { version, sha256, bytes: answer.into_body().map_err(Error::from).boxed() })
    }
}

fn text(headers: &Headers, name: &'static str) -> Option<String> {
    headers.get_optional_str(&name.into()).map(str::to_owned)
}
