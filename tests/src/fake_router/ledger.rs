//! What the routers produced: one row an event, there before anybody can read the event.
//!
//! In memory, and as JSON lines in a file if one is given. The file is written as things
//! happen, so that a kill loses nothing: a row that changes is written once more, and the
//! last line with an `id` counts ([`read`]). When the routers stop it is written anew, a
//! line an event.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Further facts of an event.
pub type Detail = BTreeMap<String, String>;

/// An event of a router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its place in the ledger.
    pub id: u64,
    /// Name of the router.
    pub router: String,
    /// Whose number `seq` is. An old agent shows neither.
    pub stream: String,
    /// Its number; a router that goes back (`seq-back`) gives one twice.
    pub seq: u64,
    /// Seconds since 1970 by the router's clock, after the last correction.
    pub ts: f64,
    /// Other times that a reader may have: before corrections that none is known to have
    /// read yet. Of an event that is gone, for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ts_before: Vec<f64>,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people; no two of a router are alike.
    pub message: String,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Detail::is_empty")]
    pub detail: Detail,
    /// What became of it.
    pub fate: Fate,
}

impl Row {
    /// Whether a reader that was there must have it. The others it may have: those that
    /// were gone before it came back and said so.
    #[must_use]
    pub fn must_be_known(&self) -> bool {
        matches!(self.fate, Fate::Queued | Fate::Read)
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Can be read, and nobody is known to have it.
    Queued,
    /// A reader has asked for what comes after it. Of an old agent: was in a whole answer.
    Read,
    /// Evicted from the queue before that.
    Evicted,
    /// Gone with a reboot or a new stream before that.
    Rebooted,
    /// Gone with this program, which was killed.
    Killed,
}

/// All rows of all routers.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: BTreeMap<u64, Row>,
    file: Option<(PathBuf, File)>,
    /// The first line that could not be written.
    failure: Option<std::io::Error>,
}

impl Ledger {
    /// In memory, or going on with that file: what is still queued there was killed.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let mut rows = BTreeMap::new();
        if path.exists() {
            rows.extend(read(path)?.into_iter().map(|row| (row.id, row)));
        }
        for row in rows.values_mut().filter(|row| row.fate == Fate::Queued) {
            row.fate = Fate::Killed;
        }
        let mut ledger = Self { rows, file: None, failure: None };
        ledger.write_anew(path)?;
        let file = OpenOptions::new().append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        ledger.file = Some((path.to_owned(), file));
        Ok(ledger)
    }

    /// A new row; its `id` is given here.
    pub(super) fn add(&mut self, mut row: Row) -> u64 {
        let id = self.rows.last_key_value().map_or(0, |(last, _)| last + 1);
        row.id = id;
        self.append(&row);
        self.rows.insert(id, row);
        id
    }

    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut Row)) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        let before = row.clone();
        change(row);
        if *row != before {
            let row = row.clone();
            self.append(&row);
        }
    }

    fn append(&mut self, row: &Row) {
        let Some((_, file)) = &mut self.file else { return };
        let written = line(row).and_then(|line| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.values().cloned().collect()
    }

    /// Leaves a line an event in the file, if there is one.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some((path, _)) = self.file.take() else {
            return Ok(());
        };
        if let Some(failure) = self.failure.take() {
            return Err(failure).with_context(|| format!("{}: lines are missing", path.display()));
        }
        self.write_anew(&path)
    }

    /// By a rename: who reads meanwhile sees the old file or the new one.
    fn write_anew(&mut self, path: &Path) -> Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        let write = || -> std::io::Result<()> {
            let mut to = std::io::BufWriter::new(File::create(&new)?);
            for row in self.rows.values() {
                to.write_all(line(row)?.as_bytes())?;
            }
            to.flush()?;
            std::fs::rename(&new, path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn line(row: &Row) -> std::io::Result<String> {
    let mut line = serde_json::to_string(row)?;
    line.push('\n');
    Ok(line)
}

/// The rows of a ledger's file, in the order of their making.
///
/// # Errors
/// When it cannot be read, or a line makes no sense. One that a kill has cut off at the end
/// is left out: its event was never to be seen.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut rows = BTreeMap::new();
    for (number, line) in (1..).zip(whole.lines()) {
        let row: Row = serde_json::from_str(line)
            .with_context(|| format!("{} line {number}", path.display()))?;
        rows.insert(row.id, row);
    }
    let numbers = (0..).zip(rows.keys()).all(|(number, id): (u64, _)| number == *id);
    ensure!(numbers, "{}: rows are missing", path.display());
    Ok(rows.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64) -> Row {
        Row {
            id: 0,
            router: "router-0001".to_owned(),
            stream: "ab".to_owned(),
            seq,
            ts: 12.5,
            ts_before: Vec::new(),
            kind: "test".to_owned(),
            message: "a test".to_owned(),
            detail: Detail::new(),
            fate: Fate::Queued,
        }
    }

    #[test]
    fn the_file_is_always_up_to_date_and_short_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::open(Some(&path)).unwrap();
        let ids = [ledger.add(row(1)), ledger.add(row(2))];
        assert_eq!(ids, [0, 1]);
        ledger.change(0, |row| row.fate = Fate::Read);
        ledger.change(1, |row| row.ts_before.push(3.0));
        assert_eq!(read(&path).unwrap(), ledger.rows());
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
        ledger.finish().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"id\":0,\"router\":\"router-0001\",\"stream\":\"ab\",\"seq\":1,\"ts\":12.5,\"type\":\"test\",\
             \"message\":\"a test\",\"fate\":\"read\"}\n\
             {\"id\":1,\"router\":\"router-0001\",\"stream\":\"ab\",\"seq\":2,\"ts\":12.5,\"ts_before\":[3.0],\
             \"type\":\"test\",\"message\":\"a test\",\"fate\":\"queued\"}\n"
        );
    }

    #[test]
    fn a_killed_programs_ledger_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut killed = Ledger::open(Some(&path)).unwrap();
        killed.add(row(1));
        killed.add(row(2));
        killed.change(0, |row| row.fate = Fate::Read);
        drop(killed);
        let cut = std::fs::read_to_string(&path).unwrap() + "{\"id\":2,\"rou";
        std::fs::write(&path, cut).unwrap();

        let mut ledger = Ledger::open(Some(&path)).unwrap();
        assert_eq!(ledger.add(row(1)), 2);
        let fates: Vec<_> = ledger.rows().iter().map(|row| row.fate).collect();
        assert_eq!(fates, [Fate::Read, Fate::Killed, Fate::Queued]);
        assert_eq!(read(&path).unwrap(), ledger.rows());
        let known: Vec<_> = ledger.rows().iter().map(Row::must_be_known).collect();
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn a_file_that_is_no_ledger_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        std::fs::write(&path, "{\"id\":0}\n").unwrap();
        assert!(format!("{:#}", Ledger::open(Some(&path)).unwrap_err()).contains("ledger line 1"));
        std::fs::write(&path, line(&Row { id: 5, ..row(1) }).unwrap()).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("rows are missing"));
    }
}
