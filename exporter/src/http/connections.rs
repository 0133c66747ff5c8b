//! The sockets: who gets a connection, and for how long.
//!
//! A router has few file descriptors and many curious neighbours. At most
//! [`MAX_CONNECTIONS`] are open; an idle one is closed after a while and gives way to a
//! newcomer before that, oldest first; beyond half load one address holds at most
//! [`MAX_PER_ADDRESS`]. So a thousand idle connections cost little, and a good client is
//! still answered.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::access::Peer;
use crate::clock;

/// Each may hold a request of 16 kB and, with a client that does not read, an answer or
/// two: 3 MB in all at the very worst.
const MAX_CONNECTIONS: usize = 64;
const HALF_LOAD: usize = MAX_CONNECTIONS / 2;
/// A Prometheus, a bridge, a browser and a person with curl behind one address.
const MAX_PER_ADDRESS: usize = 4;
/// From the first byte of a request to the end of its headers.
const HEADER_TIME: Duration = Duration::from_secs(5);
const IDLE_TIME: Duration = Duration::from_secs(10);
/// Answers that are under way when the program stops.
const GRACE: Duration = Duration::from_secs(1);
/// Longest request head; hyper takes no less than 8 kB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// When accepting fails (no file descriptors), the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for a request, or for its client to take the answer.
    Idle,
    /// A request has begun and is not complete.
    Reading,
    /// An answer is being made.
    Answering,
}

#[derive(Debug)]
struct Connection {
    peer: IpAddr,
    phase: Mutex<(Phase, Instant)>,
    /// Ends the connection: a newcomer needs its place.
    displaced: CancellationToken,
}

impl Connection {
    fn phase(&self) -> (Phase, Instant) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = (phase, clock::monotonic());
    }

    /// Returns once the connection has taken too long over what it is doing.
    async fn overdue(&self) {
        loop {
            let (phase, since) = self.phase();
            let allowed = match phase {
                Phase::Idle | Phase::Answering => IDLE_TIME,
                Phase::Reading => HEADER_TIME,
            };
            let left = allowed.saturating_sub(clock::monotonic().saturating_duration_since(since));
            if left.is_zero() && phase != Phase::Answering {
                return;
            }
            // An answer takes the time it takes; look again later.
            let pause = if left.is_zero() { IDLE_TIME } else { left.min(HEADER_TIME) };
            tokio::time::sleep(pause).await;
        }
    }
}

/// All open connections. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<Mutex<Vec<Arc<Connection>>>>);

impl Connections {
    /// Gives a newcomer a place, if need be that of another; `None`: there is none.
    fn admit(&self, peer: IpAddr, now: Instant) -> Option<Arc<Connection>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = open.iter().filter(|other| other.peer == peer).count();
        if open.len() >= HALF_LOAD && of_peer >= MAX_PER_ADDRESS {
            displace(&mut open, |other| other.peer == peer)?;
        } else if open.len() >= MAX_CONNECTIONS {
            displace(&mut open, |_| true)?;
        }
        let connection = Arc::new(Connection {
            peer,
            phase: Mutex::new((Phase::Idle, now)),
            displaced: CancellationToken::new(),
        });
        open.push(Arc::clone(&connection));
        Some(connection)
    }

    fn remove(&self, connection: &Arc<Connection>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, connection));
    }
}

/// Ends the one that has waited longest among those that are not being answered.
fn displace(open: &mut Vec<Arc<Connection>>, may_go: impl Fn(&Connection) -> bool) -> Option<()> {
    let (at, _) = open
        .iter()
        .enumerate()
        .filter(|(_, other)| may_go(other) && other.phase().0 != Phase::Answering)
        .min_by_key(|(_, other)| other.phase().1)?;
    open.swap_remove(at).displaced.cancel();
    Some(())
}

/// Answers on one address until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    stop: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    std::panic::resume_unwind(error.into_panic());
                }
                continue;
            }
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let peer = from.ip().to_canonical();
                // Without a place the stream is dropped, which closes it.
                if let Some(connection) = connections.admit(peer, clock::monotonic()) {
                    let (router, connections, stop) =
                        (router.clone(), connections.clone(), stop.clone());
                    tasks.spawn(async move {
                        answer(stream, &connection, router, stop).await;
                        connections.remove(&connection);
                    });
                }
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await.ok();
}

