//! The routers of a storm: one real exporter whose log we write, and routers that are
//! played, each with what it has told.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::ledger::Told;
use crate::clock;
use crate::exporter::{Exporter, Setup};
use crate::fake_router::fleet::{Fleet, Settings};
use crate::fake_router::ledger::Row;
use crate::fake_router::scenario::Action;
use crate::kept_port::KeptPort;
use crate::random::Random;
use crate::router::{Log, LogKind, Router};
use crate::router_log::{Session, Sessions};

/// Of the real one, in the settings of the bridge.
const EXPORTER: &str = "exporter";
/// What it tells first.
const FIRST: (&str, &str) = ("router_boot", "The router started");
const FAKES: usize = 3;
/// The most that the exporter can keep: nothing may be evicted here.
const MAX_EVENTS: usize = 10_000;
/// Bursts of a round begin within this time.
const BURSTS_WITHIN: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(200);
const BURSTS: usize = 12;
/// Events that a played router tells in a burst, and sessions in the exporter's log.
const PER_BURST: std::ops::Range<usize> = 1..4;
/// Between the two halves of a line.
const TORN: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(3);

/// How a played router fails, and goes on with its events where it was. A clock that is set
/// has all of them read again, which makes good for many a mistake: not too often.
const FAILURES: [&str; 8] = [
    "offline 30ms",
    "half events x1",
    "half status x1",
    "reset x2",
    "clock +3600s",
    "slow 30ms x2",
    "503 events x1",
    "garbage events x1",
];
/// The same, after which nothing of what it had is there any more.
const LOSSES: [&str; 2] = ["reboot 30ms", "new-stream"];

/// A moment of the round, and what happens then.
type Burst = (Duration, Deed);

enum Deed {
    /// Bytes into the exporter's log.
    Log(Vec<u8>),
    /// Of a played router.
    Act(usize, Action),
}

/// Load of a round.
pub(super) struct Load(Vec<Burst>);

pub(super) struct Routers {
    binary: PathBuf,
    router: Router,
    log: Log,
    port: KeptPort,
    exporter: Option<Exporter>,
    sessions: Sessions,
    written: Vec<Session>,
    fleet: Fleet,
}

impl Routers {
    pub(super) fn new(binary: &Path) -> Result<Self> {
        let fleet = Fleet::start(Settings::quiet(FAKES))?;
        for fake in 0..FAKES {
            fleet.act(fake, &action(&format!("evict {MAX_EVENTS}"))?);
        }
        let router = Router::new(LogKind::File)?;
        Ok(Self {
            binary: binary.to_owned(),
            log: router.log()?,
            router,
            port: KeptPort::new()?,
            exporter: None,
            sessions: Sessions::default(),
            written: Vec::new(),
            fleet,
        })
    }

    /// `ROUTERS_FILE`.
    pub(super) fn toml(&self) -> String {
        let (fakes, address) = (self.fleet.routers_toml(), self.port.address);
        format!("{fakes}[[router]]\nname = \"{EXPORTER}\"\nurl = \"http://{address}\"\n")
    }

    /// Starts the exporter, unless it runs.
    pub(super) fn start(&mut self) -> Result<()> {
        if self.exporter.is_none() {
            let port = self.port.address.port();
            let setup = Setup { max_events: Some(MAX_EVENTS), port, ..Setup::default() };
            self.exporter = Some(self.router.start_with(&self.binary, setup)?);
        }
        Ok(())
    }

    /// What all tell in a round: bursts of lines, some of them cut within a line.
    pub(super) fn plan(&mut self, random: &mut Random) -> Result<Load> {
        let mut moments = [(); BURSTS].map(|()| random.duration(BURSTS_WITHIN));
        moments.sort_unstable();
        let mut bursts = Vec::new();
        for at in moments {
            let unix_ms = clock::unix_ms();
            let sessions = (0..random.number(PER_BURST)).map(|_| self.sessions.next(unix_ms));
            let sessions: Vec<Session> = sessions.collect();
            let text: String = sessions.iter().map(|session| &*session.text).collect();
            self.written.extend(sessions);
            bursts.push((at, Deed::Log(text.into_bytes())));
            let fake = random.number(0..FAKES);
            let events = format!("event pppoe_down x{}", random.number(PER_BURST) * FAKES);
            bursts.push((at, Deed::Act(fake, action(&events)?)));
        }
        Ok(Load(torn(bursts, random)))
    }

    /// Two halves: one tells for as long as the round lasts, the other dies.
    pub(super) fn halves(&mut self) -> (Teller<'_>, Mortal<'_>) {
        let Self { log, fleet, exporter, .. } = self;
        (Teller { log, fleet }, Mortal { exporter, fleet })
    }

