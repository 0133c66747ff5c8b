//! Asks the netmonitor that already runs on this machine: `test-event`, `healthcheck`, `line`.
//!
//! Its address is that of the settings, so they need the same files and flags as `run`. One
//! request, one connection; a time limit is the caller's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::Config;

/// Longer than any answer that is asked for here.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// The program that runs on this machine.
pub(crate) struct Running<'a> {
    address: SocketAddr,
    config: &'a Config,
}

impl<'a> Running<'a> {
    /// The one that these settings describe.
    pub(crate) fn of(config: &'a Config) -> Self {
        let listens = config.listen.first().copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
        let address = match listens {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        Self { address: SocketAddr::new(address, config.port), config }
    }

    /// The body of an answer.
    ///
    /// # Errors
    /// When nothing answers, or with another status than 200.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        let asking = || format!("netmonitor-exporter at http://{}", self.address);
        let answer = self.ask(path).await;
        let answer = answer.with_context(|| format!("{} does not answer", asking()))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status != "200" {
            bail!("{} answers with status {status}: {}", asking(), body.trim());
        }
        Ok(body.to_owned())
    }

    async fn ask(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        let token = self.config.token.as_ref();
        let token = token.map(|token| format!("Authorization: Bearer {}\r\n", token.reveal()));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}\r\n",
            self.address,
            token.unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
