//! A long answer, read as it comes and not kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock;

/// Without a byte for so long, something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it came.
#[derive(Debug, Clone, Copy)]
pub struct Streamed {
    /// From asking to the first byte of the body.
    pub first_byte: Duration,
    /// From asking to the last.
    pub whole: Duration,
    /// Of the body, with the marks of its chunks.
    pub bytes: u64,
}

impl Streamed {
    /// Asks for `path` on a connection of its own.
    ///
    /// # Errors
    /// When the answer is another than 200, or breaks off.
    pub fn read(address: SocketAddr, path: &str) -> Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let asked = clock::now();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = BufReader::with_capacity(128 << 10, stream);
        let mut line = String::new();
        answer.read_line(&mut line)?;
        ensure!(line.split(' ').nth(1) == Some("200"), "{path}: answered {line:?}");
        while line != "\r\n" {
            line.clear();
            ensure!(answer.read_line(&mut line)? > 0, "{path}: no body");
        }
        answer.fill_buf()?;
        let first_byte = clock::now().saturating_duration_since(asked);
        let (bytes, end) = drain(&mut answer).with_context(|| path.to_owned())?;
        ensure!(end.ends_with(b"0\r\n\r\n"), "{path}: the body breaks off");
        Ok(Self { first_byte, whole: clock::now().saturating_duration_since(asked), bytes })
    }
}

/// How many bytes there were, and the last of them.
fn drain(answer: &mut impl Read) -> Result<(u64, Vec<u8>)> {
    let (mut bytes, mut end) = (0, Vec::new());
    let mut part = vec![0; 128 << 10];
    loop {
        let read = answer.read(&mut part)?;
        if read == 0 {
            return Ok((bytes, end));
        }
        bytes += read as u64;
        end.extend_from_slice(&part[read.saturating_sub(END)..read]);
        end.drain(..end.len().saturating_sub(END));
    }
}

/// As long as the mark of the last chunk.
const END: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_seen_however_it_comes() {
        let read = drain(&mut (&b"abc"[..]).chain(&b"0\r\n\r"[..]).chain(&b"\n"[..])).unwrap();
        assert_eq!(read, (8, b"0\r\n\r\n".to_vec()));
        assert_eq!(drain(&mut &b""[..]).unwrap(), (0, Vec::new()));
    }
}
