//! `replay`: runs a saved log through the code that `run` uses, and prints what it tells.
//!
//! Called by `cli.rs` and by fuzzers. The input is streamed; the clock is the log's own.

use std::io::{self, ErrorKind, Read, Write};

use super::event::Told;
use super::interpreter::{Findings, Initial, Interpreter};
use super::kernel_echoes::KernelEchoes;
use super::kind::Kind;
use super::lines::Splitter;
use super::log_clock::{LogClock, Shown};
use super::names::Names;
use super::parse::Family;
use super::parse::envelope::{Line, clean, read};
use crate::collectors::wan::State;
use crate::outages::Sign;
use crate::outages::saved_log::SavedLog;

/// One system call for some hundred lines.
const CHUNK_BYTES: usize = 32 * 1024;

/// Events held back for one that may come before them.
const MAX_HELD: usize = 64;

/// How to replay.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) names: Names,
    pub(crate) initial: Initial,
    /// For every line its type or `-`.
    pub(crate) per_line: bool,
    /// Also what is concluded from several lines.
    pub(crate) derived: bool,
    pub(crate) json: bool,
}

/// Reads a log to its end and prints its events.
///
/// # Errors
///
/// When the log cannot be read or the events cannot be written; a reader of the output
/// that goes away is the end and no error.
pub(crate) fn replay(
    mut input: impl Read,
    output: impl Write,
    options: &Options,
) -> io::Result<()> {
    let mut player = Player::new(output, options);
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut outcome = Ok(());
    while outcome.is_ok() {
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut play = |line: &[u8]| {
            if outcome.is_ok() {
                outcome = player.play(line);
            }
        };
        splitter.feed(&chunk[..length], &mut play);
    }
    if outcome.is_ok() {
        splitter.finish(|line| outcome = player.play(line));
    }
    match outcome.and_then(|()| player.finish()).and_then(|()| player.output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// An event that is not printed yet: one before it may still come to light.
struct Held {
    at: Shown,
    line_number: u64,
    told: Told,
}

/// Where a recovery will stand, if it is one.
struct Slot {
    family: Family,
    at: Shown,
    line_number: u64,
    /// In what is held.
    before: usize,
}

/// The state of a replay.
struct Player<'a, W: Write> {
    output: io::BufWriter<W>,
    options: &'a Options,
    interpreter: Interpreter,
    clock: LogClock,
    line_number: u64,
    told: Vec<Told>,
    held: Vec<Held>,
    slots: Vec<Slot>,
    echoes: KernelEchoes,
    outages: SavedLog<Shown>,
}

impl<'a, W: Write> Player<'a, W> {
    fn new(output: W, options: &'a Options) -> Self {
        Self {
            output: io::BufWriter::new(output),
            options,
            interpreter: Interpreter::new(options.initial),
            clock: LogClock::default(),
            line_number: 0,
            told: Vec::new(),
            held: Vec::new(),
            slots: Vec::new(),
            echoes: KernelEchoes::default(),
            outages: SavedLog::new(match options.initial {
                Initial::Up => State::Up,
                Initial::Boot => State::Down,
            }),
        }
    }

    fn play(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line_number += 1;
        let text = clean(bytes);
        let line = read(&text);
        if self.options.per_line {
            let kind = self.interpreter.classify(&line, &self.options.names);
            return writeln!(self.output, "{}", kind.map_or("-", Kind::name));
        }
        for (family, told) in self.interpreter.recovered_before(&line) {
            self.fill(family, told);
        }
        let signs = self.interpret(&line);
        let (at, line_number) = (self.clock.time(), self.line_number);
        let told = self.told.drain(..);
        self.held.extend(told.map(|told| Held { at, line_number, told }));
        if self.options.derived
            && let Some(seconds) = at.seconds()
        {
            let outages = self.outages.line(seconds, at, &signs);
            self.hold_outages(outages);
        }
        for family in Family::ALL {
            self.slots.retain(|slot| slot.family != family || self.interpreter.awaits(family));
            if self.interpreter.awaits(family)
                && self.slots.iter().all(|slot| slot.family != family)
            {
                self.slots.push(Slot { family, at, line_number, before: self.held.len() });
            }
        }
        if self.held.len() > MAX_HELD {
            self.recover_all();
        }
        if self.slots.is_empty() { self.print_held() } else { Ok(()) }
    }

    /// The log is over: nothing else will be said.
    fn finish(&mut self) -> io::Result<()> {
        self.recover_all();
        if self.options.derived {
            let ended = self.outages.finish(self.clock.time());
            self.hold_outages(ended);
        }
        self.print_held()
    }

    /// An outage has the time at which it began or ended, which is that of an earlier line.
    fn hold_outages(&mut self, outages: Vec<(Told, Shown)>) {
        let line_number = self.line_number;
        let held = outages.into_iter().map(|(told, at)| Held { at, line_number, told });
        self.held.extend(held);
    }

    fn recover_all(&mut self) {
        for family in Family::ALL {
            if let Some(told) = self.interpreter.recover(family) {
                self.fill(family, told);
            }
        }
        self.slots.clear();
    }

    /// Puts a recovery where it belongs.
    fn fill(&mut self, family: Family, told: Told) {
        let Some(at_slot) = self.slots.iter().position(|slot| slot.family == family) else {
            return;
        };
        let Slot { at, line_number, before, .. } = self.slots.remove(at_slot);
        if self.options.derived
            && family == Family::V4
            && let Some(seconds) = at.seconds()
        {
            let outages = self.outages.line(seconds, at, &[Sign::WanUp]);
            self.hold_outages(outages);
        }
        self.held.insert(before, Held { at, line_number, told });
        // Those that began later stand behind it.
        self.slots[at_slot..].iter_mut().for_each(|slot| slot.before += 1);
    }

    fn print_held(&mut self) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        for held in held.drain(..) {
            self.print(&held)?;
        }
        self.held = held;
        Ok(())
    }

    /// What the line tells goes to `told`; its signs are returned.
    fn interpret(&mut self, line: &Line<'_>) -> Vec<Sign> {
        let before = std::mem::discriminant(&self.clock.time());
        self.clock.read(line, &mut self.told);
        if self.options.derived {
            // After a start of the router every first recovery is news.
            if self.told.iter().any(|told| told.kind == Kind::RouterBoot) {
                self.interpreter.restart();
                self.outages.restart();
            }
        }
        let clock = std::mem::discriminant(&self.clock.time());
        let is_stepped = self.told.iter().any(|told| told.kind == Kind::TimeStepped);
        if is_stepped || clock != before {
            self.outages.clock_stepped();
        }
        // Another start has the same microseconds again.
        if self.told.iter().any(|told| told.kind == Kind::RouterBoot) {
            self.echoes = KernelEchoes::default();
        }
        if !self.options.derived {
            self.told.clear();
        }
        if self.echoes.has_heard(line) {
            return Vec::new();
        }
        let mut found = Findings::default();
        if self.interpreter.interpret(line, &self.options.names, &mut found) {
            self.echoes.remember(line);
        }
        self.told.append(&mut found.news);
        if !self.options.derived {
            self.told.retain(|told| told.kind != Kind::WanIpChanged);
        }
        found.signs
    }

    fn print(&mut self, held: &Held) -> io::Result<()> {
        let Held { at: time, line_number, told } = held;
        let (kind, message) = (told.kind.name(), &told.message);
        if !self.options.json {
            return writeln!(self.output, "{time} {kind} {message}");
        }
        let detail: serde_json::Map<_, _> = told
            .detail
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_str().into()))
            .collect();
        let event = serde_json::json!({
            "line": line_number, "time": time.to_string(), "type": kind,
            "message": message, "detail": detail,
        });
        writeln!(self.output, "{event}")
    }
}

#[cfg(test)]
mod tests;