/// Answers the requests of one connection.
async fn answer(
    stream: TcpStream,
    connection: &Arc<Connection>,
    router: Router,
    stop: CancellationToken,
) {
    stream.set_nodelay(true).ok();
    let watched = Arc::clone(connection);
    let service = service_fn(move |request: Request<Incoming>| {
        let (mut router, watched) = (router.clone(), Arc::clone(&watched));
        async move {
            watched.enter(Phase::Answering);
            let response = router.call(prepared(request, watched.peer)).await;
            watched.enter(Phase::Idle);
            Ok::<Response<Body>, Infallible>(response.unwrap_or_else(|never| match never {}))
        }
    });
    let io = TokioIo::new(Watched { stream, connection: Arc::clone(connection) });
    let mut serving = std::pin::pin!(
        http1::Builder::new().max_buf_size(MAX_HEAD_BYTES).serve_connection(io, service)
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            // What goes wrong here is the client's doing: a broken request, a lost line.
            _ended = &mut serving => return,
            () = connection.overdue() => return,
            () = connection.displaced.cancelled() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Adds who asks, and mends paths like `//net/status`, which old clients produce.
fn prepared(request: Request<Incoming>, peer: IpAddr) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Peer(peer));
    if let Some(uri) = without_double_slashes(&parts.uri) {
        parts.uri = uri;
    }
    Request::from_parts(parts, Body::new(body))
}

/// `None` when there is nothing to mend.
fn without_double_slashes(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("//") {
        return None;
    }
    let mut mended = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !mended.ends_with('/') {
            mended.push(c);
        }
    }
    if let Some(query) = uri.query() {
        mended.extend(["?", query]);
    }
    mended.parse().ok()
}

/// A stream that notes when a request begins.
struct Watched {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before && self.connection.phase().0 == Phase::Idle {
            self.connection.enter(Phase::Reading);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn beyond_half_load_an_address_displaces_its_own_oldest() {
        let connections = Connections::default();
        let start = clock::monotonic();
        let admitted: Vec<_> =
            (0..100).map(|i| connections.admit(address(1), start + SECOND * i).unwrap()).collect();
        assert_eq!(connections.0.lock().unwrap().len(), HALF_LOAD);
        assert!(admitted[0].displaced.is_cancelled() && !admitted[99].displaced.is_cancelled());
        assert!(connections.admit(address(2), start).is_some(), "others have room");
    }

    #[test]
    fn a_full_table_gives_up_its_longest_idle_and_never_an_answer() {
        let connections = Connections::default();
        let start = clock::monotonic();
        let admitted: Vec<_> = (0..MAX_CONNECTIONS as u8)
            .map(|i| connections.admit(address(i), start + SECOND * i.into()).unwrap())
            .collect();
        admitted[0].enter(Phase::Answering);
        assert!(connections.admit(address(200), start).is_some());
        assert!(!admitted[0].displaced.is_cancelled() && admitted[1].displaced.is_cancelled());
        admitted.iter().for_each(|connection| connection.enter(Phase::Answering));
        assert!(connections.admit(address(201), start).is_some(), "200 is idle");
        assert!(connections.admit(address(1), start).is_some(), "201 is idle");
    }

    #[test]
    fn when_everyone_is_being_answered_a_newcomer_is_turned_away() {
        let connections = Connections::default();
        let now = clock::monotonic();
        for i in 0..MAX_CONNECTIONS as u8 {
            connections.admit(address(i), now).unwrap().enter(Phase::Answering);
        }
        assert!(connections.admit(address(200), now).is_none());
    }

    #[test]
    fn double_slashes_are_mended_and_the_query_is_kept() {
        let mended =
            |uri: &str| without_double_slashes(&uri.parse().unwrap()).map(|u| u.to_string());
        assert_eq!(mended("//net//status?a=//"), Some("/net/status?a=//".to_owned()));
        assert_eq!(mended("/net/status"), None);
    }
}
