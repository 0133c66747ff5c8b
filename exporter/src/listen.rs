//! Opens the ports.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::config::Config;

/// Connections that wait to be accepted; more are never open at once.
const BACKLOG: i32 = 64;

/// Listens on every address of the settings, or on none.
///
/// # Errors
/// Names the address, the reason and the flags that change it.
pub(crate) fn open(config: &Config) -> Result<Vec<TcpListener>> {
    let has_v4_any = config.listen.iter().any(|ip| ip.is_ipv4() && ip.is_unspecified());
    config
        .listen
        .iter()
        .map(|&ip| {
            let address = SocketAddr::new(ip, config.port);
            // `::` alone takes IPv4 too; beside 0.0.0.0 it must not.
            let only_v6 = ip.is_ipv6() && has_v4_any;
            bind(address, only_v6).with_context(|| {
                format!(
                    "cannot listen on {address}; choose another port with --api-port (API_PORT) \
                     or another address with --listen (LISTEN)"
                )
            })
        })
        .collect()
}

fn bind(address: SocketAddr, only_v6: bool) -> std::io::Result<TcpListener> {
    let domain = match address.ip() {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(only_v6)?;
    }
    // A restart must not wait for the connections of the last run to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
