//! A crowd at one address that asks for `/metrics` without a pause, and Prometheus at another: that
//! one is answered in time, and afterwards nothing is held.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use netmonitor_tests::bridge::Place;
use netmonitor_tests::clock;
use netmonitor_tests::exporter::{Exporter, Setup};
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::figures::{ms, percentile};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::running::Running;

use crate::Wanted;
use crate::held::{About, Holdings};

const CROWD: usize = 100;
const ITS_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const LENGTH: Duration = Duration::from_secs(20);
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);
/// Prometheus' `scrape_timeout` by default.
const TIMEOUT_MS: f64 = 10_000.0;
const ROUTERS: usize = 10;
const EXPORTER_BELOW_MB: f64 = 8.0;
const BRIDGE_BELOW_MB: f64 = 40.0;

pub(super) fn exporter(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let exporter = Exporter::start(&wanted.exporter, &Setup::default())?;
    storm(&exporter.running, 0, about, EXPORTER_BELOW_MB)
}

pub(super) fn bridge(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(Settings::quiet(ROUTERS))?;
    let (routers, database) =
        (folder.path().join("routers.toml"), folder.path().join("netmonitor.db"));
    std::fs::write(&routers, fleet.routers_toml())?;
    let bridge = Place::of(&wanted.bridge, &routers, &database).start()?.running;
    storm(&bridge, ROUTERS, about, BRIDGE_BELOW_MB)
}

fn storm(program: &Running, routers: usize, about: &mut About<'_>, most_mb: f64) -> Result<()> {
    // As Prometheus has it at the first scrape.
    Client::connect(program.address)?.get("/metrics")?;
    let holdings = Holdings::of(program, routers)?;
    let (over, answered, refused) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let (mut scrapes, mut failed) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let asked = Client::connect_from(ITS_ADDRESS, program.address)
                        .and_then(|mut client| client.get("/metrics").map(drop));
                    let counter = if asked.is_ok() { &answered } else { &refused };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let begun = clock::now();
        for tick in 1.. {
            let asked = clock::now();
            let scrape = Client::connect(program.address)
                .and_then(|mut client| client.get("/metrics").map(drop));
            match scrape {
                Ok(()) => scrapes.push(asked.elapsed()),
                Err(_) => failed += 1,
            }
            if begun.elapsed() > LENGTH {
                break;
            }
            clock::wait_until(begun + SCRAPE_INTERVAL * tick);
        }
        over.store(true, Ordering::Relaxed);
    });
    let answered = answered.into_inner() as f64;
    // One each, or it was none.
    let crowd = Goal::AtLeast(CROWD as f64);
    about.must_be(&format!("answers to {CROWD} askers at a time"), answered, crowd);
    about.shown("the same a second", answered / LENGTH.as_secs_f64());
    about.shown("refused or cut off, of all", refused.into_inner() as f64);
    about.none("scrapes of Prometheus that failed", failed);
    let worst = percentile(&scrapes, 100).map_or(f64::NAN, ms);
    about.must_be("its slowest one, ms", worst, Goal::Below(TIMEOUT_MS));
    holdings.compare(about, most_mb)
}
