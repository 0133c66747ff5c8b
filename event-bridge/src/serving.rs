//! The socket: requests in, answers out, and an end to both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::{debug, warn};

use crate::clock;
use crate::places::{MAX_PLACES, Place, Places, Watched};

/// From the first byte of a request to the end of its headers, and between two requests.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// Longest request head; a long query is refused, not kept.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// When accepting fails (no file descriptors), the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections whose place is given away, and which are still being closed.
const LEAVING: usize = 16;
/// Answers that are under way when the program stops.
const GRACE: Duration = Duration::from_secs(3);

/// Answers on `listener` until `stop`.
///
/// # Errors
/// When a connection's task fails in a way that it should not.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> Result<()> {
    let places = Places::default();
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next() => {
                ended.context("a connection failed")?;
                continue;
            }
            accepted = listener.accept(), if open.len() < MAX_PLACES + LEAVING => accepted,
        };
        match accepted {
            // Without a place the stream is dropped, which closes it.
            Ok((stream, _)) => {
                if let Some(place) = places.admit(clock::timer()) {
                    let (router, stop, places) = (router.clone(), stop.clone(), places.clone());
                    open.spawn(async move {
                        connection(stream, router, stop, &place).await;
                        places.remove(&place);
                    });
                }
            }
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let drained = async { while open.join_next().await.is_some() {} };
    tokio::time::timeout(GRACE, drained).await.ok(); // what is left is cut off
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    stop: CancellationToken,
    place: &Arc<Place>,
) {
    // An answer in parts would have its second one wait for the client's word that it has the
    // first, which takes 40 ms; where it cannot be set, it is only slow.
    stream.set_nodelay(true).ok();
    let asked = Arc::clone(place);
    let service = service_fn(move |request: Request<Incoming>| {
        let (mut router, asked) = (router.clone(), Arc::clone(&asked));
        async move { asked.held(router.call(request.map(Body::new))).await }
    });
    let stream = TokioIo::new(Watched { stream, place: Arc::clone(place) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    let result: hyper::Result<()> = tokio::select! {
        result = connection.as_mut() => result,
        () = place.is_lost() => Ok(()),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // Clients go away all the time.
        debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Ipv4Addr;

    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use futures_util::stream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::places::STILL;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_loses_its_place() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (held, dropped) = oneshot::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(Some(held)));
        let endless = move || async move {
            // Goes with the body, which goes with the connection.
            let held = held.lock().unwrap().take();
            let chunks = stream::repeat_with(move || {
                assert!(held.is_some(), "asked once");
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 4096]))
            });
            Body::from_stream(chunks)
        };
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let stop = CancellationToken::new();
        let router = Router::new().route("/", get(endless));
        let serving = tokio::spawn(serve(listener, router, stop.clone()));
        let mut dropped = dropped;
        tokio::time::timeout(STILL / 2, &mut dropped).await.expect_err("it may be slow");
        dropped.await.expect_err("nothing is ever sent");
        stop.cancel();
        serving.await.unwrap().unwrap();
        drop(client);
    }
}
