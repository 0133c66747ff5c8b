//! Where all sources meet: a line comes in, an event goes into the queue.
//!
//! One lock around the state, held for one line at a time and never over a wait. What is
//! known after a line (sessions, what the outage has told, how far was read) is written
//! with the events it has led to, so that a restart goes on exactly there.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::announcements::Announcements;
use super::event::{LATEST, Moment, Told};
use super::interpreter::{Findings, Interpreter};
use super::kernel_echoes::KernelEchoes;
use super::kind::Kind;
use super::names::Names;
use super::parse::envelope::{self, Line, Origin};
use super::parse::{self, Family, Meaning};
use super::positions::{FilePosition, LineHash, Place, Positions, Run};
use super::queue::{Outcome, Queue, Snapshot};
use super::recovery::PATIENCE;
use super::suppression::Initial;
use super::timeline::Timeline;
use crate::clock;
use crate::outages::{Detector, Look, Sign, Standing};

/// A clock that jumps by more than this was set; less is NTP at work, or our own delay
/// between reading two clocks.
const STEP: Duration = Duration::from_secs(2);

/// Takes lines in.
pub(crate) struct Intake {
    state: Mutex<State>,
    /// There is something to write.
    unwritten: Notify,
    /// The WAN may have changed: its state should be read now.
    wan: Arc<Notify>,
}

struct State {
    queue: Queue,
    interpreter: Interpreter,
    positions: Positions,
    names: Arc<Names>,
    zone: TimeZone,
    echoes: KernelEchoes,
    announcements: Announcements,
    outages: Detector,
    /// What may be seen of the outages: what their events in the file say.
    standing: Arc<Standing>,
    /// Wall clock minus time since the start, when last looked at.
    clock: Moment,
    /// When a link was regained that may be a recovery, in the order of the families.
    regained: [Option<(Moment, Instant)>; 2],
    /// Something beside events has changed since the state was last written.
    has_moved: bool,
}

/// What a restart needs beside the events.
fn memo(state: &State) -> Value {
    let clock =
        [Some(state.clock.unix), state.clock.boot].map(|time| time.unwrap_or_default().as_secs());
    json!({
        "interpreter": state.interpreter.save(),
        "positions": state.positions,
        "outages": state.outages.save(),
        "clock": clock,
    })
}

/// Where the clock stood when the last run wrote: it may have been set since.
fn saved_clock(saved: &Value) -> Option<Moment> {
    let [unix, boot] = <[u64; 2]>::deserialize(saved).ok()?.map(Duration::from_secs);
    // Others may have written the file, and sums of later times would end the program.
    let is_possible = unix.max(boot) <= LATEST;
    is_possible.then_some(Moment { unix, boot: Some(boot) })
}

pub(super) fn now() -> Moment {
    Moment { unix: clock::unix_time(), boot: Some(clock::since_boot()) }
}

