//! Whole imports: files as SQLAlchemy makes them, what comes of them, twice and in pieces.

mod bad_files;
mod old_file;
mod outages;
mod whole;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::Connection;

use self::old_file::OldFile;
use super::work::Work;
use super::*;
use crate::progress::Shown;
use crate::store::Store;

/// 2025-11-01 00:00 UTC.
const NOW: Millis = 1_761_955_200_000;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn old_file(&self) -> OldFile {
        OldFile::new(&self.path("old.db"))
    }

    fn import(&self) -> Import {
        Import {
            file: self.path("old.db"),
            database: (&self.path("new.db")).into(),
            router: "gw".to_owned(),
            zone: TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
            now: NOW,
            kept_since: NOW - 30 * 86_400_000,
        }
    }

    async fn run(&self) -> Result<Tally, LegacyError> {
        run(&self.import(), &mut Progress::new(std::io::sink(), Shown::InLines)).await
    }

    fn store(&self) -> Store {
        Store::open(&self.path("new.db"), NOW).unwrap().0
    }

    /// A line for each row of our database.
    fn lines(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.path("new.db")).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let lines = statement.query_map([], |row| row.get(0)).unwrap();
        lines.collect::<Result<_, _>>().unwrap()
    }

    /// All that is in our database, but for numbers that tell only the order of storing.
    fn all(&self) -> Vec<String> {
        [
            "SELECT concat_ws('|', timestamp, wan_state, rx_errors, cpu_temp, router)
             FROM network_status ORDER BY 1",
            "SELECT concat_ws('|', timestamp, target, rtt, loss) FROM ping_results ORDER BY 1",
            "SELECT concat_ws('|', timestamp, event_time, event_type, message)
             FROM network_events ORDER BY 1",
            "SELECT concat_ws('|', hour, avg_ping_rtt, packet_loss_count, pppoe_reconnect_count,
             wan_down_count, avg_cpu_temp) FROM hourly_stats ORDER BY 1",
            "SELECT concat_ws('|', hour, samples, samples_up, observed, outage) FROM hours
             ORDER BY hour",
            "SELECT concat_ws('|', hour, target, avg_rtt, loss) FROM hourly_ping ORDER BY 1",
            "SELECT concat_ws('|', start, \"end\", cause) FROM outages ORDER BY 1",
        ]
        .iter()
        .flat_map(|sql| self.lines(sql))
        .collect()
    }
}

fn utc(text: &str) -> Millis {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}
