//! A queue, and what can be done with it.

use std::time::Duration;

use http::Method;
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use url::Url;

use super::{
    Access,
    message::{Received, read, written},
    signature::Signed,
};
use crate::outgoing::{Failure, Outgoing, Patience, Request};

/// The version of the interface; every service and the emulator have it.
const VERSION: &str = "2021-12-02";
/// How long is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of an answer: 32 messages of 64 KiB, as XML.
const LIMIT: usize = 4 * 1024 * 1024;
/// The longest text of a message: 64 KiB in base64.
const LONGEST: usize = 48 * 1024;
/// How many messages are received at once.
const AT_ONCE: u8 = 32;

/// Why something was not done with a queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFailure {
    /// It can't be asked.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// It refuses.
    #[error("The queue '{queue}' answered {status}.{advice}")]
    Refused {
        /// Its name.
        queue: String,
        /// The status.
        status: u16,
        /// What may help.
        advice: &'static str,
    },
    /// A message has more than a queue takes.
    #[error("The arguments have {0} bytes, and a message of a queue may have {LONGEST}.")]
    TooLong(usize),
    /// The key can't be one.
    #[error(
        "The key for the storage account is not one in base64. Whoever runs the service has to look at it."
    )]
    BadKey,
}

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    outgoing: Outgoing,
    /// The address of the queue itself.
    url: Url,
    access: Access,
    name: String,
}

impl Queue {
    /// The queue with this name at a queue service.
    pub fn new(outgoing: Outgoing, endpoint: &Url, name: &str, access: Access) -> Self {
        let mut url = endpoint.clone();
        url.set_path(&format!("{}/{name}", endpoint.path().trim_end_matches('/')));
        url.set_query(None);
        Self { outgoing, url, access, name: name.to_owned() }
    }

    /// Puts a message. A queue that is not there is made.
    pub async fn put(&self, text: &str) -> Result<(), QueueFailure> {
        if text.len() > LONGEST {
            return Err(QueueFailure::TooLong(text.len()));
        }
        let body = written(text);
        match self.ask(Method::POST, "messages", &[], &body).await {
            Err(QueueFailure::Refused { status: 404, .. }) => {
                self.make().await?;
                self.ask(Method::POST, "messages", &[], &body).await.map(|_| ())
            }
            done => done.map(|_| ()),
        }
    }

    /// Makes the queue, unless it is there.
    pub async fn make(&self) -> Result<(), QueueFailure> {
        match self.ask(Method::PUT, "", &[], "").await {
            Ok(_) | Err(QueueFailure::Refused { status: 409, .. }) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Receives messages. Whoever else asks does not see them for so many seconds.
    pub async fn receive(&self, hidden: u32) -> Result<Vec<Received>, QueueFailure> {
        let hidden = [("numofmessages", AT_ONCE.to_string()), ("visibilitytimeout", hidden.to_string())];
        self.ask(Method::GET, "messages", &hidden, "").await.map(|answer| read(&answer))
    }

    /// Deletes a message that was received.
    pub async fn delete(&self, message: &Received) -> Result<(), QueueFailure> {
        let receipt = [("popreceipt", message.receipt.clone())];
        self.ask(Method::DELETE, &format!("messages/{}", message.id), &receipt, "").await.map(|_| ())
    }

    /// Lets others see a message again.
    pub async fn release(&self, message: &Received) -> Result<(), QueueFailure> {
        let now = [("popreceipt", message.receipt.clone()), ("visibilitytimeout", "0".to_owned())];
        self.ask(Method::PUT, &format!("messages/{}", message.id), &now, "").await.map(|_| ())
    }

    async fn ask(
        &self,
        method: Method,
        below: &str,
        query: &[(&str, String)],
        body: &str,
    ) -> Result<String, QueueFailure> {
        let request = self.request(method, below, query, body)?;
        let answer = self.outgoing.send(request).await?;
        let status = answer.status();
        if !status.is_success() {
            let advice = match status.as_u16() {
                401 | 403 => {
                    " Whoever runs the service has to look at the connection for the storage account, or at the \
                     rights of the managed identity."
                }
                404 => " There is no such queue.",
                _ => "",
            };
            return Err(QueueFailure::Refused { queue: self.name.clone(), status: status.as_u16(), advice });
        }
        Ok(String::from_utf8_lossy(&answer.bytes().await?).into_owned())
    }

    fn request(
        &self,
        method: Method,
        below: &str,
        query: &[(&str, String)],
        body: &str,
    ) -> Result<Request, QueueFailure> {
        let mut url = self.url.clone();
        if !below.is_empty() {
            url.set_path(&format!("{}/{below}", self.url.path()));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let content_type = if body.is_empty() { "" } else { "application/xml" };
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()).unwrap_or_default();
        let headers = [("x-ms-date", date.as_str()), ("x-ms-version", VERSION)];
        let signed = Signed {
            method: method.as_str(),
            url: &url,
            length: body.len(),
            content_type,
            headers: &headers,
        };
        let authorization = match &self.access {
            Access::Key { account, key } => {
                Some(signed.authorization(account, key).ok_or(QueueFailure::BadKey)?)
            }
            Access::Token(token) => Some(format!("Bearer {token}")),
            Access::Signature(_) => None,
        };
        if let Access::Signature(signature) = &self.access {
            let all = [url.query(), Some(signature)].into_iter().flatten().collect::<Vec<_>>().join("&");
            url.set_query(Some(&all));
        }
        let patience = Patience { head: PATIENCE, idle: PATIENCE, whole: 2 * PATIENCE };
        let mut request = Request::new(method, url).patience(patience).limit(LIMIT).without_redirects();
        for (name, value) in headers {
            request = request.header(name, value)?;
        }
        if !body.is_empty() {
            request = request.header("content-type", content_type)?.body(body.to_owned());
        }
        match authorization {
            Some(value) => Ok(request.secret_header("authorization", &value)?),
            None => Ok(request),
        }
    }
}
