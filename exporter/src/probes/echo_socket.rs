//! A socket that sends echo requests.
//!
//! Datagram sockets first, which the kernel grants to the groups of the sysctl
//! `net.ipv4.ping_group_range`; raw sockets, which need `CAP_NET_RAW`, as fallback. Being
//! refused both is a fault of this program's set-up and must never look like loss.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::echo::{Family, Framing, Sender};

/// Whether and how this process may ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// By the sysctl.
    Datagram,
    /// By `CAP_NET_RAW`.
    Raw,
}

/// Why no request left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EchoError {
    /// We may not ping: our own fault, and no loss.
    Forbidden,
    /// The network, route or device is gone: the request is lost.
    Unreachable,
}

impl EchoError {
    /// The kernel refuses a socket with EACCES or EPERM.
    fn of_opening(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Unreachable,
        }
    }

    /// EACCES is also what a route of the kind `prohibit` answers: that is loss.
    fn of_sending(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EPERM) => Self::Forbidden,
            _ => Self::Unreachable,
        }
    }
}

/// An open socket for one target.
pub(super) struct EchoSocket {
    // An ICMP socket takes the very calls of a UDP one, so tokio's type serves.
    socket: UdpSocket,
    permission: Permission,
    pub(super) sender: Sender,
}

impl EchoSocket {
    pub(super) fn open(family: Family) -> Result<Self, EchoError> {
        Self::opened(family).map_err(|error| EchoError::of_opening(&error))
    }

    fn opened(family: Family) -> io::Result<Self> {
        let (socket, permission) = match open(family, Type::DGRAM) {
            Ok(socket) => (socket, Permission::Datagram),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                (open(family, Type::RAW)?, Permission::Raw)
            }
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        let random = |error: getrandom::Error| io::Error::other(error.to_string());
        let token = getrandom::u64().map_err(random)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            permission,
            sender: Sender { family, identifier: token as u16, token },
        })
    }

    /// Hands a request to the kernel, which takes it at once or not at all.
    pub(super) fn send(&self, count: u64, to: SocketAddr) -> Result<(), EchoError> {
        let message = self.sender.request(count);
        let sent = socket2::SockRef::from(&self.socket).send_to(&message, &to.into());
        sent.map(|_| ()).map_err(|error| EchoError::of_sending(&error))
    }

    /// Waits for an answer to one of our requests.
    pub(super) async fn answer(&self) -> io::Result<u64> {
        let framing = match (self.permission, self.sender.family) {
            (Permission::Raw, Family::V4) => Framing::Ipv4Header,
            _ => Framing::Bare,
        };
        let mut packet = [0; 192];
        loop {
            let (length, _) = self.socket.recv_from(&mut packet).await?;
            if let Some(count) = self.sender.answered_by(&packet[..length], framing) {
                return Ok(count);
            }
        }
    }
}

fn open(family: Family, kind: Type) -> io::Result<Socket> {
    let (domain, protocol) = match family {
        Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
        Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
    };
    Socket::new(domain, kind, Some(protocol))
}

/// Tries whether this process may ping, for `doctor`.
pub(crate) fn permission() -> Result<Permission, EchoError> {
    EchoSocket::open(Family::V4).map(|socket| socket.permission)
}
