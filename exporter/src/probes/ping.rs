//! Pings: every target on its own clock and its own socket, so that none disturbs
//! another.
//!
//! [`Pinger::run`] starts and ends a watch per target as the settings change; a watch
//! sends, waits and writes into its target's [`History`]; `/metrics` and `/net/status`
//! read the histories.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval_at, sleep_until};
use tracing::{info, warn};

use super::echo::Family;
use super::echo_socket::{EchoError, EchoSocket};
use super::history::{Fate, History};
use super::resolver;
use crate::clock;
use crate::collectors::sensor::Latest;
use crate::collectors::wan::{self, NextHop};
use crate::collectors::{CollectError, Collector};
use crate::config::{Config, Live, Scope, Target};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

/// The word for `DISABLE` and the label `collector`.
pub(crate) const NAME: &str = "ping";

/// How the next hop is called among the targets.
const GATEWAY: &str = "gateway";

/// Answered requests remembered for telling a second answer from a late one.
const REMEMBERED_ANSWERS: usize = 16;

/// A target and what became of its requests.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) target: Target,
    history: Mutex<History>,
    /// The kernel refuses to let us ping.
    forbidden: AtomicBool,
}

impl Watched {
    fn new(target: Target) -> Arc<Self> {
        Arc::new(Self {
            target,
            history: Mutex::default(),
            forbidden: AtomicBool::new(false),
        })
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forbid(&self, forbidden: bool) {
        let before = self.forbidden.swap(forbidden, Ordering::Relaxed);
        let target = self.target.host.as_str();
        match (before, forbidden) {
            (false, true) => warn!(
                target_host = target,
                "ping {target}: not allowed; give the program CAP_NET_RAW, or its group a place \
                 in the sysctl net.ipv4.ping_group_range"
            ),
            (true, false) => info!(target_host = target, "ping {target}: allowed again"),
            (true, true) | (false, false) => {}
        }
    }
}

/// All targets of this moment, in the order of the settings; the gateway is last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets(Arc<Mutex<Vec<Arc<Watched>>>>);

impl Targets {
    pub(crate) fn all(&self) -> Vec<Arc<Watched>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, targets: Vec<Arc<Watched>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// Returns once something is known about every target but the gateway, which may be
    /// missing for good.
    pub(crate) async fn first_fates(&self) {
        let unknown = |watched: &Arc<Watched>| {
            watched.target.scope != Scope::Gateway
                && !watched.forbidden.load(Ordering::Relaxed)
                && watched.with(|history| history.requests == 0)
        };
        while self.all().iter().any(unknown) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Is the internet there? Any answer but the gateway's within the last 3 s, or three
    /// intervals. `None` while nothing is known.
    pub(crate) fn internet_is_up(&self, config: &Config, now: Instant) -> Option<bool> {
        let span = Duration::from_secs(3).max(config.ping_interval * 3) + config.ping_timeout;
        self.all()
            .iter()
            .filter(|watched| watched.target.scope != Scope::Gateway)
            .filter_map(|watched| watched.with(|history| history.answered_within(span, now)))
            .reduce(|any, one| any || one)
    }
}

/// Between two looks at the first fates: a look costs next to nothing.
const LOOK: Duration = Duration::from_millis(50);

/// Starts and ends the watches.
pub(crate) struct Pinger {
    roots: Roots,
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
    targets: Targets,
}

impl Pinger {
    pub(crate) fn new(roots: Roots, config: Live, wan: Arc<Latest<wan::Sample>>) -> Self {
        Self {
            roots,
            config,
            wan,
            targets: Targets::default(),
        }
    }

