//! Where reading stopped: so that a restart neither skips nor repeats a line. Pure.
//!
//! A file and the kernel's log have addresses; the log daemon's ring has none, so its last
//! lines are remembered by their hashes and found again in the backlog.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::parse::envelope::{Line, Origin, Stamp};

/// Lines in a row that are remembered: one alone may come twice.
const RUN: usize = 16;
/// Fewer than this in a row are no proof, unless there are no more.
const MIN_RUN: usize = 2;

/// What has been read of every source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Positions {
    #[serde(default)]
    pub(crate) logread: Run,
    #[serde(default)]
    pub(crate) files: BTreeMap<PathBuf, FilePosition>,
    /// Number of the kernel's next record.
    #[serde(default)]
    pub(crate) kmsg: Option<u64>,
}

/// A place in a file that may be renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePosition {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Bytes read.
    pub(crate) offset: u64,
    /// What the file begins with: another file may get the same inode.
    #[serde(default)]
    pub(crate) head: Option<Head>,
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) length: u64,
    hash: u64,
}

impl Head {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hash = Fnv::new();
        hash.add(bytes);
        Self { length: bytes.len() as u64, hash: hash.0 }
    }
}

/// Where a line stands in its source.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In the ring of the log daemon.
    Ring(LineHash),
    /// Ends at this position.
    File(&'a Path, FilePosition),
    /// The kernel's number of it.
    Kernel(u64),
    /// Nowhere: it is told once and kept by nobody.
    Nowhere,
}

impl Positions {
    /// A line has been taken in.
    pub(crate) fn passed(&mut self, place: Place<'_>) {
        match place {
            Place::Ring(hash) => self.logread.push(hash),
            Place::File(path, position) => match self.files.get_mut(path) {
                Some(known) => *known = position,
                None => {
                    self.files.insert(path.to_owned(), position);
                }
            },
            Place::Kernel(number) => self.kmsg = Some(number.saturating_add(1)),
            Place::Nowhere => {}
        }
    }

    /// What still counts after the router has started anew.
    pub(crate) fn after_a_boot(self) -> Self {
        Self { files: self.files, ..Self::default() }
    }
}

/// A line by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineHash(u64);

impl LineHash {
    /// By its time and its text. Where the log has time since 1970, the local time is left
    /// out: somebody may set another zone.
    pub(crate) fn of(line: &Line<'_>) -> Self {
        let mut hash = Fnv::new();
        match &line.stamp {
            Stamp::Unix { at, .. } => hash.add(&at.as_nanos().to_le_bytes()),
            Stamp::Local(local) => {
                let parts = [local.month, local.day, local.hour, local.minute, local.second];
                hash.add(&parts.map(i8::cast_unsigned));
            }
            Stamp::None => {}
        }
        if let Some(uptime) = line.uptime {
            hash.add(&uptime.as_nanos().to_le_bytes());
        }
        if let Origin::Program { name, pid } = line.origin {
            hash.add(name.as_bytes());
            hash.add(&pid.unwrap_or_default().to_le_bytes());
        }
        hash.add(line.text.as_bytes());
        Self(hash.0)
    }
}

/// FNV-1a: kept in a file, so it must be the same in the next release; it need not
/// withstand anybody.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The last lines read, oldest first; at most [`RUN`], also of a file that has more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "VecDeque<LineHash>")]
pub(crate) struct Run(VecDeque<LineHash>);

impl From<VecDeque<LineHash>> for Run {
    fn from(mut hashes: VecDeque<LineHash>) -> Self {
        hashes.drain(..hashes.len().saturating_sub(RUN));
        Self(hashes)
    }
}

