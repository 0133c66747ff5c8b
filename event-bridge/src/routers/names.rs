//! Host names of routers to addresses, with few threads.
//!
//! The system's resolver blocks, for as long as half a minute where no name server answers,
//! and tokio would give each such question a thread of those that database reads use too.
//! Routers named by address never come here.

use std::net::ToSocketAddrs;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// Questions at a time. A name that cannot be found keeps one of them busy; that many must
/// hang at once before another router waits, and then its connect time-out ends that.
const MAX_LOOKUPS: usize = 32;

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NameNotFound(std::io::Error);

#[derive(Debug)]
pub(super) struct Names {
    places: Arc<Semaphore>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let place = places.acquire_owned().await?;
            let lookup = move || {
                // Held until the answer is there, also when nobody waits for it any more.
                let _place = place;
                (name.as_str(), 0).to_socket_addrs()
            };
            let addresses = tokio::task::spawn_blocking(lookup).await?.map_err(NameNotFound)?;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
