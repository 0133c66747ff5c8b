//! How far a long task is: one line that is written over on a terminal, and now and then a line
//! elsewhere. The time comes in.

use std::io::{self, Write};
use std::time::{Duration, Instant};

/// On a terminal: as fast as anybody reads.
const REDRAWN: Duration = Duration::from_millis(250);

/// In a log.
const REPEATED: Duration = Duration::from_secs(5);

/// Where the progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The cursor can go back.
    OnTerminal,
    /// It cannot.
    InLines,
}

/// See the module.
#[derive(Debug)]
pub struct Progress<W> {
    to: W,
    shown: Shown,
    last: Option<Instant>,
    /// The line on the terminal has to be ended.
    is_open: bool,
}

impl<W: Write> Progress<W> {
    /// Nothing is written yet.
    pub fn new(to: W, shown: Shown) -> Self {
        Self { to, shown, last: None, is_open: false }
    }

    /// Says how far it is, if that was not said just now.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn tell(&mut self, now: Instant, line: impl FnOnce() -> String) -> io::Result<()> {
        let pause = match self.shown {
            Shown::OnTerminal => REDRAWN,
            Shown::InLines => REPEATED,
        };
        let is_soon = |last: Instant| now.saturating_duration_since(last) < pause;
        if self.last.is_some_and(is_soon) {
            return Ok(());
        }
        self.last = Some(now);
        let line = line();
        match self.shown {
            Shown::OnTerminal => {
                // What is left of a longer line before is written over.
                write!(self.to, "\r{line:<60}")?;
                self.is_open = true;
            }
            Shown::InLines => writeln!(self.to, "{line}")?,
        }
        self.to.flush()
    }

    /// What follows begins on a line of its own.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_open) { writeln!(self.to) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(shown: Shown) -> String {
        let (mut text, begin) = (Vec::new(), crate::clock::monotonic());
        let mut progress = Progress::new(&mut text, shown);
        for step in 0..60_u64 {
            let now = begin + Duration::from_millis(step * 100);
            progress.tell(now, || format!("{step} rows")).unwrap();
        }
        progress.end().unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_log_gets_few_lines_and_a_terminal_one() {
        assert_eq!(told(Shown::InLines), "0 rows\n50 rows\n");
        let text = told(Shown::OnTerminal);
        assert!((10..=24).contains(&text.matches('\r').count()), "{text}");
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "{text}");
    }
}
