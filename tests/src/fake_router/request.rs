//! The head of a request (RFC 9112), as much of it as a router looks at.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, ErrorKind};
use tokio::net::TcpStream;

use super::scenario::Endpoint;

/// The exporter's.
const MAX_HEAD: usize = 16 << 10;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) token: Option<String>,
    pub(super) has_body: bool,
    pub(super) keep_alive: bool,
}

impl Request {
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        match self.path.as_str() {
            "/net/status" => Some(Endpoint::Status),
            "/net/events" => Some(Endpoint::Events),
            "/metrics" => Some(Endpoint::Metrics),
            _ => None,
        }
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, target, version) = (first.next()?, first.next()?, first.next()?);
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
            return None;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            token: None,
            has_body: false,
            keep_alive: version == "HTTP/1.1",
        };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "connection" if value.eq_ignore_ascii_case("close") => request.keep_alive = false,
                "content-length" => request.has_body |= value != "0",
                "transfer-encoding" => request.has_body = true,
                "authorization" => request.token = token(value),
                _ => {}
            }
        }
        Some(request)
    }
}

/// Bearer, or Basic with the token as password.
fn token(value: &str) -> Option<String> {
    let (scheme, value) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// What came in.
#[derive(Debug, PartialEq)]
pub(super) enum Arrived {
    Request(Request),
    /// Not a request that we understand.
    Nonsense,
    TooLong,
    /// The connection was closed.
    End,
}

/// The next request. What came after it stays in `read`.
pub(super) async fn next(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Arrived> {
    loop {
        if let Some((head, end)) = head(read) {
            let request = std::str::from_utf8(&read[..head]).ok().and_then(Request::parse);
            read.drain(..end);
            return Ok(request.map_or(Arrived::Nonsense, Arrived::Request));
        }
        if read.len() > MAX_HEAD {
            return Ok(Arrived::TooLong);
        }
        match stream.read_buf(read).await {
            Ok(0) => return Ok(Arrived::End),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Where the head ends, and the empty line after it.
fn head(read: &[u8]) -> Option<(usize, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((end, end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read() {
        let head =
            "GET /net/events?after=3&wait=5 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc";
        let request = Request::parse(head).unwrap();
        assert_eq!(
            (request.path.as_str(), request.query.as_str()),
            ("/net/events", "after=3&wait=5")
        );
        assert_eq!(
            (request.endpoint(), request.token.as_deref()),
            (Some(Endpoint::Events), Some("abc"))
        );
        assert!(request.keep_alive && !request.has_body);
        let old = Request::parse("POST / HTTP/1.0\r\ncontent-length: 3").unwrap();
        assert!(!old.keep_alive && old.has_body);
        let closing = Request::parse("GET / HTTP/1.1\r\nConnection: Close").unwrap();
        assert!(!closing.keep_alive);
        for bad in ["", "GET", "GET / SPDY", "GET http://x/ HTTP/1.1", "GET / HTTP/1.1\r\nno colon"]
        {
            assert_eq!(Request::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_may_be_a_password() {
        assert_eq!(token("Basic bmFtZTphOmI=").as_deref(), Some("a:b"));
        assert_eq!(token("bearer x").as_deref(), Some("x"));
        assert_eq!(token("Basic !").or(token("Digest")), None);
    }
}
