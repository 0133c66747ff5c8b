//! Pings: every target on its own clock and its own socket, so that none disturbs
//! another.
//!
//! [`Pinger::run`] starts and ends a watch per target as the settings change; a watch
//! sends, waits and writes into its target's [`History`]; `/metrics` and `/net/status`
//! read the histories.

mod address;
mod samples;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinSet};
use tracing::{info, warn};

use super::history::History;
use crate::collectors::sensor::Latest;
use crate::collectors::wan;
use crate::config::{Config, Live, Scope, Target};
use crate::roots::Roots;
use address::Address;
pub(crate) use samples::Pings;

/// The word for `DISABLE` and the label `collector`.
pub(crate) const NAME: &str = "ping";

/// How the next hop is called among the targets.
const GATEWAY: &str = "gateway";

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
        Arc::new(Self { target, history: Mutex::default(), forbidden: AtomicBool::new(false) })
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed)
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, targets: Vec<Arc<Watched>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// The wanted targets: those that are watched already with their history.
    fn kept_or_new(&self, wanted: Vec<Target>) -> Vec<Arc<Watched>> {
        let known = self.all();
        let kept = |target: &Target| known.iter().find(|watched| watched.target == *target);
        let watched = |target| kept(&target).cloned().unwrap_or_else(|| Watched::new(target));
        wanted.into_iter().map(watched).collect()
    }

    /// Returns once something is known about every target but the gateway, which may be
    /// missing for good.
    pub(crate) async fn first_fates(&self) {
        let unknown = |watched: &Arc<Watched>| {
            watched.target.scope != Scope::Gateway
                && !watched.is_forbidden()
                && watched.with(|history| history.requests == 0)
        };
        while self.all().iter().any(unknown) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Is the internet there? Any answer but the gateway's within the last 3 s, or three
    /// intervals. `None` while nothing is known.
    pub(crate) fn internet_is_up(&self, config: &Config, now: Instant) -> Option<bool> {
        let span = Duration::from_secs(3).max(config.ping_interval * 3);
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
        let targets = Targets::default();
        targets.replace(targets.kept_or_new(wanted(&config.now())));
        Self { roots, config, wan, targets }
    }

    pub(crate) fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Keeps the watches as the settings want them, until dropped.
    pub(crate) async fn run(mut self) {
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<Target, AbortHandle> = BTreeMap::new();
        loop {
            let targets = self.targets.kept_or_new(wanted(&self.config.now()));
            running.retain(|target, task| {
                let keep = targets.iter().any(|watched| watched.target == *target);
                if !keep {
                    task.abort();
                }
                keep
            });
            for watched in &targets {
                running
                    .entry(watched.target.clone())
                    .or_insert_with(|| tasks.spawn(self.watch(Arc::clone(watched))));
            }
            self.targets.replace(targets);

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
            Scope::Gateway => {
                Address::Gateway { wan: Arc::clone(&self.wan), roots: self.roots.clone() }
            }
            Scope::Domestic | Scope::International => Address::of(&watched.target.host),
        };
        watch::run(watched, address, self.config.clone())
    }
}

fn wanted(config: &Config) -> Vec<Target> {
    if config.is_disabled(NAME) {
        return Vec::new();
    }
    let gateway = Target { host: GATEWAY.to_owned(), scope: Scope::Gateway };
    config.targets.iter().cloned().chain(config.ping_gateway.then_some(gateway)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::collectors::Collector;
    use crate::config::{self, Layers};
    use crate::exposition::tests::lines;
    use crate::probes::history::Fate;

    fn target(host: &str) -> Arc<Watched> {
        Watched::new(Target { host: host.to_owned(), scope: Scope::Domestic })
    }

    fn config(flags: &[(&'static str, &str)]) -> Config {
        let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        config::load(&Layers { flags, ..Layers::default() }, &Roots::new("/nowhere"))
            .unwrap()
            .config
    }

    #[test]
    fn settings_name_the_targets_and_the_gateway_is_one_of_them() {
        let hosts = |config: Config| -> Vec<String> {
            wanted(&config).into_iter().map(|target| target.host).collect()
        };
        assert_eq!(hosts(config(&[])), ["223.5.5.5", "8.8.8.8", "gateway"]);
        assert_eq!(hosts(config(&[("PING_GATEWAY", "0"), ("PING_TARGETS", "")])), [""; 0]);
        assert_eq!(hosts(config(&[("DISABLE", "ping")])), [""; 0]);
    }

    #[test]
    fn the_internet_is_up_when_any_target_but_the_gateway_answers() {
        let now = clock::monotonic();
        let config = config(&[]);
        let targets = Targets::default();
        assert_eq!(targets.internet_is_up(&config, now), None);
        let gateway = Watched::new(Target { host: GATEWAY.into(), scope: Scope::Gateway });
        let (near, far) = (target("192.0.2.1"), target("192.0.2.2"));
        gateway.with(|history| history.record(now, Fate::Answered(Duration::ZERO)));
        targets.replace(vec![Arc::clone(&near), Arc::clone(&far), gateway]);
        assert_eq!(targets.internet_is_up(&config, now), None);
        near.with(|history| history.record(now, Fate::Lost));
        assert_eq!(targets.internet_is_up(&config, now), Some(false));
        far.with(|history| history.record(now, Fate::Answered(Duration::ZERO)));
        assert_eq!(targets.internet_is_up(&config, now), Some(true));
        assert_eq!(targets.internet_is_up(&config, now + Duration::from_secs(5)), Some(false));
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
        let pinger = Pinger::new(Roots::new("/nowhere"), live.clone(), Latest::of::<wan::Wan>());
        let targets = pinger.targets();
        let task = tokio::spawn(pinger.run());
        until(|| targets.all().iter().filter(|t| t.with(|h| h.requests > 1)).count() == 2).await;
        let kept = targets.all()[0].with(|history| history.requests);

        let after = config(&[("PING_TARGETS", "127.0.0.1 ::1"), flags[1], flags[2]]);
        sender.send(Arc::new(after)).unwrap();
        until(|| targets.all().len() == 2 && targets.all()[1].target.host == "::1").await;
        until(|| targets.all()[1].with(|history| history.requests > 0)).await;
        assert!(targets.all()[0].with(|history| history.requests) >= kept, "history goes on");

        let pings = Pings::new(live, targets);
        assert!(pings.is_healthy(), "the tests need permission to ping, see CONTRIBUTING.md");
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
            assert!(clock::monotonic() < deadline, "the condition was not met in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