impl Intake {
    /// Goes on where the last run stopped, if `memo` is of this start of the router.
    pub(crate) fn new(
        queue: Queue,
        memo: Option<&Value>,
        same_boot: bool,
        zone: TimeZone,
        wan: Arc<Notify>,
    ) -> Self {
        let saved = |name: &str| memo.and_then(|memo| memo.get(name));
        let positions = saved("positions")
            .and_then(|saved| Positions::deserialize(saved).ok())
            .unwrap_or_default();
        let interpreter = saved("interpreter").filter(|_| same_boot).and_then(Interpreter::restore);
        let outages = match saved("outages") {
            None => Detector::default(),
            Some(saved) if same_boot => Detector::restore(saved),
            Some(outages) => {
                let then = saved("clock").and_then(saved_clock);
                Detector::restore_after_boot(outages, then)
            }
        };
        let state = State {
            queue,
            standing: Arc::new(outages.standing()),
            outages,
            // Without a past, the first time that something comes up is news.
            interpreter: interpreter.unwrap_or_else(|| Interpreter::new(Initial::Boot)),
            positions: if same_boot { positions } else { positions.after_a_boot() },
            names: Arc::new(Names::new([], [])),
            zone,
            echoes: KernelEchoes::default(),
            announcements: Announcements::default(),
            clock: saved("clock").filter(|_| same_boot).and_then(saved_clock).unwrap_or_else(now),
            regained: [None; 2],
            has_moved: false,
        };
        Self { state: Mutex::new(state), unwritten: Notify::new(), wan }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A line of a log.
    pub(crate) fn line<'p>(
        &self,
        timeline: &mut Timeline,
        bytes: &[u8],
        place: impl FnOnce(&Line<'_>) -> Place<'p>,
    ) {
        let text = envelope::clean(bytes);
        let line = envelope::read(&text);
        timeline.note(&line.stamp, line.uptime);
        let is_news = self.with(|state| {
            let mut is_news = false;
            for (family, told) in state.interpreter.recovered_before(&line) {
                state.recovered(family, told);
                is_news = true;
            }
            state.positions.passed(place(&line));
            state.has_moved = true;
            if state.echoes.has_heard(&line) {
                return is_news;
            }
            let mut found = Findings::default();
            let names = Arc::clone(&state.names);
            if !state.interpreter.interpret(&line, &names, &mut found) {
                return is_news;
            }
            state.echoes.remember(&line);
            let awaits = Family::ALL.map(|family| state.interpreter.awaits(family));
            if found.is_empty() && awaits == state.regained.map(|regained| regained.is_some()) {
                return is_news;
            }
            state.watch_clock();
            let at = timeline.place(&line.stamp, line.uptime, state.clock, &state.zone);
            for (awaits, regained) in awaits.into_iter().zip(&mut state.regained) {
                *regained = awaits.then(|| regained.unwrap_or((at, clock::monotonic())));
            }
            for sign in found.signs {
                state.note(sign, at);
            }
            for told in found.news {
                state.announcements.told(told.kind, clock::monotonic());
                state.queue.push(told, at);
            }
            true
        });
        if is_news {
            self.wake();
        }
    }

    fn wake(&self) {
        self.unwritten.notify_one();
        self.wan.notify_one();
    }

    /// netifd says by ubus that an interface has changed.
    pub(crate) fn announced(&self, bytes: &[u8]) {
        let text = envelope::clean(bytes);
        let line = envelope::read(&text);
        if line.origin != Origin::Ubus {
            return;
        }
        self.with(|state| {
            if let Meaning::Fact(told) = parse::parse(&line, &state.names) {
                state.announcements.heard(told, clock::monotonic(), now());
            }
        });
        self.wan.notify_one();
    }

    /// Something that no log tells, at this moment.
    pub(crate) fn tell(&self, told: Told) {
        self.with(|state| {
            state.watch_clock();
            state.queue.push(told, state.clock);
        });
        self.unwritten.notify_one();
    }

    /// As [`Intake::tell`], at another moment.
    pub(crate) fn tell_at(&self, told: Told, at: Moment) {
        self.with(|state| state.queue.push(told, at));
        self.unwritten.notify_one();
    }

    /// What is to be done now and then: the clock, netifd's announcements that no log has
    /// told in time. `is_logged`: does a log work, which tells the same?
    pub(crate) fn tick(&self, is_logged: bool, zone: TimeZone) {
        self.with(|state| {
            state.zone = zone.clone();
            state.queue.set_zone(zone);
            state.watch_clock();
            state.recover_late();
            for (told, at) in state.announcements.due(clock::monotonic(), is_logged) {
                let at = state.clock.back_to(at);
                if let Some(sign) = Sign::of(told.kind) {
                    state.note(sign, at);
                }
                let mut admitted = Vec::new();
                state.interpreter.tell(told, &mut admitted);
                for told in admitted {
                    state.queue.push(told, at);
                }
            }
        });
    }

    /// Shows the outage detector all witnesses; `true`: an outage has begun or ended.
    pub(crate) fn look(&self, look: Look) -> bool {
        let is_news = self.with(|state| {
            state.watch_clock();
            let clock = Moment { unix: state.clock.unix, boot: state.clock.boot };
            let State { queue, outages, has_moved, .. } = state;
            let told = outages.look(look, clock, || queue.next_name());
            let is_news = told.is_some();
            // The evidence grows, and when it was looked at last tells a gap from an outage.
            *has_moved |= outages.is_open();
            if let Some((told, at)) = told {
                queue.push(told, at);
            }
            is_news
        });
        if is_news {
            self.unwritten.notify_one();
        }
        is_news
    }

    /// Looks at the outages.
    pub(crate) fn with_outages<T>(&self, read: impl FnOnce(&Detector, &Arc<Standing>) -> T) -> T {
        self.with(|state| read(&state.outages, &state.standing))
    }

    pub(crate) fn set_names(&self, names: Names) {
        self.with(|state| {
            if *state.names != names {
                state.names = Arc::new(names);
            }
        });
    }

    pub(crate) fn set_capacity(&self, events: usize) {
        self.with(|state| state.queue.set_capacity(events));
    }

    /// Returns when there is something to write.
    pub(crate) async fn is_due(&self) {
        self.unwritten.notified().await;
    }

    /// Writes and shows what there is; `None`: there was nothing.
    pub(crate) fn commit(&self) -> Option<Outcome> {
        self.with(|state| {
            if !state.queue.is_dirty() {
                return None;
            }
            state.has_moved = false;
            let memo = memo(state);
            let outcome = state.queue.commit(&memo);
            if !state.outages.is_as_shown(&state.standing) {
                state.standing = Arc::new(state.outages.standing());
            }
            Some(outcome)
        })
    }

    /// Makes the files whole after a commit. `also_positions`: also if nothing has changed
    /// but how far was read, which is every second on a busy log.
    pub(crate) fn settle(&self, also_positions: bool) -> Option<Outcome> {
        self.with(|state| {
            if state.queue.is_settled() && !(also_positions && state.has_moved) {
                return None;
            }
            state.has_moved = false;
            let memo = memo(state);
            Some(state.queue.settle(&memo))
        })
    }

    pub(crate) fn published(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.with(|state| state.queue.published())
    }

    /// The end of what was read from the log daemon's ring.
    pub(crate) fn lines_read(&self) -> Run {
        self.with(|state| state.positions.logread.clone())
    }

    pub(crate) fn set_lines_read(&self, run: Run) {
        self.with(|state| {
            state.positions.logread = run;
            state.has_moved = true;
        });
    }

    pub(crate) fn file_position(&self, path: &Path) -> Option<FilePosition> {
        self.with(|state| state.positions.files.get(path).copied())
    }

    /// Files that nobody reads any more are forgotten.
    pub(crate) fn keep_files(&self, wanted: impl Fn(&Path) -> bool) {
        self.with(|state| state.positions.files.retain(|path, _| wanted(path)));
    }

    pub(crate) fn has_kernel_record(&self, number: u64) -> bool {
        self.with(|state| state.positions.kmsg.is_some_and(|next| number < next))
    }

    /// Reading has come this far.
    pub(crate) fn passed(&self, place: Place<'_>) {
        self.with(|state| {
            state.positions.passed(place);
            state.has_moved = true;
        });
    }

    /// What a line in a backlog is recognised by, and whether it may tell something.
    pub(crate) fn glance(&self, bytes: &[u8]) -> (LineHash, bool) {
        let text = envelope::clean(bytes);
        let line = envelope::read(&text);
        let may_matter = self.with(|state| parse::parse(&line, &state.names) != Meaning::Nothing);
        (LineHash::of(&line), may_matter)
    }
}

impl State {
    /// A sign for the outage detector; of an earlier start of the router it is none.
    fn note(&mut self, sign: Sign, at: Moment) {
        if let Some(at) = at.boot {
            self.outages.note(sign, at);
        }
    }

