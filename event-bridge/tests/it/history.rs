//! What is in the database of a test before the bridge starts.

use rusqlite::Connection;

/// More samples, pings and events than the old client gave at a time, all of the last hour,
/// of the router that the program is started with.
pub(crate) const SAMPLES: i64 = 400;
/// Two targets each.
pub(crate) const PINGS: i64 = 2 * SAMPLES;
pub(crate) const EVENTS: i64 = 150;

pub(crate) fn usual(database: &Connection) {
    begin(database);
    let text = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {SAMPLES})
         INSERT INTO samples SELECT n, 1, {NOW} - 3000000 + n * 7000, n % 4 != 0,
            n, 2 * n, 3, NULL, -1852, NULL, 528, 4, 5 FROM n;
         INSERT INTO targets VALUES (1, 1, '192.0.2.1'), (2, 1, '2001:db8::53');
         INSERT INTO pings SELECT id, 1, 6200, 0, id * 60, id FROM samples;
         INSERT INTO pings SELECT id, 2, NULL, 1000, id * 60, id * 60 FROM samples;"
    );
    database.execute_batch(&text).unwrap();
    events(database, EVENTS, "'a \"quoted\" word'");
    // As the store does, for some of it may be of the hour before this one.
    let due = "INSERT INTO hours_due (router, hour)
               SELECT router, at / 3600000 FROM samples UNION
               SELECT router, at / 3600000 FROM events;";
    database.execute_batch(due).unwrap();
}

/// As many events as are wanted, with this message (SQL).
pub(crate) fn events(database: &Connection, count: i64, message: &str) {
    begin(database);
    let text = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO events (router, stream, seq, revision, at, received, kind, message, detail)
         SELECT 1, 1, n, 0, {NOW} - 3000000 + n * 10, {NOW} - 3000000 + n * 10 + 500,
            CASE n % 2 WHEN 0 THEN 'wan_down' ELSE 'pppoe_up' END, {message},
            CASE n % 2 WHEN 0 THEN '{{\"interface\":\"wan\"}}' END FROM n;"
    );
    database.execute_batch(&text).unwrap();
}

/// By the clock of this machine, in milliseconds.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

fn begin(database: &Connection) {
    database
        .execute_batch(
            "INSERT OR IGNORE INTO routers VALUES (1, '127.0.0.1');
             INSERT OR IGNORE INTO streams VALUES (1, 1, 's');",
        )
        .unwrap();
}
