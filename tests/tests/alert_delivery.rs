//! An outage is two messages, or one for those who are reached over the line that is down: with
//! the real Prometheus, Alertmanager and bridge, twenty routers at once, and the shipped
//! configuration with every duration divided by [`FACTOR`]. Why it is so is told at the head of
//! `prometheus/alertmanager.yml`.
//!
//! Not divided is what no configuration says: an attempt of Alertmanager to send lasts 10 s at
//! least, and Prometheus repeats every minute what goes on. Nor are counts and thresholds, so
//! that the alerts on loss and look-ups need more than an outage here to fire.
//!
//! The programs are the first on `PATH`; put `target/newer-prometheus/usr/bin` before it for
//! those of Debian's next release.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use netmonitor_tests::alerting::{Alerting, Derived, Programs};
use netmonitor_tests::bridge::{Bridge, Place, StoredAlert};
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::receiver::{Message, Receiver};
use netmonitor_tests::{built, clock};
use tempfile::TempDir;

/// A scrape each 500 ms, and half an hour is a minute. With more, a busy machine would blur the
/// half minute that is between InternetDown and WanDown.
const FACTOR: u64 = 30;
const ROUTERS: usize = 20;
/// Those that Prometheus has besides: bridge, Alertmanager, itself.
const OTHER_TARGETS: usize = 3;
/// From one router's outage to the next: no two end at the same moment of Alertmanager's
/// attempts, which follow a beat of `group_interval` (2 s).
const STAGGER: Duration = Duration::from_millis(290);
/// 11 min. The last attempt to tell of it ends well before: OutageGoesOn fires after 3 min
/// (6 s) and the news of it (1 s), and an attempt that has just begun then takes its 10 s.
const OUTAGE: &str = "22s";
/// Each 2.5 min: nothing hangs on it here.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Twice the half hour for which OutageEnded fires, for slow machines.
const UNTIL_ALL_IS_OVER: Duration = Duration::from_secs(120);
/// When the machine could not keep up.
const ATTEMPTS: u32 = 3;

const DOWN: (&str, &str) = ("InternetDown", "firing");
const BACK: (&str, &str) = ("OutageEnded", "firing");
/// Half an hour after the outage, told to the bridge only.
const BACK_IS_OVER: (&str, &str) = ("OutageEnded", "resolved");

#[derive(Debug, Clone, Copy, PartialEq)]
enum Person {
    /// Is reached over the line of the router: not while its outage is on.
    Away,
    /// Is reached by another way.
    Present,
}

/// Routers and all who watch them.
struct Watched {
    fleet: Arc<Fleet>,
    bridge: Bridge,
    alerting: Alerting,
    /// The person's.
    phone: Receiver,
    /// Is told whenever the phone is, in the same moment, and of the end as well.
    witness: Receiver,
    _folder: TempDir,
}

impl Watched {
    fn start(programs: &Programs, person: Person) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let fleet = Arc::new(Fleet::start(Settings::quiet(ROUTERS))?);
        let (routers, database) = (folder.path().join("routers.toml"), folder.path().join("db"));
        std::fs::write(&routers, fleet.routers_toml())?;
        let program = built::program("netmonitor-bridge")?;
        let place = Place::of(&program, &routers, &database);
        let bridge = Place { poll_interval: POLL_INTERVAL, ..place }.start()?;
        let lines = Arc::clone(&fleet);
        let phone = Receiver::start(move |message| {
            person == Person::Present || !has_outage(&lines, message.router())
        })?;
        let witness = Receiver::start(|_| true)?;
        let receivers = format!(
            "  - name: person
    webhook_configs:
      - {{url: 'http://{}/', send_resolved: false}}
      - {{url: 'http://{}/', send_resolved: true}}
",
            phone.address, witness.address
        );
        let bridge_address = bridge.running.address;
        let of =
            Derived { bridge: bridge_address, person: &receivers, factor: FACTOR, store: None };
        let mut alerting = of.start(programs, folder.path())?;
        alerting.wait_for_targets(ROUTERS + OTHER_TARGETS)?;
        Ok(Self { fleet, bridge, alerting, phone, witness, _folder: folder })
    }

    /// One router after the other loses its line for a while, and goes on answering.
    fn have_outages(&self) -> Result<()> {
        let mut begin = clock::now();
        for index in 0..ROUTERS {
            clock::wait_until(begin);
            for action in ["outage OUTAGE beyond_gateway provider", "drop OUTAGE"] {
                let action = action.replace("OUTAGE", OUTAGE);
                let action = action.parse().map_err(|error| anyhow!("{action}: {error}"))?;
                self.fleet.act(index, &action);
            }
            begin += STAGGER;
        }
        Ok(())
    }

    /// Until Alertmanager has nothing more to say: the end of a summary is the last thing that
    /// happens in a router's group, and the witness hears of it when the group is looked
    /// through for all of its receivers.
    fn wait_for_the_end(&mut self) -> Result<()> {
        clock::until_within(UNTIL_ALL_IS_OVER, "all summaries are over", || {
            self.alerting.check_alive()?;
            let messages = self.witness.messages();
            let over = messages.iter().filter(|message| contents(message).contains(&BACK_IS_OVER));
            Ok(over.map(Message::router).collect::<BTreeSet<_>>().len() == ROUTERS)
        })?;
        clock::until("the bridge has heard of it as well", || {
            let stored = self.bridge.alerts()?;
            let over = stored.iter().filter(|alert| alert.status == BACK_IS_OVER.1);
            Ok(over.count() >= ROUTERS)
        })
    }
}

