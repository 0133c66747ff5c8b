//! What is asked of the bridge, and how somebody who knows the tables would ask SQLite for the
//! same rows: by the indexes, newest first, times as text, with the router's name.

/// A question.
pub(super) struct Question {
    /// As the bridge is asked.
    pub(super) path: &'static str,
    /// As the shell is; `None`: no question of the database.
    pub(super) sql: Option<fn() -> String>,
    /// The goal of the 95th percentile with one router.
    pub(super) below_ms: f64,
}

/// What the old client's paths must reach.
const OLD_PATH_MS: f64 = 5.0;
/// A page of 1,000 rows.
const PAGE_MS: f64 = 8.0;
/// A month for the provider.
const REPORT_MS: f64 = 100.0;

const fn old(path: &'static str, sql: Option<fn() -> String>) -> Question {
    Question { path, sql, below_ms: OLD_PATH_MS }
}

const fn page(path: &'static str) -> Question {
    Question { path, sql: None, below_ms: PAGE_MS }
}

/// Has SQLite use the indexes by router and time.
const ANY: &str = "router IN (SELECT id FROM routers)";
const ALL: &str = "0";
const DAY: &str = "(unixepoch() - 86400) * 1000";
const MONTH: &str = "(unixepoch() - 30 * 86400) * 1000";
/// More than there are.
const MANY: u32 = 10_000_000;

/// With default parameters, over the whole thirty days, and pages of the new paths.
pub(super) const QUESTIONS: &[Question] = &[
    old("/health", None),
    old("/api/status", None),
    old("/api/history", Some(|| history(DAY, 100))),
    old("/api/ping_history", Some(|| pings(DAY, 500))),
    old("/api/events", Some(|| events(ALL, 50))),
    old("/api/stats/summary", Some(|| summary(DAY))),
    old("/api/stats/summary?hours=720", Some(|| summary(MONTH))),
    page("/api/v1/samples?limit=1000"),
    page("/api/v1/pings?limit=1000"),
    page("/api/v1/events?limit=1000"),
    page("/api/v1/hourly?limit=1000"),
    page("/api/v1/outages?limit=1000"),
    Question { path: "/api/v1/report?router=router-0001", sql: None, below_ms: REPORT_MS },
];

/// With as much as there is, up to a million rows.
pub(super) const UNLIMITED: &[Question] = &[
    old("/api/history?hours=87000&limit=1000000", Some(|| history(ALL, MANY))),
    old("/api/ping_history?hours=87000&limit=1000000", Some(|| pings(ALL, MANY))),
    old("/api/events?limit=1000000", Some(|| events(ALL, MANY))),
];

fn history(since: &str, limit: u32) -> String {
    let count = format!(
        "SELECT count(*) AS total FROM samples
         WHERE {ANY} AND at >= {since};"
    );
    [count, samples(since, limit), pings(since, 500), events(since, 100)].join("\n")
}

fn samples(since: &str, limit: u32) -> String {
    format!(
        "SELECT s.id, strftime('%Y-%m-%dT%H:%M:%SZ', s.at / 1000, 'unixepoch') AS timestamp,
         CASE s.wan_state WHEN 1 THEN 'up' WHEN 0 THEN 'down' ELSE 'unknown' END AS wan_state,
         s.rx_errors, s.tx_errors, s.rx_dropped, s.tx_dropped, s.optical_rx / 100.0 AS rx,
         s.optical_tx / 100.0 AS tx, s.cpu_temp / 10.0 AS cpu_temp, s.pppoe_reconnects_24h,
         s.wan_downs_24h, r.name AS router
         FROM samples AS s JOIN routers AS r ON r.id = s.router
         WHERE s.{ANY} AND s.at >= {since} ORDER BY s.at DESC LIMIT {limit};"
    )
}

fn pings(since: &str, limit: u32) -> String {
    format!(
        "SELECT p.sample * 262144 + p.target AS id,
         strftime('%Y-%m-%dT%H:%M:%SZ', s.at / 1000, 'unixepoch') AS timestamp,
         t.name AS target, p.rtt / 1000.0 AS rtt, p.loss / 10.0 AS loss, r.name AS router
         FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
         JOIN targets AS t ON t.id = p.target JOIN routers AS r ON r.id = s.router
         WHERE s.{ANY} AND s.at >= {since} ORDER BY s.at DESC LIMIT {limit};"
    )
}

fn events(since: &str, limit: u32) -> String {
    format!(
        "SELECT e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.received / 1000, 'unixepoch') AS timestamp,
         strftime('%Y-%m-%dT%H:%M:%SZ', e.at / 1000, 'unixepoch') AS event_time,
         e.kind AS type, e.message, e.detail, r.name AS router
         FROM events AS e JOIN routers AS r ON r.id = e.router
         WHERE e.{ANY} AND e.at >= {since} ORDER BY e.at DESC LIMIT {limit};"
    )
}

fn summary(since: &str) -> String {
    let range = format!("{ANY} AND at >= {since}");
    format!(
        "SELECT count(*) AS total, sum(wan_state = 1) AS up, avg(cpu_temp) / 10.0 AS cpu
         FROM samples WHERE {range};
         SELECT avg(p.loss) / 10.0 AS loss FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
         WHERE s.{range};
         SELECT sum(kind GLOB 'pppoe_*') AS pppoe, sum(kind GLOB 'wan_*') AS wan
         FROM events WHERE {range};"
    )
}
