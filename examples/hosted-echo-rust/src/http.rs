//! As much of HTTP/1.1 as a program needs that only the platform talks to.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// More than anybody has to say to an echo.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// A request.
pub struct Request {
    pub method: String,
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
pub struct Response {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Request {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Response {
    pub fn of(kind: &'static str, body: Vec<u8>) -> Self {
        Self { status: "200 OK", kind, body }
    }

    pub fn json(text: &str) -> Self {
        Self::of("application/json", text.into())
    }

    pub fn bad_request(why: &str) -> Self {
        let body = serde_json::json!({"error": {"code": "invalid_request", "message": why}});
        Self { status: "400 Bad Request", ..Self::json(&body.to_string()) }
    }

    pub fn not_found() -> Self {
        let body = r#"{"error":{"code":"not_found","message":"there is nothing here"}}"#;
        Self { status: "404 Not Found", ..Self::json(body) }
    }
}

/// Answers the requests of a connection, one after the other.
pub fn serve(connection: TcpStream, handle: impl Fn(&Request) -> Response) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    while let Some(request) = read(&mut reader)? {
        let Response { status, kind, body } = handle(&request);
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        writer.write_all(&[head.as_bytes(), &body].concat())?;
    }
    Ok(())
}

/// The next request; nothing where the connection has ended.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let first = line(reader)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next().filter(|method| !method.is_empty()), words.next())
    else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.split_once(':') else { break };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    request.body = match (request.header("transfer-encoding"), request.header("content-length")) {
        (Some(_), _) => chunks(reader)?,
        (None, Some(length)) => bytes(reader, length.parse().map_err(io::Error::other)?)?,
        (None, None) => Vec::new(),
    };
    Ok(Some(request))
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(reader)?;
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        body.extend(bytes(reader, size)?);
        if body.len() > LARGEST_BODY {
            return Err(io::Error::other("the body is too large"));
        }
        line(reader)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn bytes(reader: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    if size > LARGEST_BODY {
        return Err(io::Error::other("the body is too large"));
    }
    let mut bytes = vec![0; size];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
