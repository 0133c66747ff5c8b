//! Asks over HTTP/1.1 on one connection that stays open (RFC 9112).
//!
//! Made to be cheap: a load generator that works hard measures itself. Reads bodies of a
//! known length and chunked ones, which is what the two exporters send.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Socket, Type};

/// What Prometheus 2.42 sends. Without `Accept-Encoding`: nobody compresses.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

const PATIENCE: Duration = Duration::from_secs(10);
/// A thousand times what is usual.
const MAX_BODY_BYTES: usize = 64 << 20;

/// One open connection.
pub struct Client {
    connection: BufReader<TcpStream>,
    address: SocketAddr,
    body: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .with_context(|| format!("cannot connect to {address}"))?;
        Self::of(stream, address)
    }

    /// The same as somebody else: from another address of this machine.
    ///
    /// # Errors
    /// When nobody answers there, or the address is not ours.
    pub fn connect_from(source: IpAddr, address: SocketAddr) -> Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        let connected = socket
            .bind(&SocketAddr::new(source, 0).into())
            .and_then(|()| socket.connect_timeout(&address.into(), PATIENCE));
        connected.with_context(|| format!("cannot connect from {source} to {address}"))?;
        Self::of(socket.into(), address)
    }

    fn of(stream: TcpStream, address: SocketAddr) -> Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let connection = BufReader::with_capacity(128 << 10, stream);
        Ok(Self { connection, address, body: Vec::new() })
    }

    /// The body of `path`.
    ///
    /// # Errors
    /// When the connection breaks, or the status is not 200.
    pub fn get(&mut self, path: &str) -> Result<&str> {
        let address = self.address;
        let (status, body) = self.ask(path)?;
        ensure!(status == 200, "GET http://{address}{path}: answered {status}: {body}");
        Ok(body)
    }

    /// Status and body of `path`.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn ask(&mut self, path: &str) -> Result<(u16, &str)> {
        let address = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {ACCEPT}\r\n\r\n");
        let status = self
            .connection
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(anyhow::Error::from)
            .and_then(|()| read_answer(&mut self.connection, &mut self.body))
            .map_err(in_words)
            .with_context(|| format!("GET http://{address}{path}"))?;
        let body = std::str::from_utf8(&self.body).context("the body is not UTF-8")?;
        Ok((status, body))
    }
}

/// A socket whose time is over says that it would block.
fn in_words(error: anyhow::Error) -> anyhow::Error {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    if causes.any(|cause| cause.kind() == io::ErrorKind::WouldBlock) {
        error.context(format!("nothing came for {} s", PATIENCE.as_secs()))
    } else {
        error
    }
}

/// Reads one whole answer, its body into `body`; gives its status.
fn read_answer(from: &mut impl BufRead, body: &mut Vec<u8>) -> Result<u16> {
    body.clear();
    let mut line = String::new();
    read_line(from, &mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("answered {line:?}"))?;
    let mut length = None;
    let mut chunked = false;
    loop {
        read_line(from, &mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse().context("bad Content-Length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.trim().eq_ignore_ascii_case("chunked");
        }
    }
    match length {
        _ if chunked => read_chunks(from, &mut line, body)?,
        Some(length) => read_bytes(from, length, body)?,
        None => bail!("neither Content-Length nor chunks: where does the body end?"),
    }
    Ok(status)
}

fn read_chunks(from: &mut impl BufRead, line: &mut String, body: &mut Vec<u8>) -> Result<()> {
    loop {
        read_line(from, line)?;
        let digits = line.split(';').next().unwrap_or_default();
        let length = usize::from_str_radix(digits.trim(), 16).context("bad length of a chunk")?;
        read_bytes(from, length, body)?;
        read_line(from, line)?;
        if length == 0 {
            return Ok(());
        }
    }
}

/// A line without its end; the connection's end is an error.
fn read_line(from: &mut impl BufRead, line: &mut String) -> Result<()> {
    line.clear();
    ensure!(from.read_line(line)? > 0, "the connection was closed");
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(())
}

fn read_bytes(from: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> Result<()> {
    let start = body.len();
    ensure!(length <= MAX_BODY_BYTES - start.min(MAX_BODY_BYTES), "the body is too long");
    body.resize(start + length, 0);
    from.read_exact(&mut body[start..]).context("the body is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Result<&str, &str>) {
        let mut body = b"of the last answer".to_vec();
        let result = read_answer(&mut answer.as_bytes(), &mut body);
        let text = String::from_utf8(body).unwrap();
        let found =
            result.map(|status| format!("{status} {text}")).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{answer}");
    }

    #[test]
    fn bodies_end_by_length_or_by_an_empty_chunk() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", Ok("200 abc"));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=1\r\n0123456789\r\n2\r\nab\r\n0\r\n\r\n",
            Ok("200 0123456789ab"),
        );
    }

    #[test]
    fn a_server_that_is_too_slow_is_said_to_be() {
        let said = |kind: io::ErrorKind| in_words(io::Error::from(kind).into()).to_string();
        assert_eq!(said(io::ErrorKind::WouldBlock), "nothing came for 10 s");
        assert_eq!(said(io::ErrorKind::BrokenPipe), "broken pipe");
    }

    #[test]
    fn other_answers_are_errors() {
        check("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull", Ok("503 full"));
        check("HTTP Busy\r\n\r\n", Err("answered \"HTTP Busy\""));
        check("", Err("the connection was closed"));
        check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", Err("the body is cut off"));
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            Err("the body is too long"),
        );
        check(
            "HTTP/1.1 200 OK\r\n\r\nabc",
            Err("neither Content-Length nor chunks: where does the body end?"),
        );
    }

    #[test]
    fn one_connection_carries_many_requests() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut requests = BufReader::new(&stream).lines().map(Result::unwrap);
            while let Some(first) = requests.next() {
                let path = first.split(' ').nth(1).unwrap().to_owned();
                while requests.next().is_some_and(|line| !line.is_empty()) {}
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", path.len());
                (&stream).write_all((head + &path).as_bytes()).unwrap();
            }
        });
        let mut client = Client::connect(address).unwrap();
        for path in ["/metrics", "/net/status", "/metrics"] {
            assert_eq!(client.get(path).unwrap(), path);
        }
        drop(client);
        server.join().unwrap();
    }
}
