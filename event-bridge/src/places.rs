//! Who holds a connection. There is a bounded number of places; when all are taken, a
//! newcomer gets that of the client that has kept still the longest, unless its answer is
//! being made. So ten thousand idle strangers keep no good client waiting.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// Dashboards of a whole office behind one proxy; each may hold an answer of a few kB.
pub(crate) const MAX_PLACES: usize = 512;

/// For a client that takes nothing of its answer, so that it does not keep its place for ever.
pub(crate) const STILL: Duration = Duration::from_secs(30);

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Place {
    /// When a byte went in or out.
    moved: Mutex<Instant>,
    /// A handler is at work on its request.
    is_asked: AtomicBool,
    /// A newcomer needs it.
    displaced: CancellationToken,
}

impl Place {
    fn moved(&self) -> Instant {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_now(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = clock::timer();
    }

    /// While the work lasts nobody takes the place away.
    pub(crate) async fn held<T>(&self, work: impl Future<Output = T>) -> T {
        self.is_asked.store(true, Ordering::Relaxed);
        let done = work.await;
        self.move_now();
        self.is_asked.store(false, Ordering::Relaxed);
        done
    }

    /// Returns when the connection must end.
    pub(crate) async fn is_lost(&self) {
        let still = async {
            loop {
                let since = clock::timer().saturating_duration_since(self.moved());
                if since >= STILL && !self.is_asked.load(Ordering::Relaxed) {
                    return;
                }
                // An answer takes the time it takes; look again later.
                let left = STILL.saturating_sub(since);
                tokio::time::sleep(if left.is_zero() { STILL } else { left }).await;
            }
        };
        tokio::select! {
            () = self.displaced.cancelled() => {}
            () = still => {}
        }
    }
}

/// All open connections. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Arc<Mutex<Vec<Arc<Place>>>>);

impl Places {
    /// Gives a newcomer a place; `None`: all are being answered.
    pub(crate) fn admit(&self, now: Instant) -> Option<Arc<Place>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_PLACES {
            let still = open.iter().enumerate();
            let still = still.filter(|(_, place)| !place.is_asked.load(Ordering::Relaxed));
            let (at, _) = still.min_by_key(|(_, place)| place.moved())?;
            open.swap_remove(at).displaced.cancel();
        }
        let place = Arc::new(Place {
            moved: Mutex::new(now),
            is_asked: AtomicBool::new(false),
            displaced: CancellationToken::new(),
        });
        open.push(Arc::clone(&place));
        Some(place)
    }

    pub(crate) fn remove(&self, place: &Arc<Place>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, place));
    }
}

/// A stream that notes when something moves.
pub(crate) struct Watched {
    pub(crate) stream: TcpStream,
    pub(crate) place: Arc<Place>,
}

impl Watched {
    fn note<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(polled, Poll::Ready(Ok(_))) {
            self.place.move_now();
        }
        polled
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.note(polled)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(polled)
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

    #[test]
    fn the_one_that_kept_still_the_longest_gives_way() {
        let (places, start) = (Places::default(), clock::timer());
        let all: Vec<_> =
            (0..MAX_PLACES as u32).map(|n| places.admit(start + SECOND * n).unwrap()).collect();
        all[0].is_asked.store(true, Ordering::Relaxed);
        *all[1].moved.lock().unwrap() = start + SECOND * 9999;
        places.admit(start).unwrap();
        let gone: Vec<usize> =
            (0..all.len()).filter(|at| all[*at].displaced.is_cancelled()).collect();
        assert_eq!(gone, [2]);
        assert_eq!(places.0.lock().unwrap().len(), MAX_PLACES);
    }

    #[test]
    fn who_is_being_answered_keeps_the_place() {
        let (places, now) = (Places::default(), clock::timer());
        for _ in 0..MAX_PLACES {
            places.admit(now).unwrap().is_asked.store(true, Ordering::Relaxed);
        }
        assert!(places.admit(now).is_none());
        let one = Arc::clone(&places.0.lock().unwrap()[0]);
        places.remove(&one);
        assert!(places.admit(now).is_some());
    }
}
