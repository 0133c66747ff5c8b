-- The tables and views that SQLite has, in the words of MySQL and MariaDB. Times are milliseconds
-- since 1970, UTC. The collation, which servers call differently, tells texts apart by every letter
-- and space. What a CREATE has done is not undone with the rest, so each may be told again.
CREATE TABLE IF NOT EXISTS facts (
    name  VARCHAR(64) PRIMARY KEY,
    value BIGINT NOT NULL
) {collation};

CREATE TABLE IF NOT EXISTS routers (
    id   BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE
) {collation};

-- What the bridge has to tell of itself.
INSERT IGNORE INTO routers (id, name) VALUES (0, 'netmonitor-bridge');

-- Locked by whoever writes: one bridge at a time, as with SQLite.
INSERT IGNORE INTO facts (name, value) VALUES ('writer', 0);

-- One row per poll, in the order of arrival: a poll of 1,000 routers appends to one page
-- after another instead of touching one page per router.
CREATE TABLE IF NOT EXISTS samples (
    id                   BIGINT AUTO_INCREMENT PRIMARY KEY,
    router               BIGINT NOT NULL,
    at                   BIGINT NOT NULL,
    wan_state            SMALLINT NOT NULL CHECK (wan_state IN (0, 1, 2)), -- down, up, unknown
    rx_errors            BIGINT,
    tx_errors            BIGINT,
    rx_dropped           BIGINT,
    tx_dropped           BIGINT,
    optical_rx           INTEGER, -- 1/100 dBm
    optical_tx           INTEGER, -- 1/100 dBm
    cpu_temp             INTEGER, -- 1/10 degree Celsius
    pppoe_reconnects_24h BIGINT,
    wan_downs_24h        BIGINT,
    UNIQUE KEY samples_by_time (router, at),
    KEY samples_of_all (at, id), -- for questions about all routers
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

CREATE TABLE IF NOT EXISTS targets (
    id     BIGINT AUTO_INCREMENT PRIMARY KEY,
    router BIGINT NOT NULL,
    name   VARCHAR(255) NOT NULL,
    UNIQUE (router, name),
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

CREATE TABLE IF NOT EXISTS pings (
    sample BIGINT NOT NULL,
    target BIGINT NOT NULL,
    rtt    INTEGER, -- microseconds
    loss   INTEGER, -- 1/10 percent
    sent   BIGINT, -- since the router's program started
    lost   BIGINT,
    PRIMARY KEY (sample, target),
    FOREIGN KEY (sample) REFERENCES samples (id) ON DELETE CASCADE,
    FOREIGN KEY (target) REFERENCES targets (id)
) {collation};

CREATE TABLE IF NOT EXISTS streams (
    id     BIGINT AUTO_INCREMENT PRIMARY KEY,
    router BIGINT NOT NULL,
    name   VARCHAR(255) NOT NULL,
    UNIQUE (router, name),
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

CREATE TABLE IF NOT EXISTS cursors (
    router   BIGINT PRIMARY KEY,
    stream   BIGINT NOT NULL,
    after    BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    FOREIGN KEY (router) REFERENCES routers (id),
    FOREIGN KEY (stream) REFERENCES streams (id)
) {collation};

CREATE TABLE IF NOT EXISTS events (
    id       BIGINT AUTO_INCREMENT PRIMARY KEY,
    router   BIGINT NOT NULL,
    stream   BIGINT, -- NULL: an agent that does not number
    seq      BIGINT,
    revision BIGINT NOT NULL,                -- of the answer that told it so; -1: events_lost
    at       BIGINT NOT NULL,
    received BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    message  MEDIUMTEXT NOT NULL,
    detail   MEDIUMTEXT,
    told     TEXT,                            -- without a number: the router's word for the time
    CHECK ((stream IS NULL) = (seq IS NULL)),
    UNIQUE KEY events_by_number (stream, seq),
    KEY events_by_time (router, at),
    KEY events_of_all (at, id),
    KEY events_by_word (router, told(64)),
    FOREIGN KEY (router) REFERENCES routers (id),
    FOREIGN KEY (stream) REFERENCES streams (id)
) {collation};

-- While these lasted the router could not be reached: nothing is known, not even an outage.
CREATE TABLE IF NOT EXISTS gaps (
    router BIGINT NOT NULL,
    start  BIGINT NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (router, start),
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

-- The names and columns that users of the Flask client know, and the router.

CREATE OR REPLACE VIEW network_status AS
SELECT s.id,
       concat(left(date_format(timestampadd(MICROSECOND, s.at * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS timestamp,
       CASE s.wan_state WHEN 1 THEN 'up' WHEN 0 THEN 'down' ELSE 'unknown' END AS wan_state,
       s.rx_errors, s.tx_errors, s.rx_dropped, s.tx_dropped,
       s.optical_rx / 100e0 AS optical_rx,
       s.optical_tx / 100e0 AS optical_tx,
       s.cpu_temp / 10e0 AS cpu_temp,
       s.pppoe_reconnects_24h AS pppoe_reconnect_count,
       s.wan_downs_24h AS wan_down_count,
       r.name AS router
FROM samples AS s JOIN routers AS r ON r.id = s.router;

-- Ids are made as SQLite's views make them.
CREATE OR REPLACE VIEW ping_results AS
SELECT p.sample * 262144 + p.target AS id,
       concat(left(date_format(timestampadd(MICROSECOND, s.at * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS timestamp,
       t.name AS target,
       p.rtt / 1000e0 AS rtt,
       p.loss / 10e0 AS loss,
       r.name AS router
FROM pings AS p
JOIN samples AS s ON s.id = p.sample
JOIN targets AS t ON t.id = p.target
JOIN routers AS r ON r.id = s.router;

CREATE OR REPLACE VIEW network_events AS
SELECT e.id,
       concat(left(date_format(timestampadd(MICROSECOND, e.received * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS timestamp,
       concat(left(date_format(timestampadd(MICROSECOND, e.at * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS event_time,
       e.kind AS event_type,
       e.message,
       r.name AS router
FROM events AS e JOIN routers AS r ON r.id = e.router;

-- What is kept when samples and events are gone: hours, outages, alerts.

-- Sums and counts, not means: added up they are exactly what the raw rows give.
CREATE TABLE IF NOT EXISTS hours (
    router           BIGINT NOT NULL,
    hour             BIGINT NOT NULL, -- since 1970, UTC
    samples          BIGINT NOT NULL,
    samples_up       BIGINT NOT NULL,
    observed         BIGINT NOT NULL, -- milliseconds that anybody watched
    outage           BIGINT NOT NULL, -- milliseconds of them without the internet
    loss_sum         BIGINT NOT NULL, -- 1/10 percent, of all pings
    loss_count       BIGINT NOT NULL,
    cpu_sum          BIGINT NOT NULL, -- 1/10 degree Celsius
    cpu_count        BIGINT NOT NULL,
    cpu_max          BIGINT,
    optical_rx_sum   BIGINT NOT NULL, -- 1/100 dBm
    optical_rx_count BIGINT NOT NULL,
    optical_rx_min   BIGINT,
    optical_tx_sum   BIGINT NOT NULL, -- 1/100 dBm
    optical_tx_count BIGINT NOT NULL,
    rx_errors        BIGINT,          -- packets in this hour; NULL: no sample says
    tx_errors        BIGINT,
    rx_dropped       BIGINT,
    tx_dropped       BIGINT,
    pppoe_events     BIGINT NOT NULL, -- of the kinds pppoe_*
    wan_events       BIGINT NOT NULL, -- of the kinds wan_*
    pppoe_ups        BIGINT NOT NULL,
    wan_downs        BIGINT NOT NULL,
    PRIMARY KEY (router, hour),
    KEY hours_of_all (hour),
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

CREATE TABLE IF NOT EXISTS hour_pings (
    target     BIGINT NOT NULL,
    hour       BIGINT NOT NULL,
    rtt_sum    BIGINT NOT NULL, -- microseconds, over one mean of each minute
    rtt_count  BIGINT NOT NULL, -- minutes with an answer
    rtt_min    BIGINT,
    rtt_max    BIGINT,
    rtt_p95    BIGINT,          -- of the means of the minutes
    loss_sum   BIGINT NOT NULL, -- 1/10 percent, over all pings
    loss_count BIGINT NOT NULL,
    sent       BIGINT,          -- requests in this hour; NULL: the agent does not count
    lost       BIGINT,
    PRIMARY KEY (target, hour),
    FOREIGN KEY (target) REFERENCES targets (id)
) {collation};

-- Hours whose rows above are not what the raw rows say: not complete yet, or late data came.
CREATE TABLE IF NOT EXISTS hours_due (
    router BIGINT NOT NULL,
    hour   BIGINT NOT NULL,
    PRIMARY KEY (hour, router),
    FOREIGN KEY (router) REFERENCES routers (id)
) {collation};

-- Times without the internet, each as one event pair or run of samples tells it; those at
-- most three minutes apart are one outage, which is found when they are read.
CREATE TABLE IF NOT EXISTS drops (
    id       BIGINT AUTO_INCREMENT PRIMARY KEY,
    router   BIGINT NOT NULL,
    name     VARCHAR(512) NOT NULL,          -- the router's word for it, or ours
    stream   BIGINT, -- NULL: concluded by the bridge
    start    BIGINT NOT NULL,
    is_told  SMALLINT NOT NULL,              -- 0: the start is what the end says of it
    until    BIGINT,                        -- NULL: no end was told
    cause    TEXT NOT NULL,
    side     TEXT NOT NULL,
    evidence MEDIUMTEXT,                    -- an object of strings
    UNIQUE (router, name),
    KEY drops_by_time (router, start),
    KEY drops_open (router, until),
    FOREIGN KEY (router) REFERENCES routers (id),
    FOREIGN KEY (stream) REFERENCES streams (id)
) {collation};

-- A drop without an end, of the stream before, ended when the router started at the latest.
CREATE TABLE IF NOT EXISTS boots (
    router BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (router, stream, seq),
    FOREIGN KEY (router) REFERENCES routers (id),
    FOREIGN KEY (stream) REFERENCES streams (id)
) {collation};

-- From Alertmanager, one row for each state of each alert.
CREATE TABLE IF NOT EXISTS alerts (
    id          BIGINT AUTO_INCREMENT PRIMARY KEY,
    fingerprint VARCHAR(128) NOT NULL,
    status      VARCHAR(16) NOT NULL CHECK (status IN ('firing', 'resolved')),
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT,                      -- NULL: not told, or not yet
    received    BIGINT NOT NULL,
    name        TEXT NOT NULL,
    router      TEXT,                        -- as the labels say
    labels      MEDIUMTEXT NOT NULL,         -- objects of strings
    annotations MEDIUMTEXT NOT NULL,
    UNIQUE (fingerprint, starts_at, status),
    KEY alerts_by_time (received)
) {collation};

CREATE OR REPLACE VIEW hourly_stats AS
SELECT h.router * 16777216 + h.hour AS id,
       date_format(timestampadd(HOUR, h.hour, '1970-01-01'), '%Y-%m-%dT%H:%i:%sZ') AS hour,
       p.rtt_sum / 1000e0 / p.rtt_count AS avg_ping_rtt,
       p.rtt_max / 1000e0 AS max_ping_rtt,
       p.rtt_min / 1000e0 AS min_ping_rtt,
       p.lost AS packet_loss_count,
       h.pppoe_ups AS pppoe_reconnect_count,
       h.wan_downs AS wan_down_count,
       h.cpu_sum / 10e0 / nullif(h.cpu_count, 0) AS avg_cpu_temp,
       h.cpu_max / 10e0 AS max_cpu_temp,
       r.name AS router
FROM hours AS h
JOIN routers AS r ON r.id = h.router
LEFT JOIN (
    SELECT t.router, p.hour, sum(p.rtt_sum) AS rtt_sum, nullif(sum(p.rtt_count), 0) AS rtt_count,
           max(p.rtt_max) AS rtt_max, min(p.rtt_min) AS rtt_min, sum(p.lost) AS lost
    FROM hour_pings AS p JOIN targets AS t ON t.id = p.target GROUP BY t.router, p.hour
) AS p ON p.router = h.router AND p.hour = h.hour;

CREATE OR REPLACE VIEW hourly_ping AS
SELECT p.target * 16777216 + p.hour AS id,
       date_format(timestampadd(HOUR, p.hour, '1970-01-01'), '%Y-%m-%dT%H:%i:%sZ') AS hour,
       t.name AS target,
       p.rtt_sum / 1000e0 / nullif(p.rtt_count, 0) AS avg_rtt,
       p.rtt_min / 1000e0 AS min_rtt,
       p.rtt_max / 1000e0 AS max_rtt,
       p.rtt_p95 / 1000e0 AS p95_of_minutes,
       p.loss_sum / 10e0 / nullif(p.loss_count, 0) AS loss,
       p.sent, p.lost,
       r.name AS router
FROM hour_pings AS p
JOIN targets AS t ON t.id = p.target
JOIN routers AS r ON r.id = t.router;

-- Each drop by itself; an end that was not told is not known here.
CREATE OR REPLACE VIEW outages AS
SELECT d.id,
       concat(left(date_format(timestampadd(MICROSECOND, d.start * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS start,
       concat(left(date_format(timestampadd(MICROSECOND, d.until * 1000, '1970-01-01'),
                                '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS "end",
       (d.until - d.start) / 1000e0 AS duration_seconds,
       d.cause, d.side,
       r.name AS router
FROM drops AS d JOIN routers AS r ON r.id = d.router;
