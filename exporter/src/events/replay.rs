//! `replay`: runs a saved log through the code that `run` uses, and prints what it tells.
//!
//! Called by `cli.rs` and by fuzzers. The input is streamed; the clock is the log's own.

use std::io::{self, ErrorKind, Read, Write};

use super::event::Told;
use super::interpreter::{Initial, Interpreter};
use super::kind::Kind;
use super::lines::Splitter;
use super::log_clock::LogClock;
use super::names::Names;
use super::parse::envelope::{Line, clean, read};

/// One system call for some hundred lines.
const CHUNK_BYTES: usize = 32 * 1024;

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
    match outcome.and_then(|()| player.output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The state of a replay.
struct Player<'a, W: Write> {
    output: io::BufWriter<W>,
    options: &'a Options,
    interpreter: Interpreter,
    clock: LogClock,
    line_number: u64,
    told: Vec<Told>,
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
        self.interpret(&line);
        let mut told = std::mem::take(&mut self.told);
        for told in told.drain(..) {
            self.print(&told)?;
        }
        self.told = told;
        Ok(())
    }

    fn interpret(&mut self, line: &Line<'_>) {
        self.clock.read(line, &mut self.told);
        if self.options.derived {
            // After a start of the router every first recovery is news.
            if self.told.iter().any(|told| told.kind == Kind::RouterBoot) {
                self.interpreter.restart();
            }
        } else {
            self.told.clear();
        }
        self.interpreter.interpret(line, &self.options.names, &mut self.told);
        if !self.options.derived {
            self.told.retain(|told| told.kind != Kind::WanIpChanged);
        }
    }

    fn print(&mut self, told: &Told) -> io::Result<()> {
        let (time, kind, message) = (self.clock.time(), told.kind.name(), &told.message);
        if !self.options.json {
            return writeln!(self.output, "{time} {kind} {message}");
        }
        let detail: serde_json::Map<_, _> = told
            .detail
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_str().into()))
            .collect();
        let event = serde_json::json!({
            "line": self.line_number, "time": time.to_string(), "type": kind,
            "message": message, "detail": detail,
        });
        writeln!(self.output, "{event}")
    }
}

#[cfg(test)]
mod tests;