    /// No answer is wrong from now on.
    pub(super) fn be_healthy(&self) -> Result<()> {
        (0..FAKES).try_for_each(|fake| {
            self.fleet.act(fake, &action("healthy")?);
            Ok(())
        })
    }

    /// The last event of each.
    pub(super) fn tell_last(&mut self) -> Result<()> {
        for fake in 0..FAKES {
            self.fleet.act(fake, &action("event pppoe_up")?);
        }
        let session = self.sessions.next(clock::unix_ms());
        self.log.write_all(session.text.as_bytes()).context("cannot write the log")?;
        self.written.push(session);
        Ok(())
    }

    /// All that was told so far.
    pub(super) fn told(&self) -> Vec<Told> {
        let rows = self.fleet.ledger();
        let streams: BTreeMap<&str, &str> =
            rows.iter().map(|row| (&*row.router, &*row.stream)).collect();
        let mut told: Vec<Told> = rows
            .iter()
            .map(|row| of_row(row, streams.get(&*row.router) == Some(&&*row.stream)))
            .collect();
        let of_exporter = |kind: &str, mark: &str, times: Vec<f64>| Told {
            router: EXPORTER.to_owned(),
            kind: kind.to_owned(),
            mark: mark.to_owned(),
            times,
            must_be_stored: true,
        };
        told.push(of_exporter(FIRST.0, FIRST.1, Vec::new()));
        for session in &self.written {
            let at = session.unix_ms as f64 / 1000.0;
            let events = session.events.iter();
            told.extend(events.map(|(kind, mark)| of_exporter(kind, mark, vec![at])));
        }
        told
    }
}

/// An event of a played router. What is no longer in its queue may have been corrected
/// without anybody having seen it.
fn of_row(row: &Row, is_in_queue: bool) -> Told {
    let mut times = vec![row.ts];
    if !is_in_queue {
        times.extend(&row.ts_before);
    }
    let must_be_stored = row.must_be_known();
    Told {
        router: row.router.clone(),
        kind: row.kind.clone(),
        mark: row.message.clone(),
        times: if must_be_stored { times } else { Vec::new() },
        must_be_stored,
    }
}

/// Cuts each text somewhere; what is behind follows a little later, and before the next.
fn torn(bursts: Vec<Burst>, random: &mut Random) -> Vec<Burst> {
    let mut pieces = Vec::new();
    let mut earliest = Duration::ZERO;
    for (at, deed) in bursts {
        earliest = earliest.max(at);
        match deed {
            Deed::Log(text) => {
                let (first, second) = text.split_at(random.number(0..text.len()));
                pieces.push((earliest, Deed::Log(first.to_vec())));
                earliest += random.duration(TORN);
                pieces.push((earliest, Deed::Log(second.to_vec())));
            }
            Deed::Act(..) => pieces.push((earliest, deed)),
        }
    }
    pieces
}

/// Those that tell.
pub(super) struct Teller<'a> {
    log: &'a mut Log,
    fleet: &'a Fleet,
}

impl Teller<'_> {
    /// Each burst at its moment; all that are left when the round is over.
    pub(super) fn tell(self, load: &Load, start: Instant, is_over: &AtomicBool) -> Result<()> {
        for (at, deed) in &load.0 {
            while !is_over.load(Ordering::Relaxed) && start.elapsed() < *at {
                clock::wait_until((start + *at).min(clock::now() + Duration::from_millis(1)));
            }
            match deed {
                Deed::Log(bytes) => self.log.write_all(bytes).context("cannot write the log")?,
                Deed::Act(fake, action) => self.fleet.act(*fake, action),
            }
        }
        Ok(())
    }
}

/// Those that die.
pub(super) struct Mortal<'a> {
    exporter: &'a mut Option<Exporter>,
    fleet: &'a Fleet,
}

impl Mortal<'_> {
    /// With SIGKILL, which is played for all but the exporter. They may lose what they had
    /// to tell only if `may_lose`; gives how many did.
    pub(super) fn die(&mut self, random: &mut Random, may_lose: bool) -> Result<u32> {
        drop(self.exporter.take());
        let mut losses = 0;
        for fake in 0..FAKES {
            let loses = may_lose && random.number(0..2) == 0;
            let deaths = if loses { &LOSSES[..] } else { &FAILURES[..] };
            self.fleet.act(fake, &action(deaths[random.number(0..deaths.len())])?);
            if loses {
                losses += 1;
                // By its first event one can tell that it has a new stream.
                self.fleet.act(fake, &action("event kernel_link_up")?);
            }
        }
        Ok(losses)
    }
}

fn action(text: &str) -> Result<Action> {
    text.parse().map_err(|error| anyhow::anyhow!("{text}: {error}"))
}
