//! Where a target is, now: a fixed address, what a name was last looked up as, or the
//! next hop of the WAN.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::collectors::sensor::Latest;
use crate::collectors::wan::{self, NextHop};
use crate::probes::resolver::{self, LookUp};
use crate::roots::Roots;

/// Where a target is.
pub(super) enum Address {
    Fixed(IpAddr),
    Named(watch::Receiver<LookUp>, #[expect(dead_code, reason = "ends with us")] JoinSet<()>),
    Gateway { wan: Arc<Latest<wan::Sample>>, roots: Roots },
}

impl Address {
    pub(super) fn of(host: &str) -> Self {
        host.parse().map_or_else(
            |_| {
                let (sender, receiver) = watch::channel(LookUp::default());
                let mut task = JoinSet::new();
                task.spawn(resolver::run(host.to_owned(), sender));
                Self::Named(receiver, task)
            },
            Self::Fixed,
        )
    }

    /// The address to ping now; `None` when it is not known (yet).
    pub(super) fn now(&self) -> Option<SocketAddr> {
        match self {
            Self::Fixed(address) => Some(SocketAddr::new(*address, 0)),
            Self::Named(found, _) => found.borrow().address.map(|ip| SocketAddr::new(ip, 0)),
            // While the WAN is down this is the last one, and not reaching it is loss.
            Self::Gateway { wan, roots } => {
                Some(socket_address(roots, wan.last_known()?.gateway.as_ref()?))
            }
        }
    }

    /// Is it no loss that the address is not known? A device without a gateway has
    /// nothing to lose, and a name that is still being looked up may be within reach; one
    /// that cannot be looked up is not.
    pub(super) fn may_be_missing(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Named(found, _) => !found.borrow().tried,
            Self::Gateway { .. } => true,
        }
    }
}

/// A link-local address means nothing without its device.
fn socket_address(roots: &Roots, hop: &NextHop) -> SocketAddr {
    match hop.address {
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            let index = hop.device.as_ref().and_then(|device| {
                let path = format!("/sys/class/net/{device}/ifindex");
                roots.read(&path).ok()?.trim().parse().ok()
            });
            SocketAddrV6::new(address, 0, 0, index.unwrap_or(0)).into()
        }
        address => SocketAddr::new(address, 0),
    }
}