/// By what the router itself has told.
fn has_outage(fleet: &Fleet, router: &str) -> bool {
    let ledger = fleet.ledger();
    let mut of_router = ledger.iter().rev().filter(|row| row.router == router);
    let last = of_router.find(|row| row.kind.starts_with("outage"));
    last.is_some_and(|row| row.kind == "outage_start")
}

/// Names and states.
fn contents(message: &Message) -> Vec<(&str, &str)> {
    message.alerts.iter().map(|alert| (alert.name(), alert.status.as_str())).collect()
}

/// The same for each router, and nothing of anybody else.
fn of_each<T: Clone>(what: &[T]) -> BTreeMap<String, Vec<T>> {
    (1..=ROUTERS).map(|number| (format!("router-{number:04}"), what.to_vec())).collect()
}

fn by_router<'a, T>(all: impl Iterator<Item = (&'a str, T)>) -> BTreeMap<String, Vec<T>> {
    let mut by_router = BTreeMap::<_, Vec<_>>::new();
    for (router, one) in all {
        by_router.entry(router.to_owned()).or_default().push(one);
    }
    by_router
}

/// The bridge has stored each alert once in each of its states, those of `messages` among them.
fn check_stored(stored: &[StoredAlert], messages: &[Message]) -> Result<()> {
    let router = |alert: &StoredAlert| alert.router.clone().unwrap_or_default();
    let mut states: Vec<_> = stored
        .iter()
        .map(|alert| (router(alert), (alert.name.as_str(), alert.status.as_str())))
        .collect();
    states.sort_unstable();
    let states = by_router(states.iter().map(|(router, state)| (router.as_str(), *state)));
    same("stored", &states, &of_each(&[DOWN, BACK, BACK_IS_OVER]))?;
    for message in messages {
        for alert in &message.alerts {
            let is_it = |stored: &&StoredAlert| {
                router(stored) == message.router()
                    && (&stored.fingerprint, &stored.status) == (&alert.fingerprint, &alert.status)
                    && stored.starts_at.as_millisecond() == alert.starts_at.as_millisecond()
            };
            ensure!(stored.iter().filter(is_it).count() == 1, "stored once: {alert:?}");
        }
    }
    Ok(())
}

/// Names the routers for which it is different.
fn same<T: PartialEq + Debug>(
    what: &str,
    found: &BTreeMap<String, T>,
    expected: &BTreeMap<String, T>,
) -> Result<()> {
    let routers: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let different = |router: &&&String| found.get(**router) != expected.get(**router);
    let of_router = |router: &String| {
        format!("{router}: {:?}, expected {:?}", found.get(router), expected.get(router))
    };
    let different: Vec<_> = routers.iter().filter(different).map(|one| of_router(one)).collect();
    ensure!(different.is_empty(), "{what}\n{}", different.join("\n"));
    Ok(())
}

impl Watched {
    fn check(&self, expected: &[Vec<(&str, &str)>], tried: &[Vec<(&str, &str)>]) -> Result<()> {
        let of_router = |message| (Message::router(message), contents(message));
        let (told, missed) = (self.phone.messages(), self.phone.missed());
        same("told", &by_router(told.iter().map(of_router)), &of_each(expected))?;
        let mut in_vain = by_router(missed.iter().map(of_router));
        in_vain.values_mut().for_each(Vec::dedup);
        let nothing = BTreeMap::new();
        let tried = if tried.is_empty() { nothing } else { of_each(tried) };
        same("tried in vain", &in_vain, &tried)?;
        check_stored(&self.bridge.alerts()?, &[told, missed].concat())
    }
}

/// Each router's messages are these, and these were tried in vain.
fn check(
    person: Person,
    expected: &[Vec<(&str, &str)>],
    tried: &[Vec<(&str, &str)>],
) -> Result<()> {
    for attempt in 1.. {
        let mut watched = Watched::start(&Programs::installed()?, person)?;
        watched.have_outages()?;
        let result = watched.wait_for_the_end().and_then(|()| watched.check(expected, tried));
        match (result, watched.alerting.was_too_slow()?) {
            (Err(error), Some(why)) if attempt < ATTEMPTS => {
                eprintln!("proves nothing, this machine was too busy ({why}): {error:#}");
            }
            (result, _) => return result,
        }
    }
    Ok(())
}

#[test]
fn who_is_away_hears_of_an_outage_once() -> Result<()> {
    check(Person::Away, &[vec![BACK]], &[vec![DOWN]])
}

#[test]
fn who_is_present_hears_of_an_outage_twice() -> Result<()> {
    check(Person::Present, &[vec![DOWN], vec![BACK]], &[])
}
