//! What became of the rows: counted while they are read, and told at the end.

use std::collections::BTreeMap;
use std::fmt;

use super::rows::Reason;

/// Of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rows {
    /// Seen in the old file.
    pub read: u64,
    /// Made for rows of another table that had none.
    pub made: u64,
    /// New in ours.
    pub stored: u64,
    /// In the old file before: an event that was told again, a second ping of a poll.
    pub repeated: u64,
    /// With a reason.
    pub skipped: u64,
}

impl Rows {
    /// In our database already.
    #[must_use]
    pub fn known(&self) -> u64 {
        (self.read + self.made).saturating_sub(self.stored + self.repeated + self.skipped)
    }
}

/// Rows skipped for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Skipped {
    count: u64,
    /// The number of the first of them.
    first: Option<i64>,
}

/// Of the whole import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// `network_status`.
    pub samples: Rows,
    /// `ping_results`.
    pub pings: Rows,
    /// `network_events`.
    pub events: Rows,
    /// `hourly_stats`.
    pub hours: Rows,
    /// Values that made no sense.
    pub values_left_out: u64,
    /// Times that the zone does not have.
    pub times_left_out: u64,
    /// Hours added up from the rows.
    pub added_up: u64,
    /// Some rows are older than they are kept.
    pub has_rows_to_go: bool,
    skipped: BTreeMap<(&'static str, Reason), Skipped>,
}

impl Tally {
    /// All that were read.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.samples.read + self.pings.read + self.events.read + self.hours.read
    }

    pub(super) fn skip(
        &mut self,
        table: &'static str,
        reason: Reason,
        row: Option<i64>,
        count: u64,
    ) {
        let none = Skipped { count: 0, first: row };
        self.skipped.entry((table, reason)).or_insert(none).count += count;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16}{:>12}{:>12}{:>12}{:>12}{:>12}",
            "", "read", "stored", "there", "repeated", "skipped"
        )?;
        let tables = [
            ("network_status", self.samples),
            ("ping_results", self.pings),
            ("network_events", self.events),
            ("hourly_stats", self.hours),
        ];
        for (name, rows) in tables {
            writeln!(
                f,
                "{name:<16}{:>12}{:>12}{:>12}{:>12}{:>12}",
                rows.read,
                rows.stored,
                rows.known(),
                rows.repeated,
                rows.skipped
            )?;
        }
        for ((table, reason), skipped) in &self.skipped {
            write!(f, "skipped: {} of {table}: {reason}", skipped.count)?;
            match skipped.first {
                None => writeln!(f)?,
                Some(first) => writeln!(f, " (first: id {first})")?,
            }
        }
        for (count, what) in [
            (self.samples.made, "samples made for pings without one; their WAN state is unknown"),
            (self.values_left_out, "values made no sense and were left out; their rows were kept"),
            (self.times_left_out, "times do not exist in the zone; was it that of the old host?"),
        ] {
            if count > 0 {
                writeln!(f, "{count} {what}")?;
            }
        }
        write!(f, "{} hours added up", self.added_up)?;
        if self.has_rows_to_go {
            write!(
                f,
                "\nrows older than RETENTION_DAYS go at the next clean-ups; their hours stay for \
                 HOURLY_RETENTION_DAYS"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_accounted_for() {
        let events = Rows { read: 100, stored: 2, repeated: 90, skipped: 3, made: 0 };
        let mut tally = Tally { events, has_rows_to_go: true, ..Tally::default() };
        tally.skip("network_events", Reason::NoTime, Some(17), 1);
        tally.skip("network_events", Reason::NoTime, Some(19), 2);
        let text = tally.to_string();
        for part in [
            "network_events           100           2           5          90           3\n",
            "skipped: 3 of network_events: the time is none (first: id 17)\n",
            "0 hours added up\nrows older than RETENTION_DAYS",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("left out"), "{text}");
    }
}
