//! A port of loopback that stays the same while the program behind it comes and goes.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::TcpSocket;

/// A port that nobody else is given.
#[derive(Debug)]
pub struct KeptPort {
    /// Bound, and never listens: connections are refused unless somebody else does, who
    /// must allow the reuse of the address, too.
    _socket: TcpSocket,
    /// Of the port.
    pub address: SocketAddr,
}

impl KeptPort {
    /// One that is free.
    ///
    /// # Errors
    /// When there is none.
    pub fn new() -> Result<Self> {
        let bound = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let address = socket.local_addr()?;
            Ok::<_, std::io::Error>(Self { _socket: socket, address })
        };
        bound().context("cannot have a port of loopback")
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn programs_take_turns_at_the_port() {
        let port = KeptPort::new().unwrap();
        TcpStream::connect(port.address).unwrap_err();
        for _ in 0..2 {
            let listener = TcpListener::bind(port.address).unwrap();
            let client = TcpStream::connect(port.address).unwrap();
            drop((listener, client));
            TcpStream::connect(port.address).unwrap_err();
        }
    }
}
