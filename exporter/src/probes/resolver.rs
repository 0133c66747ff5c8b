//! Addresses of targets that are given by name, looked up in the background.
//!
//! A resolver that is down, as it is in every outage, must not stop the pings: the last
//! address is kept until a newer one is found.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

/// Names move rarely; providers' load balancing moves them every few minutes.
const REFRESH: Duration = Duration::from_secs(300);

/// After a failure, so that a name typed for a line that comes up later is found soon.
const RETRY: Duration = Duration::from_secs(10);

/// The system's resolver blocks a thread until it gives up, half a minute at most. One
/// look-up at a time, whoever wants it: a resolver that is silent for hours must not
/// pile them up.
static TURN: Semaphore = Semaphore::const_new(1);

/// What is known about a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LookUp {
    /// Has a look-up ended, well or badly?
    pub(super) tried: bool,
    pub(super) address: Option<IpAddr>,
}

/// Looks `name` up again and again, until nobody listens any more.
pub(super) async fn run(name: String, found: watch::Sender<LookUp>) {
    while !found.is_closed() {
        let addresses = look_up(&name).await;
        let chosen = choose(&addresses, found.borrow().address);
        found.send_modify(|known| {
            *known = LookUp { tried: true, address: chosen.or(known.address) };
        });
        let pause = if chosen.is_some() { REFRESH } else { RETRY };
        tokio::select! {
            () = sleep(pause) => {}
            () = found.closed() => {}
        }
    }
}

/// No address where the resolver is silent or knows none.
async fn look_up(name: &str) -> Vec<IpAddr> {
    let Ok(_turn) = TURN.acquire().await else {
        return Vec::new();
    };
    match tokio::net::lookup_host((name, 0)).await {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(_) => Vec::new(),
    }
}

/// The address in use for as long as it is one of the answers, else the first, IPv4
/// before IPv6: a name with many addresses must not look like a path that jumps.
fn choose(addresses: &[IpAddr], before: Option<IpAddr>) -> Option<IpAddr> {
    before
        .filter(|address| addresses.contains(address))
        .or_else(|| addresses.iter().copied().find(IpAddr::is_ipv4))
        .or_else(|| addresses.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_while_it_is_still_given() {
        let [a, b, c] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|a| a.parse().unwrap());
        assert_eq!(choose(&[c, a, b], None), Some(a));
        assert_eq!(choose(&[c, a, b], Some(b)), Some(b));
        assert_eq!(choose(&[c, a], Some(b)), Some(a));
        assert_eq!(choose(&[c], None), Some(c));
        assert_eq!(choose(&[], Some(a)), None);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_found() {
        let (sender, mut found) = watch::channel(LookUp::default());
        let task = tokio::spawn(run("localhost".to_owned(), sender));
        found.wait_for(|known| known.address.is_some()).await.unwrap();
        drop(found);
        task.await.unwrap();
    }
}