    /// A link that was regained has turned out to be the recovery, as of then.
    fn recovered(&mut self, family: Family, told: Told) {
        let regained = self.regained[family as usize].take();
        let at = regained.map_or(self.clock, |(at, _)| self.clock.back_to(at));
        self.queue.push(told, at);
    }

    /// The same where no further line comes.
    fn recover_late(&mut self) {
        for family in Family::ALL {
            let since = self.regained[family as usize].map(|(_, since)| since);
            let is_over = since.is_none_or(|since| {
                clock::monotonic().saturating_duration_since(since) >= PATIENCE
            });
            if is_over && let Some(told) = self.interpreter.recover(family) {
                self.recovered(family, told);
            }
        }
    }

    /// Notes where the clock stands; when it has jumped, events of this boot move with it.
    fn watch_clock(&mut self) {
        let (before, now) = (self.clock, now());
        self.clock = now;
        let (Some(boot_before), Some(boot)) = (before.boot, now.boot) else {
            return;
        };
        let expected = before.unix + boot.saturating_sub(boot_before);
        if expected.abs_diff(now.unix) <= STEP {
            return;
        }
        self.queue.correct(signed(now.unix).saturating_sub(signed(boot)));
        let step = signed(now.unix).saturating_sub(signed(expected)).as_secs_f64();
        let direction = if step < 0.0 { "back" } else { "forward" };
        let message = format!("The router's clock was set {direction} by {:.0} s", step.abs());
        let told = Told::new(Kind::TimeStepped, message).with("seconds", &format!("{step:.3}"));
        self.queue.push(told, now);
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_clock_is_one_that_can_be() {
        let saved = saved_clock(&json!([1_739_327_400, 100])).unwrap();
        assert_eq!(saved.boot, Some(Duration::from_secs(100)));
        for impossible in [json!([u64::MAX, 100]), json!([100, u64::MAX]), json!([100])] {
            assert_eq!(saved_clock(&impossible), None, "{impossible}");
        }
    }
}
