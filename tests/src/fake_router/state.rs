//! A router at a moment: what it does when its plan says so. Pure but for the ledger;
//! times are since the routers were started.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::chance;
use super::equipment::Equipment;
use super::evidence;
use super::faults::Faults;
use super::ledger::Ledger;
use super::line::Line;
use super::plan::Deed;
use super::queue::Queue;
use super::readings::Readings;
use super::scenario::{Action, Agent, ClockChange, Outage, WanState};
use super::told::{Over, Told, text};

const DAY_MS: i64 = 86_400_000;
/// Of drops within a day; a scenario of more is not of this world.
const MAX_DROPS: usize = 10_000;
/// A clock is not set beyond the year 9000, which every reader can write.
const LAST_MS: i64 = 221_845_392_000_000;
/// dBm; with less, packets arrive damaged.
const WEAK_LIGHT: f64 = -27.0;
/// The WAN port loses its carrier.
const WITHOUT_CARRIER: [&str; 2] = ["local_link", "optical_signal"];
/// The fibre is dark.
const DARK: &str = "optical_signal";
/// The next hop goes on answering.
const BEYOND: [&str; 2] = ["beyond_gateway", "dns"];

/// What makes a router this one.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) seed: u64,
    /// Milliseconds since 1970 when all were started: a second run of the same seed has
    /// other streams.
    pub(super) started_ms: i64,
    /// Local time, in minutes before UTC.
    pub(super) zone_minutes: i32,
}

#[derive(Debug)]
pub(super) struct State {
    identity: Identity,
    pub(super) queue: Queue,
    pub(super) readings: Readings,
    pub(super) equipment: Equipment,
    pub(super) told: Told,
    pub(super) agent: Agent,
    pub(super) zone_minutes: i32,
    wan: WanState,
    wan_since: Duration,
    /// Since the router started.
    carrier_losses: u64,
    lost_sessions: u64,
    /// Began and have not ended.
    drops: u32,
    powered_off: u32,
    unreachable: u32,
    boots: u64,
    streams: u64,
    booted: Duration,
    clock_wrong_by_ms: i64,
    produced: u64,
    pub(super) faults: Faults,
    /// By the router's clock.
    dropped_ms: VecDeque<i64>,
    /// Those that go on, with their names.
    outages: VecDeque<(Outage, String)>,
}

impl State {
    pub(super) fn new(identity: Identity, ledger: Arc<Mutex<Ledger>>) -> Self {
        let queue = Queue::new(identity.name.clone(), String::new(), ledger);
        let zone_minutes = identity.zone_minutes;
        let seed = chance(&[identity.seed, identity.number as u64]);
        let mut state = Self {
            identity,
            queue,
            readings: Readings::new(seed),
            equipment: Equipment::by_chance(seed),
            told: Told::new(),
            agent: Agent::Exporter,
            zone_minutes,
            wan: WanState::Up,
            wan_since: Duration::ZERO,
            carrier_losses: 0,
            lost_sessions: 0,
            drops: 0,
            powered_off: 0,
            unreachable: 0,
            boots: 1,
            streams: 0,
            booted: Duration::ZERO,
            clock_wrong_by_ms: 0,
            produced: 0,
            faults: Faults::default(),
            dropped_ms: VecDeque::new(),
            outages: VecDeque::new(),
        };
        state.begin_stream(None);
        state
    }

    pub(super) fn perform(&mut self, now: Duration, deed: Deed) {
        self.settle(now);
        match deed {
            Deed::Begin(action) => self.begin(now, action),
            Deed::OutageOver(outage) => self.end_outage(now, &outage),
            Deed::SessionUp => {
                self.drops = self.drops.saturating_sub(1);
                if self.drops == 0 && self.wan == WanState::Down && self.is_on() {
                    (self.wan, self.wan_since) = (WanState::Up, now);
                    self.readings.begin_session();
                    self.tell(
                        now,
                        if self.equipment.pppoe { "pppoe_up" } else { "dhcp_lease_obtained" },
                    );
                    self.tell(now, "wan_up");
                }
            }
            Deed::PowerOn => self.power_on(now),
            Deed::Reachable => self.unreachable = self.unreachable.saturating_sub(1),
        }
    }

