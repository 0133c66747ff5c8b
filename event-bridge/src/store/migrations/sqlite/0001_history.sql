-- What routers tell. Times are milliseconds since 1970, UTC.
-- The application id (the letters NMBr) tells our files from others'.
PRAGMA application_id = 1313686130;

CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE routers (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What the bridge has to tell of itself.
INSERT INTO routers (id, name) VALUES (0, 'netmonitor-bridge');

-- One row per poll, in the order of arrival: a poll of 1,000 routers appends to one page
-- after another instead of touching one page per router.
CREATE TABLE samples (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    router               INTEGER NOT NULL REFERENCES routers (id),
    at                   INTEGER NOT NULL,
    wan_state            INTEGER NOT NULL CHECK (wan_state IN (0, 1, 2)), -- down, up, unknown
    rx_errors            INTEGER,
    tx_errors            INTEGER,
    rx_dropped           INTEGER,
    tx_dropped           INTEGER,
    optical_rx           INTEGER, -- 1/100 dBm
    optical_tx           INTEGER, -- 1/100 dBm
    cpu_temp             INTEGER, -- 1/10 degree Celsius
    pppoe_reconnects_24h INTEGER,
    wan_downs_24h        INTEGER
) STRICT;

CREATE UNIQUE INDEX samples_by_time ON samples (router, at);

CREATE TABLE targets (
    id     INTEGER PRIMARY KEY,
    router INTEGER NOT NULL REFERENCES routers (id),
    name   TEXT NOT NULL,
    UNIQUE (router, name)
) STRICT;

CREATE TABLE pings (
    sample INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    target INTEGER NOT NULL REFERENCES targets (id),
    rtt    INTEGER, -- microseconds
    loss   INTEGER, -- 1/10 percent
    sent   INTEGER, -- since the router's program started
    lost   INTEGER,
    PRIMARY KEY (sample, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE streams (
    id     INTEGER PRIMARY KEY,
    router INTEGER NOT NULL REFERENCES routers (id),
    name   TEXT NOT NULL,
    UNIQUE (router, name)
) STRICT;

CREATE TABLE cursors (
    router   INTEGER PRIMARY KEY REFERENCES routers (id),
    stream   INTEGER NOT NULL REFERENCES streams (id),
    after    INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    router   INTEGER NOT NULL REFERENCES routers (id),
    stream   INTEGER REFERENCES streams (id), -- NULL: an agent that does not number
    seq      INTEGER,
    revision INTEGER NOT NULL,                -- of the answer that told it so; -1: events_lost
    at       INTEGER NOT NULL,
    received INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    message  TEXT NOT NULL,
    detail   TEXT,
    told     TEXT,                            -- without a number: the router's word for the time
    CHECK ((stream IS NULL) = (seq IS NULL))
) STRICT;

-- A stream belongs to one router: unique on (router, stream, seq).
CREATE UNIQUE INDEX events_by_number ON events (stream, seq) WHERE stream IS NOT NULL;
CREATE INDEX events_by_time ON events (router, at);
CREATE INDEX events_by_word ON events (router, told) WHERE stream IS NULL;

-- While these lasted the router could not be reached: nothing is known, not even an outage.
CREATE TABLE gaps (
    router INTEGER NOT NULL REFERENCES routers (id),
    start  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (router, start)
) STRICT, WITHOUT ROWID;

-- The names and columns that users of the Flask client know, and the router.

CREATE VIEW network_status AS
SELECT s.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.at / 1000.0, 'unixepoch') AS timestamp,
       CASE s.wan_state WHEN 1 THEN 'up' WHEN 0 THEN 'down' ELSE 'unknown' END AS wan_state,
       s.rx_errors, s.tx_errors, s.rx_dropped, s.tx_dropped,
       s.optical_rx / 100.0 AS optical_rx,
       s.optical_tx / 100.0 AS optical_tx,
       s.cpu_temp / 10.0 AS cpu_temp,
       s.pppoe_reconnects_24h AS pppoe_reconnect_count,
       s.wan_downs_24h AS wan_down_count,
       r.name AS router
FROM samples AS s JOIN routers AS r ON r.id = s.router;

-- 2^18 targets and 2^35 samples fit into an id below 2^53: the same sum is in samples.rs.
CREATE VIEW ping_results AS
SELECT p.sample * 262144 + p.target AS id,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.at / 1000.0, 'unixepoch') AS timestamp,
       t.name AS target,
       p.rtt / 1000.0 AS rtt,
       p.loss / 10.0 AS loss,
       r.name AS router
FROM pings AS p
JOIN samples AS s ON s.id = p.sample
JOIN targets AS t ON t.id = p.target
JOIN routers AS r ON r.id = s.router;

CREATE VIEW network_events AS
SELECT e.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.received / 1000.0, 'unixepoch') AS timestamp,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch') AS event_time,
       e.kind AS event_type,
       e.message,
       r.name AS router
FROM events AS e JOIN routers AS r ON r.id = e.router;
