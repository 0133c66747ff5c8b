//! One connection: requests in, answers out, until one of both goes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::faulty::{self, After};
use super::request::{self, Arrived, Request};
use super::router::{Response, Router};
use super::scenario::{Agent, FaultKind};

/// The exporter's.
const IDLE: Duration = Duration::from_secs(10);

/// Who is behind a port.
#[derive(Debug, Clone)]
pub(super) enum Door {
    One(Arc<Router>),
    /// The path begins with `/r/N`.
    All(Arc<[Arc<Router>]>),
}

impl Door {
    /// For whom the request is; its path is then the router's own.
    fn open(&self, request: &mut Request) -> Option<Arc<Router>> {
        match self {
            Self::One(router) => Some(Arc::clone(router)),
            Self::All(routers) => {
                let rest = request.path.strip_prefix("/r/")?;
                let (number, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let index = number.parse::<usize>().ok()?.checked_sub(1)?;
                let router = routers.get(index)?;
                request.path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
                Some(Arc::clone(router))
            }
        }
    }

    /// Returns when nobody is behind it any more.
    pub(super) async fn closes(&self) {
        match self {
            Self::One(router) => router.becomes_reachable(false).await,
            Self::All(_) => std::future::pending().await,
        }
    }
}

/// Serves until the end.
pub(super) async fn serve(mut stream: TcpStream, door: Door) {
    // Both only make things as they would be over a wire.
    stream.set_nodelay(true).ok();
    let after = tokio::select! {
        biased;
        () = door.closes() => After::Reset,
        after = requests(&mut stream, &door) => after.unwrap_or(After::Close),
    };
    if after == After::Reset {
        stream.set_zero_linger().ok();
    } else {
        stream.shutdown().await.ok();
    }
}

async fn requests(stream: &mut TcpStream, door: &Door) -> io::Result<After> {
    let mut read = Vec::new();
    loop {
        let Ok(arrived) = timeout(IDLE, request::next(stream, &mut read)).await else {
            return Ok(After::Close);
        };
        let mut request = match arrived? {
            Arrived::Request(request) => request,
            Arrived::Nonsense => {
                let failure = Response::failure("400 Bad Request", "not a request");
                stream.write_all(&failure.bytes(false, false)).await?;
                return Ok(After::Close);
            }
            Arrived::TooLong => {
                let status = "431 Request Header Fields Too Large";
                let failure = Response::failure(status, "the head is too long");
                stream.write_all(&failure.bytes(false, false)).await?;
                return Ok(After::Close);
            }
            Arrived::End => return Ok(After::Close),
        };
        let Some(router) = door.open(&mut request) else {
            let failure = Response::failure("404 Not Found", "there is no such router");
            stream.write_all(&failure.bytes(false, false)).await?;
            return Ok(After::Close);
        };
        let after = tokio::select! {
            biased;
            () = router.becomes_reachable(false) => After::Reset,
            after = answer(stream, &router, &request) => after?,
        };
        if after != After::KeepOpen || !request.keep_alive || request.has_body {
            return Ok(if after == After::Reset { after } else { After::Close });
        }
    }
}

async fn answer(stream: &mut TcpStream, router: &Router, request: &Request) -> io::Result<After> {
    router.count(request);
    let (delay, fault) = router.take_faults(request);
    if !delay.is_zero() {
        sleep(delay).await;
    }
    if let Some(kind) = fault {
        return until_gone(stream, router, request, kind).await;
    }
    let response = tokio::select! {
        response = router.respond(request) => response,
        () = gone(stream) => return Ok(After::Close),
    };
    let bytes = response.bytes(request.keep_alive, request.method == "HEAD");
    stream.write_all(&bytes).await?;
    router.note_written(&response);
    Ok(if response.agent == Agent::Exporter { After::KeepOpen } else { After::Close })
}

/// Answers wrongly; who hangs waits until the client has gone.
async fn until_gone(
    stream: &mut TcpStream,
    router: &Router,
    request: &Request,
    kind: FaultKind,
) -> io::Result<After> {
    if kind == FaultKind::Hang {
        gone(stream).await;
        return Ok(After::Close);
    }
    faulty::answer(stream, router, request, kind).await
}

/// Returns when the client has closed the connection. One that says more waits its turn.
async fn gone(stream: &TcpStream) {
    if !matches!(stream.peek(&mut [0]).await, Ok(0) | Err(_)) {
        std::future::pending::<()>().await;
    }
}
