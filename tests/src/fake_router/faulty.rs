//! Writes the wrong answers.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::gzip;
use super::request::Request;
use super::router::{Response, Router};
use super::scenario::{Agent, FaultKind};
use super::strange;
use crate::random::Random;

/// What is done with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    KeepOpen,
    Close,
    Reset,
}

/// Of the largest answer.
const HUGE_BYTES: usize = 10_000_000_000;
const PIECE_BYTES: usize = 64 << 10;
const DRIP_PAUSE: Duration = Duration::from_secs(1);
const NOISE_BYTES: usize = 4096;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Login</title></head>\
    <body><form>Password: <input type=password></form></body></html>\n";

/// Answers, in a way that is wrong.
pub(super) async fn answer(
    stream: &mut TcpStream,
    router: &Router,
    request: &Request,
    kind: FaultKind,
) -> io::Result<After> {
    match kind {
        // The delay is over by now.
        FaultKind::Slow(_) => {}
        FaultKind::Half => {
            let bytes = router.respond(request).await.bytes(true, false);
            stream.write_all(&bytes[..half(&bytes)]).await?;
        }
        FaultKind::Drip => {
            let bytes = router.respond(request).await.bytes(true, false);
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                sleep(DRIP_PAUSE).await;
            }
        }
        FaultKind::Hang => std::future::pending::<()>().await,
        FaultKind::Reset => return Ok(After::Reset),
        FaultKind::Noise => stream.write_all(&noise(router)).await?,
        FaultKind::Garbage => {
            let garbage = Response::new("200 OK", "application/json", noise(router));
            stream.write_all(&garbage.bytes(true, false)).await?;
            return Ok(After::KeepOpen);
        }
        FaultKind::Html => {
            let page = Response::new("200 OK", "text/html; charset=utf-8", PAGE.into());
            stream.write_all(&page.bytes(true, false)).await?;
            return Ok(After::KeepOpen);
        }
        FaultKind::Gzip => {
            let right = router.respond(request).await;
            let body = body(&right);
            let packed = Response { body: gzip::packed(body), agent: Agent::Exporter, ..right };
            let head = packed.head(false, "Content-Encoding: gzip\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&packed.body).await?;
        }
        FaultKind::GzipBomb => {
            endless(
                stream,
                "Content-Encoding: gzip\r\n",
                &gzip::bomb_begin(),
                &gzip::bomb_more(64),
            )
            .await?;
        }
        FaultKind::Huge => {
            let more = vec![b' '; PIECE_BYTES];
            endless(stream, "", b"{\"timestamp\": ", &more).await?;
        }
        FaultKind::Strange(kind) => {
            let right = router.respond(request).await;
            let body = strange::body(body(&right), kind);
            let twin = Response { body, agent: Agent::Exporter, ..right };
            stream.write_all(&twin.bytes(request.keep_alive, false)).await?;
            return Ok(After::KeepOpen);
        }
        FaultKind::Redirect => {
            let elsewhere = Response::new("302 Found", "text/plain", Vec::new());
            let further = format!("Location: ../elsewhere{}\r\n", request.path);
            stream.write_all(elsewhere.head(true, &further).as_bytes()).await?;
            return Ok(After::KeepOpen);
        }
        FaultKind::Unauthorized => return refuse(stream, "401 Unauthorized").await,
        FaultKind::Unavailable => return refuse(stream, "503 Service Unavailable").await,
    }
    Ok(After::Close)
}

async fn refuse(stream: &mut TcpStream, status: &'static str) -> io::Result<After> {
    let refusal = Response::failure(status, "the scenario says so");
    stream.write_all(&refusal.bytes(true, false)).await?;
    Ok(After::KeepOpen)
}

/// Within the body, if there is one.
fn half(bytes: &[u8]) -> usize {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let head = ends.iter().find_map(|end| bytes.windows(end.len()).position(|part| part == *end));
    let head = head.map_or(0, |at| at + 4);
    head + bytes.len().saturating_sub(head) / 2
}

/// Without the head that an old agent's has inside.
fn body(response: &Response) -> &[u8] {
    let bytes = &response.body;
    if response.agent == Agent::Exporter {
        return bytes;
    }
    let head = bytes.windows(2).position(|two| two == b"\n\n");
    &bytes[head.map_or(0, |at| at + 2)..]
}

/// In chunks, so that nobody knows the length before.
async fn endless(
    stream: &mut TcpStream,
    further: &str,
    begin: &[u8],
    more: &[u8],
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{further}\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&chunk(begin)).await?;
    let piece = chunk(more);
    for _ in 0..HUGE_BYTES / piece.len() {
        stream.write_all(&piece).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend(bytes);
    chunk.extend(b"\r\n");
    chunk
}

/// No HTTP, no JSON, no text.
fn noise(router: &Router) -> Vec<u8> {
    let seed = router.name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte));
    let mut random = Random::new(seed);
    std::iter::repeat_with(|| random.number(0..256) as u8 | 0x80).take(NOISE_BYTES).collect()
}
