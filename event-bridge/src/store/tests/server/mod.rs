//! What happens to servers: they refuse, go away, are read-only, full, slow, of somebody else.

use super::servers::{Own, tell, with};
use super::*;

mod away;
mod copied;
mod refused;
mod shared;
mod slices;

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

/// Something that is stored.
async fn put(store: &Store, seq: u64) -> Result<u64, StoreError> {
    let router = store.router("gw").await?;
    Ok(store.put_events(router, batch(seq..seq + 1, 0), NOW).await?.new)
}

/// Tries until it is done, as pollers do; gives what was said last before it.
async fn put_at_last(store: &Store, seq: u64) -> Option<StoreError> {
    let trying = async {
        let mut said = None;
        loop {
            match put(store, seq).await {
                Ok(_) => return said,
                Err(error) => said = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.unwrap()
}

async fn seqs(store: &Store) -> Vec<u64> {
    let events = rows(store.events(all_events())).await;
    let mut seqs: Vec<u64> = events.into_iter().filter_map(|event| event.seq).collect();
    seqs.sort_unstable();
    seqs
}