impl Run {
    fn push(&mut self, hash: LineHash) {
        if self.0.len() == RUN {
            self.0.pop_front();
        }
        self.0.push_back(hash);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Finds in a backlog the place where reading stopped.
#[derive(Debug)]
pub(crate) struct Search {
    wanted: Run,
    seen: Run,
}

impl Search {
    pub(crate) fn new(wanted: Run) -> Self {
        Self { wanted, seen: Run::default() }
    }

    /// Takes the next line of the backlog. `true`: it was the last one read; what follows
    /// is new. A ring that has lost the beginning of the run is matched by what it has.
    pub(crate) fn found_at(&mut self, hash: LineHash) -> bool {
        self.seen.push(hash);
        let (seen, wanted) = (&self.seen.0, &self.wanted.0);
        let length = seen.len().min(wanted.len());
        let enough = length >= MIN_RUN.min(wanted.len());
        enough && seen.iter().rev().take(length).eq(wanted.iter().rev().take(length))
    }

    /// The lines that went by.
    pub(crate) fn into_seen(self) -> Run {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::parse::envelope;
    use proptest::prelude::*;

    fn run(lines: impl IntoIterator<Item = u64>) -> Run {
        let mut run = Run::default();
        lines.into_iter().for_each(|line| run.push(LineHash(line)));
        run
    }

    /// How many lines of the backlog are new.
    fn new_lines(read: &[u64], backlog: &[u64]) -> Option<usize> {
        let mut search = Search::new(run(read.iter().copied()));
        let at = backlog.iter().position(|line| search.found_at(LineHash(*line)))?;
        Some(backlog.len() - at - 1)
    }

    #[test]
    fn reading_goes_on_after_the_last_line() {
        assert_eq!(new_lines(&[1, 2, 3], &[1, 2, 3]), Some(0));
        assert_eq!(new_lines(&[1, 2, 3], &[0, 1, 2, 3, 4, 5]), Some(2));
    }

    #[test]
    fn a_ring_that_has_lost_the_beginning_is_still_recognised() {
        assert_eq!(new_lines(&[1, 2, 3, 4], &[3, 4, 5]), Some(1));
        assert_eq!(new_lines(&[1, 2, 3, 4], &[4, 5]), None, "one line alone proves nothing");
        assert_eq!(new_lines(&[4], &[4, 5]), Some(1), "unless there was only one");
    }

    #[test]
    fn a_ring_with_nothing_in_common_is_all_new() {
        assert_eq!(new_lines(&[1, 2, 3], &[7, 8, 9]), None);
    }

    #[test]
    fn equal_lines_are_told_apart_by_their_neighbours() {
        assert_eq!(new_lines(&[1, 2, 2], &[1, 2, 2, 2, 3]), Some(2));
    }

    #[test]
    fn another_time_zone_changes_nothing_where_the_log_has_real_time() {
        let hash = |line| LineHash::of(&envelope::read(line));
        let here = "Mon Mar  3 10:20:30 2025 [1740993630.250] daemon.notice netifd: x";
        let there = "Mon Mar  3 18:20:30 2025 [1740993630.250] daemon.notice netifd: x";
        let later = "Mon Mar  3 10:20:30 2025 [1740993630.251] daemon.notice netifd: x";
        assert_eq!(hash(here), hash(there));
        assert_ne!(hash(here), hash(later));
    }

    #[test]
    fn a_reboot_keeps_the_places_in_files_only() {
        let mut positions = Positions::default();
        let place = FilePosition { device: 1, inode: 2, offset: 3, head: Some(Head::of(b"x")) };
        positions.passed(Place::Ring(LineHash(1)));
        positions.passed(Place::Kernel(7));
        positions.passed(Place::File(Path::new("/var/log/messages"), place));
        let text = serde_json::to_string(&positions).unwrap();
        assert_eq!(serde_json::from_str::<Positions>(&text).unwrap(), positions);
        assert_eq!(positions.kmsg, Some(8));
        let after = positions.after_a_boot();
        assert!(after.logread.is_empty() && after.kmsg.is_none());
        assert_eq!(after.files[Path::new("/var/log/messages")], place);
    }

    #[test]
    fn of_a_file_with_more_lines_the_last_are_kept() {
        let lines: Vec<u64> = (0..1000).collect();
        let read: Run = serde_json::from_value(serde_json::json!(lines)).unwrap();
        assert_eq!(read, run(984..1000));
    }

    proptest! {
        #[test]
        fn distinct_lines_are_always_found(
            read in 1..200_usize, lost in 0..200_usize, new in 0..100_usize
        ) {
            let all: Vec<u64> = (0..(read + new) as u64).collect();
            let lost = lost.min(read.saturating_sub(MIN_RUN));
            prop_assert_eq!(new_lines(&all[..read], &all[lost..]), Some(new));
        }
    }
}