    fn begin(&mut self, now: Duration, action: Action) {
        match action {
            Action::Event { kind, count } => (0..count).for_each(|_| self.tell(now, &kind)),
            Action::Outage(outage) => self.begin_outage(now, &outage),
            Action::Drop(_) => self.drop_session(now),
            Action::Loss { percent, lasts } => self.readings.begin_loss(now, percent, lasts),
            Action::Wan(state) => self.wan = state,
            Action::Reboot(_) => {
                self.powered_off += 1;
                self.queue.empty();
            }
            Action::Offline(_) => self.unreachable += 1,
            Action::NewStream(name) => self.begin_stream(name),
            Action::SeqBack(count) => self.queue.go_back(count),
            Action::Clock(change) => self.set_clock(now, change),
            Action::Zone(minutes) => self.zone_minutes = minutes,
            Action::Evict(size) => self.queue.resize(size),
            Action::Agent(agent) => self.agent = agent,
            Action::Has(equipment) => self.equipment = equipment,
            Action::Light { dbm, within } => self.readings.light.begin(now, dbm, within),
            Action::Heat(celsius) => self.readings.warm(celsius),
            Action::Fault(fault) => self.faults.begin(now, fault),
            Action::Healthy => self.faults.clear(),
        }
    }

    /// A router that is off tells nothing.
    fn tell(&mut self, now: Duration, kind: &str) {
        if self.is_on() {
            self.produced += 1;
            let message = format!("{} (no. {})", text(kind), self.produced);
            let at_ms = self.clock_ms(now);
            self.told.add_event(kind, at_ms);
            self.queue.push(at_ms, kind, message);
        }
    }

    fn begin_outage(&mut self, now: Duration, outage: &Outage) {
        if !self.is_on() {
            return;
        }
        let began_ms = self.clock_ms(now) - ms(outage.ago.unwrap_or_default());
        let name = format!("{}-{}", self.queue.stream, self.queue.next_seq);
        self.tell_outage("outage_start", began_ms, &[("outage", &name)], outage);
        self.outages.push_back((outage.clone(), name));
        self.carrier_losses += u64::from(is_now(outage, &WITHOUT_CARRIER));
    }

    fn end_outage(&mut self, now: Duration, outage: &Outage) {
        let Some(at) = self.outages.iter().position(|(other, _)| other == outage) else { return };
        let Some((_, name)) = self.outages.remove(at) else { return };
        let lasted = format!("{:.3}", outage.lasts.as_secs_f64());
        let started = self.queue.events().iter().rev();
        let started = started.filter(|event| event.kind == "outage_start");
        // By the event, whose time may have been corrected meanwhile.
        let began_ms = started
            .filter(|event| event.detail.get("outage") == Some(&name))
            .map(|event| event.at_ms)
            .next()
            .unwrap_or(self.clock_ms(now) - ms(outage.lasts));
        let ended_ms = began_ms + ms(outage.lasts);
        let why = format!("cause=\"{}\",side=\"{}\"", outage.cause, outage.side);
        self.told.add_outage(Over { why, name: name.clone(), began_ms, ended_ms });
        let Equipment { optics, lcp, .. } = self.equipment;
        let mut facts = vec![("outage", name.as_str()), ("duration_seconds", &lasted)];
        facts.extend(evidence::of(&outage.cause, optics, lcp));
        self.tell_outage("outage_end", ended_ms, &facts, outage);
    }

    fn tell_outage(&mut self, kind: &str, at_ms: i64, facts: &[(&str, &str)], outage: &Outage) {
        self.produced += 1;
        let message = format!("{} (no. {})", text(kind), self.produced);
        let why = [("cause", outage.cause.as_str()), ("side", &outage.side)];
        let detail = facts.iter().copied().chain(why);
        let detail = detail.map(|(name, fact)| (name.to_owned(), fact.to_owned()));
        self.told.add_event(kind, at_ms);
        self.queue.push_with(at_ms, kind, message, detail.collect());
    }

    fn drop_session(&mut self, now: Duration) {
        self.drops += 1;
        if self.drops > 1 || !self.is_on() {
            return;
        }
        self.wan = WanState::Down;
        self.lost_sessions += 1;
        self.dropped_ms.push_back(self.clock_ms(now));
        if self.dropped_ms.len() > MAX_DROPS {
            self.dropped_ms.pop_front();
        }
        self.tell(now, if self.equipment.pppoe { "pppoe_down" } else { "dhcp_lease_lost" });
        self.tell(now, "wan_down");
    }

    fn power_on(&mut self, now: Duration) {
        self.powered_off = self.powered_off.saturating_sub(1);
        if !self.is_on() {
            return;
        }
        self.boots += 1;
        (self.booted, self.drops, self.wan, self.wan_since) = (now, 0, WanState::Up, now);
        (self.told, self.carrier_losses, self.lost_sessions) = (Told::new(), 0, 0);
        self.readings.restart(now);
        self.dropped_ms.clear();
        self.outages.clear();
        self.begin_stream(None);
        self.tell(now, "router_boot");
    }