    pub(crate) fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Keeps the watches as the settings want them, until dropped.
    pub(crate) async fn run(mut self) {
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<Target, (Arc<Watched>, AbortHandle)> = BTreeMap::new();
        loop {
            let wanted = wanted(&self.config.now());
            running.retain(|target, (_, task)| {
                let keep = wanted.contains(target);
                if !keep {
                    task.abort();
                }
                keep
            });
            for target in &wanted {
                running.entry(target.clone()).or_insert_with(|| {
                    let watched = Watched::new(target.clone());
                    let task = tasks.spawn(self.watch(Arc::clone(&watched)));
                    (watched, task)
                });
            }
            let in_order = wanted.iter().map(|target| Arc::clone(&running[target].0));
            self.targets.replace(in_order.collect());

            tokio::select! {
                () = self.config.changed() => {}
                Some(ended) = tasks.join_next() => match ended {
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Ok(()) | Err(_) => {} // taken out of the settings
                },
            }
        }
    }

    fn watch(&self, watched: Arc<Watched>) -> impl Future<Output = ()> + use<> {
        let address = match watched.target.scope {
            Scope::Gateway => Address::Gateway {
                wan: Arc::clone(&self.wan),
                roots: self.roots.clone(),
                last: None,
            },
            Scope::Domestic | Scope::International => Address::of(&watched.target.host),
        };
        watch_target(watched, address, self.config.clone())
    }
}

fn wanted(config: &Config) -> Vec<Target> {
    if config.is_disabled(NAME) {
        return Vec::new();
    }
    let gateway = Target {
        host: GATEWAY.to_owned(),
        scope: Scope::Gateway,
    };
    config
        .targets
        .iter()
        .cloned()
        .chain(config.ping_gateway.then_some(gateway))
        .collect()
}

/// Where a target is.
enum Address {
    Fixed(IpAddr),
    Named(
        watch::Receiver<Option<IpAddr>>,
        #[expect(dead_code, reason = "ends with us")] JoinSet<()>,
    ),
    Gateway {
        wan: Arc<Latest<wan::Sample>>,
        roots: Roots,
        last: Option<SocketAddr>,
    },
}

impl Address {
    fn of(host: &str) -> Self {
        host.parse().map_or_else(
            |_| {
                let (sender, receiver) = watch::channel(None);
                let mut task = JoinSet::new();
                task.spawn(resolver::run(host.to_owned(), sender));
                Self::Named(receiver, task)
            },
            Self::Fixed,
        )
    }

    /// The address to ping now; `None` when it is not known (yet).
    fn now(&mut self) -> Option<SocketAddr> {
        match self {
            Self::Fixed(address) => Some(SocketAddr::new(*address, 0)),
            Self::Named(found, _) => found.borrow().map(|address| SocketAddr::new(address, 0)),
            Self::Gateway { wan, roots, last } => {
                let hop = wan.last_known().and_then(|wan| wan.gateway.clone());
                if let Some(hop) = hop {
                    *last = Some(socket_address(roots, &hop));
                }
                // While the WAN is down there is no gateway: the last one stays the
                // target, and not reaching it is loss.
                *last
            }
        }
    }

