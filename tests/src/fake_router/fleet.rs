//! Starts routers and stops them: a thread with a runtime of its own, whatever the caller
//! runs in.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrivals;
use super::connection::{self, Door};
use super::ledger::{Ledger, Row};
pub use super::router::Asked;
use super::router::Router;
use super::scenario::Action;
pub use super::settings::{Layout, Settings};

/// The exporter's, for each router.
const MAX_CONNECTIONS: usize = 64;
const BACKLOG: u32 = 1024;
/// Connections of a bridge to each router: for samples, for events, and one that is just closing.
const CONNECTIONS_PER_ROUTER: u64 = 3;
/// The listener, what keeps its port, and one connection of somebody else.
const FILES_PER_PORT: u64 = 3;
const OTHER_FILES: u64 = 64;

/// Routers that are playing, until this is dropped.
#[derive(Debug)]
pub struct Fleet {
    routers: Arc<[Arc<Router>]>,
    /// In their order.
    addresses: Vec<SocketAddr>,
    settings: Settings,
    ledger: Arc<Mutex<Ledger>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Fleet {
    /// Opens the ports and starts to play.
    ///
    /// # Errors
    /// When a port, the ledger or more files cannot be had.
    pub fn start(settings: Settings) -> Result<Self> {
        ensure!(settings.routers > 0, "no routers");
        raise_file_limit(&settings)?;
        let ledger = Ledger::open(settings.ledger.as_deref())?;
        let ledger = Arc::new(Mutex::new(ledger));
        let arrivals = settings.arrivals.as_deref().map(Arrivals::create).transpose()?;
        let arrivals = arrivals.map(Arc::new);
        let run = settings.run();
        let routers: Arc<[Arc<Router>]> = (1..=settings.routers)
            .map(|number| {
                let (ledger, arrivals) = (Arc::clone(&ledger), arrivals.clone());
                Arc::new(Router::new(&settings, number, run, ledger, arrivals))
            })
            .collect();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let doors: Vec<Door> = match settings.layout {
            Layout::PortEach | Layout::AddressEach => {
                routers.iter().cloned().map(Door::One).collect()
            }
            Layout::OnePort => vec![Door::All(Arc::clone(&routers))],
        };
        let ports = open(&runtime, &settings, doors.len())?;
        let of_router = |index: usize| ports.get(index).unwrap_or(&ports[0]).address;
        let addresses = (0..settings.routers).map(of_router).collect();
        let stop = CancellationToken::new();
        let (players, stopped) = (Arc::clone(&routers), stop.clone());
        let thread = std::thread::Builder::new().name("fake-routers".to_owned());
        let thread = thread.spawn(move || {
            let mut tasks = JoinSet::new();
            for (port, door) in ports.into_iter().zip(doors) {
                tasks.spawn_on(listen(port, door), runtime.handle());
            }
            for router in players.iter() {
                let router = Arc::clone(router);
                tasks.spawn_on(async move { router.play().await }, runtime.handle());
            }
            runtime.block_on(stopped.cancelled());
        })?;
        Ok(Self { routers, addresses, settings, ledger, stop, thread: Some(thread) })
    }

    /// Where the routers are, in their order: what comes before `/net/status`.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let url = |(number, address): (usize, &SocketAddr)| match self.settings.layout {
            Layout::PortEach | Layout::AddressEach => format!("http://{address}"),
            Layout::OnePort => format!("http://{address}/r/{number}"),
        };
        (1..).zip(&self.addresses).map(url).collect()
    }

    /// Where the first answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The bridge's `ROUTERS_FILE`.
    #[must_use]
    pub fn routers_toml(&self) -> String {
        let mut text = String::new();
        for (router, url) in self.routers.iter().zip(self.urls()) {
            write!(text, "[[router]]\nname = \"{}\"\nurl = \"{url}\"\n", router.name).ok();
            if let Some(token) = &self.settings.token {
                // JSON's strings are TOML's.
                writeln!(text, "token = {}", serde_json::Value::from(token.as_str())).ok();
            }
            text.push('\n');
        }
        text
    }

    /// The router of this index (the first is 0) does something now. When this returns, it
    /// has begun: its events can be read and are in the ledger.
    pub fn act(&self, index: usize, action: &Action) {
        self.routers[index].act(action);
    }

    /// The scenario is over; what has begun still ends (a drop, a reboot).
    pub fn hold(&self) {
        self.routers.iter().for_each(|router| router.forget_scenario());
    }

    /// What the routers produced so far, in this order.
    #[must_use]
    pub fn ledger(&self) -> Vec<Row> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).rows()
    }

    /// What each router was asked.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.routers.iter().map(|router| router.asked()).collect()
    }

    /// Stops, and leaves the ledger's file short.
    ///
    /// # Errors
    /// When the file is not what it should be.
    pub fn stop(mut self) -> Result<()> {
        self.end();
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).finish()
    }

    fn end(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            thread.join().ok();
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port and what keeps it while nobody listens.
#[derive(Debug)]
struct Port {
    address: SocketAddr,
    /// Bound, and never listens: connections are refused, and the port is not given away.
    _kept: TcpSocket,
    listener: TcpListener,
}

fn open(runtime: &Runtime, settings: &Settings, count: usize) -> Result<Vec<Port>> {
    let _runtime = runtime.enter();
    let port = |index: usize| {
        let kept = socket(settings.address(index)?)?;
        let address = kept.local_addr()?;
        Ok(Port { address, _kept: kept, listener: listener(address)? })
    };
    (0..count).map(port).collect()
}

/// Bound, so that others of ours can be bound there too.
fn socket(address: SocketAddr) -> Result<TcpSocket> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    bound().with_context(|| format!("cannot have the port of {address}"))
}

fn listener(address: SocketAddr) -> Result<TcpListener> {
    let listening = socket(address)?.listen(BACKLOG);
    listening.with_context(|| format!("cannot listen on {address}"))
}

/// Takes connections while a router can be reached. Never ends.
async fn listen(port: Port, door: Door) {
    let mut connections = JoinSet::new();
    let mut open = Some(port.listener);
    let most = match &door {
        Door::One(_) => MAX_CONNECTIONS,
        Door::All(routers) => MAX_CONNECTIONS * routers.len(),
    };
    loop {
        let Some(listening) = &open else {
            if let Door::One(router) = &door {
                router.becomes_reachable(true).await;
            }
            open = listener(port.address).ok();
            continue;
        };
        tokio::select! {
            biased;
            () = door.closes() => open = None,
            accepted = listening.accept(), if connections.len() < most => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection::serve(stream, door.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A shell's 1,024 are too few for a thousand routers.
fn raise_file_limit(settings: &Settings) -> Result<()> {
    let routers = settings.routers as u64;
    let ports = if settings.layout == Layout::OnePort { 1 } else { routers };
    let needed = routers * CONNECTIONS_PER_ROUTER + ports * FILES_PER_PORT + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).with_context(|| {
        let most = limit.maximum.unwrap_or(u64::MAX);
        format!("{routers} routers need {needed} open files, {most} are allowed; see ulimit -n, or --one-port")
    })
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
