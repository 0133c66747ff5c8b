//! The `sqlite3` shell over a database, kept open and asked through a pipe: what the same
//! question costs without us.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock;
use crate::cores::Cores;
use crate::running::{Piped, find_on_path};

/// No row of ours is this line.
const END: &str = "end of the answer";

/// An open shell that answers in JSON.
pub struct SqliteShell(Piped);

impl SqliteShell {
    /// Opens `database` for reading.
    ///
    /// # Errors
    /// When the shell is not installed.
    pub fn open(database: &Path, cores: Option<&Cores>) -> Result<Self> {
        let program = find_on_path("sqlite3")
            .context("sqlite3 is not on PATH; on Debian: apt install sqlite3")?;
        let arguments = ["-readonly", "-json", "-bail"].map(Into::into);
        let arguments = [&arguments[..], &[database.into()]].concat();
        Ok(Self(Piped::start(program.as_os_str(), &arguments, cores)?))
    }

    /// Asks, and waits for the end of the answer. Gives the time of it, and its bytes.
    ///
    /// # Errors
    /// When the shell ends, as it does when it does not understand.
    pub fn ask(&mut self, sql: &str) -> Result<(Duration, u64)> {
        let asked = clock::now();
        self.0.input.write_all(format!("{sql}\n.print {END}\n").as_bytes())?;
        let mut line = Vec::new();
        let mut bytes = 0;
        loop {
            line.clear();
            let read = self.0.output.read_until(b'\n', &mut line)?;
            ensure!(read > 0, "the sqlite3 shell has ended after: {sql}");
            if line.trim_ascii_end() == END.as_bytes() {
                return Ok((clock::now().saturating_duration_since(asked), bytes));
            }
            bytes += read as u64;
        }
    }
}