    /// Is it no loss that the address is not known? A device without a gateway has
    /// nothing to lose; a name that cannot be looked up is out of reach.
    fn may_be_missing(&self) -> bool {
        matches!(self, Self::Gateway { .. })
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

/// Pings one target for ever.
async fn watch_target(watched: Arc<Watched>, mut address: Address, mut config: Live) {
    let mut sending = Sending::default();
    let mut timing = Timing::of(&config.now());
    // Targets start at different moments of the interval: no bursts.
    let phase = timing
        .interval
        .mul_f64(getrandom::u32().map_or(0.0, f64::from) / f64::from(u32::MAX));
    let mut ticks = interval_at(
        tokio::time::Instant::from_std(clock::monotonic()) + phase,
        timing.interval,
    );
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let deadline = sending.deadline(timing.timeout);
        tokio::select! {
            _ = ticks.tick() => sending.request(&watched, &mut address),
            answer = sending.answer() => match answer {
                Ok(count) => sending.take_answer(&watched, count, clock::monotonic()),
                // The socket reports a fault of the network: a fresh one has no memory of it.
                Err(_) => sending.socket = None,
            },
            () = sleep_until(deadline.into()) => {}
            () = config.changed() => {
                let changed = Timing::of(&config.now());
                if changed != timing {
                    timing = changed;
                    ticks = tokio::time::interval(timing.interval);
                    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
                }
            }
        }
        sending.give_up(&watched, timing.timeout, clock::monotonic());
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Timing {
    interval: Duration,
    timeout: Duration,
}

impl Timing {
    fn of(config: &Config) -> Self {
        Self {
            interval: config.ping_interval,
            timeout: config.ping_timeout,
        }
    }
}

/// The requests that are on their way.
#[derive(Default)]
struct Sending {
    socket: Option<EchoSocket>,
    count: u64,
    open: VecDeque<(u64, Instant)>,
    answered: VecDeque<u64>,
}

impl Sending {
    /// Sends one request, or notes why it could not leave.
    fn request(&mut self, watched: &Watched, address: &mut Address) {
        let Some(to) = address.now() else {
            if !address.may_be_missing() {
                watched.with(|history| history.record(clock::monotonic(), Fate::NotSent));
            }
            return;
        };
        self.count += 1;
        let sent = clock::monotonic();
        match self.send(to) {
            Ok(()) => {
                watched.forbid(false);
                self.open.push_back((self.count, sent));
            }
            Err(EchoError::Forbidden) => watched.forbid(true),
            Err(EchoError::Unreachable) => {
                watched.forbid(false);
                watched.with(|history| history.record(sent, Fate::NotSent));
            }
        }
    }

    fn send(&mut self, to: SocketAddr) -> Result<(), EchoError> {
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let socket = match self
            .socket
            .take()
            .filter(|socket| socket.sender.family == family)
        {
            Some(socket) => socket,
            None => EchoSocket::open(family)?,
        };
        self.socket.insert(socket).send(self.count, to)
    }

    async fn answer(&self) -> std::io::Result<u64> {
        match &self.socket {
            Some(socket) => socket.answer().await,
            None => std::future::pending().await,
        }
    }

    fn take_answer(&mut self, watched: &Watched, count: u64, now: Instant) {
        let open = self.open.iter().position(|(open, _)| *open == count);
        if let Some((_, sent)) = open.and_then(|at| self.open.remove(at)) {
            let rtt = now.saturating_duration_since(sent);
            watched.with(|history| history.record(sent, Fate::Answered(rtt)));
            self.answered.push_back(count);
            if self.answered.len() > REMEMBERED_ANSWERS {
                self.answered.pop_front();
            }
        } else if self.answered.contains(&count) {
            watched.with(|history| history.duplicates += 1);
        } else {
            watched.with(|history| history.late += 1);
        }
    }

    /// When the oldest open request is lost.
    fn deadline(&self, timeout: Duration) -> Instant {
        const IDLE: Duration = Duration::from_secs(3600);
        self.open
            .front()
            .map_or_else(|| clock::monotonic() + IDLE, |(_, sent)| *sent + timeout)
    }

    /// Counts the requests whose time is over as lost.
    fn give_up(&mut self, watched: &Watched, timeout: Duration, now: Instant) {
        while let Some((_, sent)) = self.open.front().copied() {
            if now.saturating_duration_since(sent) < timeout {
                break;
            }
            self.open.pop_front();
            watched.with(|history| history.record(sent, Fate::Lost));
        }
    }
}

/// The pings as a collector.
pub(crate) struct Pings {
    config: Live,
    targets: Targets,
}

impl Pings {
    pub(crate) fn new(config: Live, targets: Targets) -> Self {
        Self { config, targets }
    }
}

impl Collector for Pings {
    fn name(&self) -> &'static str {
        NAME
    }

    fn collect(&self, _: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let config = self.config.now();
        let now = clock::monotonic();
        let internet_up = self.targets.internet_is_up(&config, now);
        let rows = self
            .targets
            .all()
            .into_iter()
            // A gateway that was never found is not on this device.
            .filter(|watched| {
                watched.target.scope != Scope::Gateway || watched.with(|h| h.requests > 0)
            })
            .map(|watched| watched.with(|history| Row::of(&watched.target, history, &config, now)))
            .collect();
        Ok(Box::new(Sample { internet_up, rows }))
    }

    fn is_healthy(&self) -> bool {
        !self
            .targets
            .all()
            .iter()
            .any(|watched| watched.forbidden.load(Ordering::Relaxed))
    }
}

struct Sample {
    internet_up: Option<bool>,
    rows: Vec<Row>,
}

/// The counters of one target, as they were when the scrape came.
struct Row {
    host: String,
    scope: &'static str,
    totals: [u64; 5],
    last_rtt: Option<f64>,
    longest_loss: f64,
    latencies: super::latency::Latencies,
}

impl Row {
    fn of(target: &Target, history: &History, config: &Config, now: Instant) -> Self {
        Self {
            host: target.host.clone(),
            scope: target.scope.label(),
            totals: [
                history.requests,
                history.lost,
                history.send_errors,
                history.late,
                history.duplicates,
            ],
            last_rtt: history.last_rtt().map(|rtt| rtt.as_secs_f64()),
            longest_loss: history
                .longest_loss(now, config.ping_interval)
                .as_secs_f64(),
            latencies: history.latencies.clone(),
        }
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [("target", &self.host), ("scope", self.scope)]
    }
}

/// In the order of `Row::totals`.
const TOTALS: [(&str, &str); 5] = [
    (
        "ping_requests_total",
        "Echo requests whose fate is known: answered or lost",
    ),
    (
        "ping_lost_total",
        "Echo requests without an answer in time, or that could not leave",
    ),
    (
        "ping_send_errors_total",
        "Echo requests that could not leave: no network, route or device",
    ),
    (
        "ping_late_replies_total",
        "Answers that came after PING_TIMEOUT; their requests are lost",
    ),
    (
        "ping_duplicate_replies_total",
        "Further answers to a request that had one",
    ),
];

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge(
            "internet_up",
            "1 if any target but the gateway answered lately",
        )
        .sample(&[], self.internet_up)?;
        let mut rtt = out.histogram("ping_rtt_seconds", "Round-trip time of the answers");
        for row in &self.rows {
            row.latencies.encode(&mut rtt, &row.labels())?;
        }
        for (index, (name, help)) in TOTALS.into_iter().enumerate() {
            let mut family = out.counter(name, help);
            for row in &self.rows {
                family.sample(&row.labels(), Some(row.totals[index]))?;
            }
        }
        let mut last = out.gauge(
            "ping_last_rtt_seconds",
            "Round-trip time of the newest request; absent when it was lost",
        );
        for row in &self.rows {
            last.sample(&row.labels(), row.last_rtt)?;
        }
        let mut longest = out.gauge(
            "ping_longest_loss_seconds",
            "Longest run of lost requests within the last 5 minutes",
        );
        for row in &self.rows {
            longest.sample(&row.labels(), Some(row.longest_loss))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Layers};
    use crate::exposition::tests::lines;

    fn target(host: &str) -> Arc<Watched> {
        Watched::new(Target {
            host: host.to_owned(),
            scope: Scope::Domestic,
        })
    }

    fn config(flags: &[(&'static str, &str)]) -> Config {
        let flags = flags
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect();
        config::load(
            &Layers {
                flags,
                ..Layers::default()
            },
            &Roots::new("/nowhere"),
        )
        .unwrap()
        .config
    }

    #[test]
    fn an_answer_after_its_time_is_late_and_a_second_one_is_a_duplicate() {
        let watched = target("192.0.2.1");
        let start = clock::monotonic();
        let mut sending = Sending {
            open: [(1, start), (2, start)].into(),
            ..Sending::default()
        };
        sending.take_answer(&watched, 1, start + Duration::from_millis(5));
        sending.take_answer(&watched, 1, start + Duration::from_millis(6));
        sending.give_up(
            &watched,
            Duration::from_secs(1),
            start + Duration::from_secs(1),
        );
        sending.take_answer(&watched, 2, start + Duration::from_secs(2));
        let counts = watched.with(|h| (h.requests, h.lost, h.duplicates, h.late));
        assert_eq!(counts, (2, 1, 1, 1));
        assert!(sending.open.is_empty());
    }

    #[test]
    fn settings_name_the_targets_and_the_gateway_is_one_of_them() {
        let hosts = |config: Config| -> Vec<String> {
            wanted(&config)
                .into_iter()
                .map(|target| target.host)
                .collect()
        };
        assert_eq!(hosts(config(&[])), ["223.5.5.5", "8.8.8.8", "gateway"]);
        assert_eq!(
            hosts(config(&[("PING_GATEWAY", "0"), ("PING_TARGETS", "")])),
            [""; 0]
        );
        assert_eq!(hosts(config(&[("DISABLE", "ping")])), [""; 0]);
    }

    #[test]
    fn the_internet_is_up_when_any_target_but_the_gateway_answers() {
        let now = clock::monotonic();
        let config = config(&[]);
        let targets = Targets::default();
        assert_eq!(targets.internet_is_up(&config, now), None);
        let gateway = Watched::new(Target {
            host: GATEWAY.into(),
            scope: Scope::Gateway,
        });
        let (near, far) = (target("192.0.2.1"), target("192.0.2.2"));
        gateway.with(|history| history.record(now, Fate::Answered(Duration::ZERO)));
        targets.replace(vec![Arc::clone(&near), Arc::clone(&far), gateway]);
        assert_eq!(targets.internet_is_up(&config, now), None);
        near.with(|history| history.record(now, Fate::Lost));
        assert_eq!(targets.internet_is_up(&config, now), Some(false));
        far.with(|history| history.record(now, Fate::Answered(Duration::ZERO)));
        assert_eq!(targets.internet_is_up(&config, now), Some(true));
        assert_eq!(
            targets.internet_is_up(&config, now + Duration::from_secs(5)),
            Some(false)
        );
    }

    #[tokio::test]
    async fn a_reload_leaves_the_other_targets_alone() {
        let flags = [
            ("PING_TARGETS", "127.0.0.1 127.0.0.2"),
            ("PING_INTERVAL", "0.2"),
            ("PING_GATEWAY", "0"),
        ];
        let before = config(&flags);
        let (sender, live) = Live::new(before.clone());
        let pinger = Pinger::new(
            Roots::new("/nowhere"),
            live.clone(),
            Latest::of::<wan::Wan>(),
        );
        let targets = pinger.targets();
        let task = tokio::spawn(pinger.run());
        until(|| {
            targets
                .all()
                .iter()
                .filter(|t| t.with(|h| h.requests > 1))
                .count()
                == 2
        })
        .await;
        let kept = targets.all()[0].with(|history| history.requests);

        let after = config(&[("PING_TARGETS", "127.0.0.1 ::1"), flags[1], flags[2]]);
        sender.send(Arc::new(after)).unwrap();
        until(|| targets.all().len() == 2 && targets.all()[1].target.host == "::1").await;
        until(|| targets.all()[1].with(|history| history.requests > 0)).await;
        assert!(
            targets.all()[0].with(|history| history.requests) >= kept,
            "history goes on"
        );

        let pings = Pings::new(live, targets);
        assert!(
            pings.is_healthy(),
            "the tests need permission to ping, see CONTRIBUTING.md"
        );
        let text = lines(pings.collect(&Roots::new("/")).unwrap());
        assert!(text.contains("internet_up 1\n"), "{text}");
        assert!(
            text.contains("ping_lost_total{target=\"127.0.0.1\",scope=\"domestic\"} 0\n"),
            "{text}"
        );
        assert!(!text.contains("127.0.0.2"), "{text}");
        task.abort();
    }

    async fn until(condition: impl Fn() -> bool) {
        let deadline = clock::monotonic() + Duration::from_secs(10);
        while !condition() {
            assert!(
                clock::monotonic() < deadline,
                "the condition was not met in time"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