    fn begin_stream(&mut self, name: Option<String>) {
        self.streams += 1;
        let name = name.unwrap_or_else(|| format!("{:016x}", self.id(0, self.streams)));
        self.queue.begin_stream(name);
    }

    fn set_clock(&mut self, now: Duration, change: ClockChange) {
        let (before, right) = (self.clock_ms(now), self.right_ms(now));
        let after = match change {
            ClockChange::By(ms) => before.saturating_add(ms),
            ClockChange::To(ms) => ms,
            ClockChange::Right => right,
        };
        let after = after.clamp(0, LAST_MS);
        self.clock_wrong_by_ms = after - right;
        for dropped in &mut self.dropped_ms {
            *dropped += after - before;
        }
        self.queue.correct(after - before);
        self.told.correct(after - before);
        self.tell(now, "time_stepped");
    }

    fn id(&self, what: u64, count: u64) -> u64 {
        let Identity { number, seed, started_ms, .. } = self.identity;
        chance(&[seed, number as u64, started_ms as u64, what, count])
    }

    /// A UUID, as the kernel has it.
    pub(super) fn boot_id(&self) -> String {
        let (high, low) = (self.id(1, self.boots), self.id(2, self.boots));
        let part = |from: u64, shift: u32, width: u32| (from >> shift) & ((1 << width) - 1);
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            part(high, 32, 32),
            part(high, 16, 16),
            part(high, 0, 12),
            part(low, 48, 12),
            part(low, 0, 48)
        )
    }

    /// Milliseconds since 1970.
    fn right_ms(&self, now: Duration) -> i64 {
        let since = i64::try_from(now.as_millis()).unwrap_or(LAST_MS);
        self.identity.started_ms.saturating_add(since)
    }

    /// By the router's clock.
    pub(super) fn clock_ms(&self, now: Duration) -> i64 {
        self.right_ms(now).saturating_add(self.clock_wrong_by_ms).max(0)
    }

    pub(super) fn booted_ms(&self) -> i64 {
        self.clock_ms(self.booted)
    }

    pub(super) fn uptime(&self, now: Duration) -> Duration {
        now.saturating_sub(self.booted)
    }

    pub(super) fn is_clock_right(&self) -> bool {
        self.clock_wrong_by_ms == 0
    }

    /// Counts what has happened by now.
    pub(super) fn settle(&mut self, now: Duration) {
        // Nothing counts while it is off.
        if self.is_on() {
            let line = self.line();
            self.readings.settle(now, &line);
        }
    }

    pub(super) fn line(&self) -> Line {
        let mut now = self.outages.iter().map(|(outage, _)| outage).filter(|one| one.ago.is_none());
        let is_outage = now.clone().next().is_some();
        Line {
            is_up: !self.is_down(),
            has_internet: !is_outage,
            has_gateway: now.all(|outage| is_now(outage, &BEYOND)),
            is_outage,
            is_weak: self.light().is_some_and(|received| received < WEAK_LIGHT),
            day_began: self.identity.started_ms / 1000 + i64::from(self.zone_minutes) * 60,
        }
    }

    /// dBm that arrive.
    pub(super) fn light(&self) -> Option<f64> {
        let is_dark = self.outages.iter().any(|(outage, _)| is_now(outage, &[DARK]));
        (self.equipment.optics && !is_dark).then(|| self.readings.received_dbm())
    }

    pub(super) fn has_carrier(&self) -> bool {
        !self.outages.iter().any(|(outage, _)| is_now(outage, &WITHOUT_CARRIER))
    }

    pub(super) fn carrier_losses(&self) -> u64 {
        self.carrier_losses
    }

    /// Since it was started.
    pub(super) fn lost_sessions(&self) -> u64 {
        self.lost_sessions
    }

    pub(super) fn wan_uptime(&self, now: Duration) -> Duration {
        now.saturating_sub(self.wan_since)
    }

    fn is_on(&self) -> bool {
        self.powered_off == 0
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.is_on() && self.unreachable == 0
    }

    pub(super) fn is_down(&self) -> bool {
        self.drops > 0 || self.wan == WanState::Down
    }

    pub(super) fn wan(&self) -> WanState {
        self.wan
    }

    /// Drops within a day; those still down are not reconnects yet.
    pub(super) fn drops_of_day(&self, now: Duration) -> usize {
        let since = self.clock_ms(now) - DAY_MS;
        self.dropped_ms.iter().filter(|dropped| **dropped > since).count()
    }

    pub(super) fn is_session_down(&self) -> bool {
        self.drops > 0
    }
}

/// Goes on, and is of one of these causes.
fn is_now(outage: &Outage, causes: &[&str]) -> bool {
    outage.ago.is_none() && causes.contains(&outage.cause.as_str())
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(LAST_MS)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
