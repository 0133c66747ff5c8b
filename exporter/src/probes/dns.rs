//! Look-ups of `DNS_NAME` through each of the provider's resolvers, every 10 s.
//!
//! A line whose resolvers fail is a dead line for everyone but its pings: this tells the
//! two apart.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::dns_message::{self, Verdict};
use super::latency::Latencies;
use crate::clock;
use crate::collectors::sensor::Latest;
use crate::collectors::wan;
use crate::collectors::{CollectError, Collector};
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

/// The word for `DISABLE` and the label `collector`.
pub(crate) const NAME: &str = "dns";

const PERIOD: Duration = Duration::from_secs(10);

/// What the usual resolver libraries wait before they ask again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A WAN names two, seldom three; each costs 20 series.
const MAX_SERVERS: usize = 4;

/// What became of the look-ups through one server.
#[derive(Debug, Clone, Default)]
struct Counts {
    lookups: u64,
    failures: u64,
    latencies: Latencies,
}

/// The look-ups, as a probe and as a collector.
#[derive(Clone)]
pub(crate) struct Dns {
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
    servers: Arc<Mutex<BTreeMap<IpAddr, Counts>>>,
    last_round: Arc<Mutex<Option<Round>>>,
}

/// All servers asked once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) over: Instant,
    /// By any of them.
    pub(crate) is_answered: bool,
}

impl Dns {
    pub(crate) fn new(config: Live, wan: Arc<Latest<wan::Sample>>) -> Self {
        Self { config, wan, servers: Arc::default(), last_round: Arc::default() }
    }

    /// `None` while there is nobody to ask.
    pub(crate) fn last_round(&self) -> Option<Round> {
        *self.last_round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_last_round(&self, round: Option<Round>) {
        *self.last_round.lock().unwrap_or_else(PoisonError::into_inner) = round;
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<IpAddr, Counts>) -> T) -> T {
        work(&mut self.servers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks the name up every 10 s, until dropped.
    pub(crate) async fn run(self) {
        // Who the resolvers are is known with the WAN.
        self.wan.begun().await;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let config = self.config.now();
            let name = config.dns_name.as_ref().filter(|_| !config.is_disabled(NAME));
            let servers = match name {
                Some(_) => self.current_servers(),
                None => Vec::new(),
            };
            self.with(|counts| counts.retain(|server, _| servers.contains(server)));
            let Some(name) = name.filter(|_| !servers.is_empty()) else {
                self.set_last_round(None);
                continue;
            };
            let mut asking = JoinSet::new();
            for server in servers {
                let name = name.clone();
                asking.spawn(async move { (server, lookup(server, &name).await) });
            }
            let mut is_answered = false;
            while let Some(Ok((server, outcome))) = asking.join_next().await {
                is_answered |= outcome.is_some();
                self.with(|counts| counts.entry(server).or_default().record(outcome));
            }
            self.set_last_round(Some(Round { over: clock::monotonic(), is_answered }));
        }
    }

    fn current_servers(&self) -> Vec<IpAddr> {
        let wan = self.wan.last_known();
        wan.iter().flat_map(|wan| wan.dns_servers.iter().copied()).take(MAX_SERVERS).collect()
    }
}

impl Counts {
    fn record(&mut self, outcome: Option<Duration>) {
        self.lookups += 1;
        match outcome {
            Some(took) => self.latencies.observe(took),
            None => self.failures += 1,
        }
    }
}

/// How long the answer took; `None` when there was none, or none that helps.
async fn lookup(server: IpAddr, name: &str) -> Option<Duration> {
    let asked = clock::monotonic();
    let answer = timeout(PATIENCE, ask(SocketAddr::new(server, 53), name)).await;
    // Errors of the network are failures like any other; the pings tell more.
    matches!(answer, Ok(Ok(Verdict::Answered)))
        .then(|| clock::monotonic().saturating_duration_since(asked))
}

async fn ask(server: SocketAddr, name: &str) -> io::Result<Verdict> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let id = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))? as u16;
    let question = dns_message::question(id, name).ok_or(io::ErrorKind::InvalidInput)?;
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(&question).await?;
    let mut packet = [0; dns_message::MAX_BYTES];
    loop {
        let length = socket.recv(&mut packet).await?;
        if let Some(verdict) = dns_message::judge(&question, &packet[..length]) {
            return Ok(verdict);
        }
    }
}

impl Collector for Dns {
    fn name(&self) -> &'static str {
        NAME
    }

    fn collect(&self, _: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        if self.config.now().dns_name.is_none() {
            return Err(CollectError::NotAvailable("DNS_NAME is empty".to_owned()));
        }
        let rows: Vec<(String, Counts)> = self.with(|counts| {
            counts.iter().map(|(server, counts)| (server.to_string(), counts.clone())).collect()
        });
        if rows.is_empty() {
            return Err(CollectError::NotAvailable(
                "no resolver of the provider is known".to_owned(),
            ));
        }
        Ok(Box::new(Sample(rows)))
    }
}

struct Sample(Vec<(String, Counts)>);

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let mut took =
            out.histogram("dns_lookup_seconds", "Time of the answered look-ups of DNS_NAME");
        for (server, counts) in &self.0 {
            counts.latencies.encode(&mut took, &[("server", server)])?;
        }
        let mut lookups = out.counter("dns_lookups_total", "Look-ups of DNS_NAME, one every 10 s");
        for (server, counts) in &self.0 {
            lookups.sample(&[("server", server)], Some(counts.lookups))?;
        }
        let mut failures = out
            .counter("dns_failures_total", "Look-ups without an address: no answer, or a refusal");
        for (server, counts) in &self.0 {
            failures.sample(&[("server", server)], Some(counts.failures))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver on loopback that answers one question with this code.
    async fn asked_of_a_resolver(code: u8, answers: u8) -> io::Result<Verdict> {
        let server = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let address = server.local_addr()?;
        let serve = async {
            let mut packet = [0; 512];
            let (length, client) = server.recv_from(&mut packet).await?;
            server.send_to(b"not an answer", client).await?;
            packet[2] |= 0x80;
            packet[3] = code;
            packet[7] = answers;
            server.send_to(&packet[..length], client).await
        };
        let (served, verdict) = tokio::join!(serve, ask(address, "example.com"));
        served?;
        verdict
    }

    #[tokio::test]
    async fn a_resolver_is_asked_and_its_answer_judged() {
        assert_eq!(asked_of_a_resolver(0, 1).await.unwrap(), Verdict::Answered);
        assert_eq!(asked_of_a_resolver(2, 0).await.unwrap(), Verdict::Failed);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_at_once() {
        let free = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        assert!(ask(address, "example.com").await.is_err());
    }
}
