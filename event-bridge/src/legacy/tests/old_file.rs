//! The old client's database, as its SQLAlchemy models make it.

use std::path::Path;

use rusqlite::{Connection, params};

/// As `db.create_all()` emits it.
pub(super) const SCHEMA: &str = "
CREATE TABLE network_status (
    id INTEGER NOT NULL, timestamp DATETIME, wan_state VARCHAR(10),
    rx_errors INTEGER, tx_errors INTEGER, rx_dropped INTEGER, tx_dropped INTEGER,
    optical_rx FLOAT, optical_tx FLOAT, cpu_temp FLOAT,
    pppoe_reconnect_count INTEGER, wan_down_count INTEGER, PRIMARY KEY (id));
CREATE INDEX ix_network_status_timestamp ON network_status (timestamp);
CREATE TABLE ping_results (
    id INTEGER NOT NULL, timestamp DATETIME, target VARCHAR(50), rtt FLOAT, loss FLOAT,
    PRIMARY KEY (id));
CREATE TABLE network_events (
    id INTEGER NOT NULL, timestamp DATETIME, event_time DATETIME, event_type VARCHAR(50),
    message TEXT, PRIMARY KEY (id));
CREATE TABLE hourly_stats (
    id INTEGER NOT NULL, hour DATETIME, avg_ping_rtt FLOAT, max_ping_rtt FLOAT,
    min_ping_rtt FLOAT, packet_loss_count INTEGER, pppoe_reconnect_count INTEGER,
    wan_down_count INTEGER, avg_cpu_temp FLOAT, max_cpu_temp FLOAT, PRIMARY KEY (id),
    UNIQUE (hour));";

pub(super) struct OldFile {
    pub(super) connection: Connection,
}

impl OldFile {
    pub(super) fn new(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        Self { connection }
    }

    pub(super) fn do_it(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    pub(super) fn status(&self, time: &str, state: &str) {
        let sql = "INSERT INTO network_status (timestamp, wan_state, rx_errors, tx_errors,
                   rx_dropped, tx_dropped, optical_rx, optical_tx, cpu_temp,
                   pppoe_reconnect_count, wan_down_count)
                   VALUES (?1, ?2, 7, 0, 0, 0, -19.87, 2.5, 51.3, 1, 2)";
        self.connection.prepare_cached(sql).unwrap().execute([time, state]).unwrap();
    }

    pub(super) fn ping(&self, time: &str, target: &str, rtt: f64) {
        let sql = "INSERT INTO ping_results (timestamp, target, rtt, loss) VALUES (?1, ?2, ?3, 2)";
        let mut insert = self.connection.prepare_cached(sql).unwrap();
        insert.execute(params![time, target, rtt]).unwrap();
    }

    pub(super) fn event(&self, polled: &str, time: &str, kind: &str) {
        let sql = "INSERT INTO network_events (timestamp, event_time, event_type, message)
                   VALUES (?1, ?2, ?3, 'of ' || ?3)";
        self.connection.prepare_cached(sql).unwrap().execute([polled, time, kind]).unwrap();
    }

    pub(super) fn hour(&self, hour: &str) {
        let sql = "INSERT INTO hourly_stats (hour, avg_ping_rtt, max_ping_rtt, min_ping_rtt,
                   packet_loss_count, pppoe_reconnect_count, wan_down_count, avg_cpu_temp,
                   max_cpu_temp) VALUES (?1, 20.5, 99.25, 1.5, 4, 2, 1, 50.5, 60.5)";
        self.connection.prepare_cached(sql).unwrap().execute([hour]).unwrap();
    }

    /// Two days of October with a poll every two minutes, one outage each day, and each event
    /// told again at every poll for an hour.
    pub(super) fn two_days(&self) {
        self.do_it("BEGIN");
        let mut events: Vec<(u32, String, &str)> = Vec::new();
        for minute in (0..2 * 24 * 60).step_by(2) {
            let (day, hour, of_hour) = (20 + minute / 1440, minute / 60 % 24, minute % 60);
            let time = |second: &str| format!("2025-10-{day} {hour:02}:{of_hour:02}:{second}");
            let is_down = hour == 12 && (20..30).contains(&of_hour);
            if hour == 12 && of_hour == 20 {
                events.push((minute, time("01.000000"), "pppoe_padt"));
                events.push((minute, time("02.000000"), "wan_down"));
            }
            if hour == 12 && of_hour == 30 {
                events.push((minute, time("03.000000"), "wan_up"));
            }
            self.status(&time("05.123456"), if is_down { "down" } else { "up" });
            self.ping(&time("05.223456"), "8.8.8.8", 12.5);
            self.ping(&time("05.323456"), "1.1.1.1", 7.5);
            events.retain(|(since, ..)| minute - since < 60);
            for (_, at, kind) in &events {
                self.event(&time("05.423456"), at, kind);
            }
        }
        self.do_it("COMMIT");
    }
}
