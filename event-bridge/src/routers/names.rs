//! Host names of routers to addresses, with few threads.
//!
//! The system's resolver blocks, for as long as half a minute where no name server answers,
//! and tokio would give each such question a thread of those that database reads use too.
//! Routers named by address never come here.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Questions at a time. A name that cannot be found keeps one of them busy; that many must
/// hang at once before another router waits, and then its patience ends that.
const MAX_LOOKUPS: usize = 32;

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameNotFound {
    #[error("{0}")]
    Failed(std::io::Error),
    /// The router itself was never asked, and is not to blame.
    #[error("no name server answered within {0:?}")]
    TimedOut(Duration),
}

#[derive(Debug)]
pub(super) struct Names {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Names {
    /// `patience` ends before that of whoever asks, so that the reason is heard.
    pub(super) fn new(patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_LOOKUPS)), patience }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let (places, patience) = (Arc::clone(&self.places), self.patience);
        let found = async move {
            let place = places.acquire_owned().await?;
            let lookup = move || {
                // Held until the answer is there, also when nobody waits for it any more.
                let _place = place;
                (name.as_str(), 0).to_socket_addrs()
            };
            let addresses = tokio::task::spawn_blocking(lookup).await?;
            Ok(Box::new(addresses.map_err(NameNotFound::Failed)?) as Addrs)
        };
        Box::pin(async move {
            timeout(patience, found).await.map_err(|_| NameNotFound::TimedOut(patience))?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_hangs_is_not_waited_for() {
        let names = Names { places: Arc::new(Semaphore::new(0)), patience: Duration::from_secs(4) };
        let Err(error) = names.resolve("localhost".parse().unwrap()).await else {
            panic!("no place was free to look it up")
        };
        assert!(error.is::<NameNotFound>(), "{error}");
        assert_eq!(error.to_string(), "no name server answered within 4s");
    }
}
