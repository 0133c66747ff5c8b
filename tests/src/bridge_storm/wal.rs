//! The write-ahead log of the bridge's database as a kill has left it, and as a power cut
//! would have (sqlite.org/fileformat2.html, "The Write-Ahead Log").
//!
//! With `synchronous=NORMAL` SQLite syncs the log only before it copies pages of it into
//! the database: what was written since may be gone, from any byte on.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::random::Random;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// In the index beside the log: how many frames were copied into the database
/// (sqlite.org/walformat.html, "The WAL-Index File Format").
const COPIED_AT: usize = 96;

/// The log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wal {
    /// Changes when the log begins anew, which it does after all of it was copied.
    salt: [u8; 8],
    page: usize,
    /// Ends of the commits, in bytes.
    pub(super) commits: Vec<u64>,
    /// Frames were written after the last one: the beginning of a commit.
    pub(super) is_within_write: bool,
}

impl Wal {
    /// Of the database.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn read(database: &Path) -> Result<Self> {
        let path = beside(database, "-wal");
        match fs::read(&path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let header = || {
            let salt = *bytes.get(16..)?.first_chunk()?;
            Some((number(0)?, number(8)? as usize, salt, [number(24)?, number(28)?]))
        };
        let Some((magic, page, salt, sum)) = header() else { return Self::default() };
        let mut wal = Self { salt, page, commits: Vec::new(), is_within_write: false };
        let is_big_endian = magic & 1 == 1;
        let (mut sum, mut at) = (sum, HEADER);
        while let Some(frame) = bytes.get(at..at + FRAME_HEADER + page) {
            let (head, data) = frame.split_at(FRAME_HEADER);
            sum = checksum(checksum(sum, &head[..8], is_big_endian), data, is_big_endian);
            let stated = [number(at + 16), number(at + 20)];
            if head[8..16] != salt || stated != sum.map(Some) {
                break;
            }
            at += frame.len();
            // Of the last frame of a commit: the size of the database.
            let is_commit = head[4..8] != [0; 4];
            wal.is_within_write = !is_commit;
            if is_commit {
                wal.commits.push(at as u64);
            }
        }
        wal
    }

    /// Where the log ends, as far as it counts.
    pub(super) fn end(&self) -> u64 {
        self.commits.last().copied().unwrap_or(HEADER as u64)
    }

    /// Has the power cut off at a byte by chance: what `since` had is on the disk, and what
    /// was copied. Gives how many commits are lost.
    ///
    /// # Errors
    /// When the files cannot be changed.
    pub(super) fn cut(self, database: &Path, since: &Self, random: &mut Random) -> Result<usize> {
        let index = beside(database, "-shm");
        let bytes = fs::read(&index)?;
        let copied = bytes.get(COPIED_AT..).and_then(<[u8]>::first_chunk);
        let copied = u32::from_ne_bytes(*copied.context("the index of the log is too short")?);
        let synced = HEADER as u64 + u64::from(copied) * (FRAME_HEADER + self.page) as u64;
        let kept = if since.salt == self.salt { since.end() } else { 0 };
        let (from, end) = (synced.max(kept), self.end());
        ensure!(from <= end, "{from} bytes were synced, and {end} were written");
        let at = random.number(from as usize..end as usize) as u64;
        let file = OpenOptions::new().write(true).open(beside(database, "-wal"))?;
        file.set_len(at)?;
        // Shared memory; nothing of it outlives the power.
        fs::remove_file(index)?;
        Ok(self.commits.iter().filter(|commit| **commit > at).count())
    }
}

/// Adds bytes to a checksum.
fn checksum([mut first, mut second]: [u32; 2], bytes: &[u8], is_big_endian: bool) -> [u32; 2] {
    let word = if is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (words, _) = bytes.as_chunks::<4>();
    for pair in words.chunks_exact(2) {
        first = first.wrapping_add(word(pair[0])).wrapping_add(second);
        second = second.wrapping_add(word(pair[1])).wrapping_add(first);
    }
    [first, second]
}

pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of 8 bytes; of each frame whether it ends a commit.
    fn log(frames: &[bool]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [0x377f_0683_u32, 3_007_000, 8, 0, 0x5a17, 0x5a18] {
            bytes.extend(number.to_be_bytes());
        }
        let mut sum = checksum([0, 0], &bytes, true);
        bytes.extend(sum.map(u32::to_be_bytes).concat());
        for (page, is_commit) in (1_u32..).zip(frames) {
            let head = [page.to_be_bytes(), u32::from(*is_commit).to_be_bytes()].concat();
            let data = [page as u8; 8];
            sum = checksum(checksum(sum, &head, true), &data, true);
            bytes.extend([&head, &bytes[16..24].to_vec()].map(|part| &part[..]).concat());
            bytes.extend(sum.map(u32::to_be_bytes).concat());
            bytes.extend(data);
        }
        bytes
    }

    #[test]
    fn commits_and_a_write_that_was_cut_short_are_found() {
        let wal = Wal::parse(&log(&[false, true, true]));
        assert_eq!((&wal.commits[..], wal.is_within_write), (&[96, 128][..], false));
        let wal = Wal::parse(&log(&[true, false]));
        assert_eq!((&wal.commits[..], wal.is_within_write), (&[64][..], true));
        assert_eq!(Wal::parse(b""), Wal::default());
        let mut torn = log(&[true, true]);
        torn[70] ^= 1;
        assert_eq!(Wal::parse(&torn).commits, [64]);
        assert!(Wal::parse(&torn[..60]).commits.is_empty());
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db");
        let bytes = log(&[true, true, true, true]);
        let mut lost = Vec::new();
        for seed in 0..50 {
            fs::write(beside(&database, "-wal"), &bytes).unwrap();
            let mut index = vec![0; 136];
            index[COPIED_AT..][..4].copy_from_slice(&1_u32.to_ne_bytes());
            fs::write(beside(&database, "-shm"), index).unwrap();
            let since = Wal::parse(&bytes[..96]);
            let wal = Wal::read(&database).unwrap();
            lost.push(wal.cut(&database, &since, &mut Random::new(seed)).unwrap());
            let left = Wal::read(&database).unwrap().commits.len();
            assert_eq!(left, 4 - lost[lost.len() - 1]);
        }
        assert!(lost.contains(&1) && lost.iter().all(|lost| (1..=2).contains(lost)), "{lost:?}");
    }
}
