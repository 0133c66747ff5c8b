-- What is kept when samples and events are gone: hours, outages, alerts.

-- Sums and counts, not means: added up they are exactly what the raw rows give.
CREATE TABLE hours (
    router           INTEGER NOT NULL REFERENCES routers (id),
    hour             INTEGER NOT NULL, -- since 1970, UTC
    samples          INTEGER NOT NULL,
    samples_up       INTEGER NOT NULL,
    observed         INTEGER NOT NULL, -- milliseconds that anybody watched
    outage           INTEGER NOT NULL, -- milliseconds of them without the internet
    loss_sum         INTEGER NOT NULL, -- 1/10 percent, of all pings
    loss_count       INTEGER NOT NULL,
    cpu_sum          INTEGER NOT NULL, -- 1/10 degree Celsius
    cpu_count        INTEGER NOT NULL,
    cpu_max          INTEGER,
    optical_rx_sum   INTEGER NOT NULL, -- 1/100 dBm
    optical_rx_count INTEGER NOT NULL,
    optical_rx_min   INTEGER,
    optical_tx_sum   INTEGER NOT NULL, -- 1/100 dBm
    optical_tx_count INTEGER NOT NULL,
    rx_errors        INTEGER,          -- packets in this hour; NULL: no sample says
    tx_errors        INTEGER,
    rx_dropped       INTEGER,
    tx_dropped       INTEGER,
    pppoe_events     INTEGER NOT NULL, -- of the kinds pppoe_*
    wan_events       INTEGER NOT NULL, -- of the kinds wan_*
    pppoe_ups        INTEGER NOT NULL,
    wan_downs        INTEGER NOT NULL,
    PRIMARY KEY (router, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE hour_pings (
    target     INTEGER NOT NULL REFERENCES targets (id),
    hour       INTEGER NOT NULL,
    rtt_sum    INTEGER NOT NULL, -- microseconds, over one mean of each minute
    rtt_count  INTEGER NOT NULL, -- minutes with an answer
    rtt_min    INTEGER,
    rtt_max    INTEGER,
    rtt_p95    INTEGER,          -- of the means of the minutes
    loss_sum   INTEGER NOT NULL, -- 1/10 percent, over all pings
    loss_count INTEGER NOT NULL,
    sent       INTEGER,          -- requests in this hour; NULL: the agent does not count
    lost       INTEGER,
    PRIMARY KEY (target, hour)
) STRICT, WITHOUT ROWID;

-- Hours whose rows above are not what the raw rows say: not complete yet, or late data came.
CREATE TABLE hours_due (
    router INTEGER NOT NULL REFERENCES routers (id),
    hour   INTEGER NOT NULL,
    PRIMARY KEY (hour, router)
) STRICT, WITHOUT ROWID;

-- What is there already.
INSERT INTO hours_due (router, hour)
SELECT router, at / 3600000 FROM samples
UNION SELECT router, at / 3600000 FROM events WHERE at >= 0;

-- Times without the internet, each as one event pair or run of samples tells it; those at
-- most three minutes apart are one outage, which is found when they are read.
CREATE TABLE drops (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    router   INTEGER NOT NULL REFERENCES routers (id),
    name     TEXT NOT NULL,                  -- the router's word for it, or ours
    stream   INTEGER REFERENCES streams (id), -- NULL: concluded by the bridge
    start    INTEGER NOT NULL,
    is_told  INTEGER NOT NULL,               -- 0: the start is what the end says of it
    until    INTEGER,                        -- NULL: no end was told
    cause    TEXT NOT NULL,
    side     TEXT NOT NULL,
    evidence TEXT,                           -- an object of strings
    UNIQUE (router, name)
) STRICT;

CREATE INDEX drops_by_time ON drops (router, start);
CREATE INDEX drops_open ON drops (router) WHERE until IS NULL;

-- A drop without an end, of the stream before, ended when the router started at the latest.
CREATE TABLE boots (
    router INTEGER NOT NULL REFERENCES routers (id),
    stream INTEGER NOT NULL REFERENCES streams (id),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (router, stream, seq)
) STRICT, WITHOUT ROWID;

-- From Alertmanager, one row for each state of each alert.
CREATE TABLE alerts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('firing', 'resolved')),
    starts_at   INTEGER NOT NULL,
    ends_at     INTEGER,                      -- NULL: not told, or not yet
    received    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    labels      TEXT NOT NULL,                -- objects of strings
    annotations TEXT NOT NULL,
    UNIQUE (fingerprint, starts_at, status)
) STRICT;

CREATE INDEX alerts_by_time ON alerts (received);

-- 2^24 hours are enough until the year 3884.
CREATE VIEW hourly_stats AS
SELECT h.router * 16777216 + h.hour AS id,
       strftime('%Y-%m-%dT%H:%M:%SZ', h.hour * 3600, 'unixepoch') AS hour,
       p.rtt_sum / 1000.0 / p.rtt_count AS avg_ping_rtt,
       p.rtt_max / 1000.0 AS max_ping_rtt,
       p.rtt_min / 1000.0 AS min_ping_rtt,
       p.lost AS packet_loss_count,
       h.pppoe_ups AS pppoe_reconnect_count,
       h.wan_downs AS wan_down_count,
       h.cpu_sum / 10.0 / nullif(h.cpu_count, 0) AS avg_cpu_temp,
       h.cpu_max / 10.0 AS max_cpu_temp,
       r.name AS router
FROM hours AS h
JOIN routers AS r ON r.id = h.router
LEFT JOIN (
    SELECT t.router, p.hour, sum(p.rtt_sum) AS rtt_sum, nullif(sum(p.rtt_count), 0) AS rtt_count,
           max(p.rtt_max) AS rtt_max, min(p.rtt_min) AS rtt_min, sum(p.lost) AS lost
    FROM hour_pings AS p JOIN targets AS t ON t.id = p.target GROUP BY t.router, p.hour
) AS p ON p.router = h.router AND p.hour = h.hour;

CREATE VIEW hourly_ping AS
SELECT p.target * 16777216 + p.hour AS id,
       strftime('%Y-%m-%dT%H:%M:%SZ', p.hour * 3600, 'unixepoch') AS hour,
       t.name AS target,
       p.rtt_sum / 1000.0 / nullif(p.rtt_count, 0) AS avg_rtt,
       p.rtt_min / 1000.0 AS min_rtt,
       p.rtt_max / 1000.0 AS max_rtt,
       p.rtt_p95 / 1000.0 AS p95_of_minutes,
       p.loss_sum / 10.0 / nullif(p.loss_count, 0) AS loss,
       p.sent, p.lost,
       r.name AS router
FROM hour_pings AS p
JOIN targets AS t ON t.id = p.target
JOIN routers AS r ON r.id = t.router;

-- Each drop by itself; an end that was not told is not known here.
CREATE VIEW outages AS
SELECT d.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.start / 1000.0, 'unixepoch') AS start,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.until / 1000.0, 'unixepoch') AS "end",
       (d.until - d.start) / 1000.0 AS duration_seconds,
       d.cause, d.side,
       r.name AS router
FROM drops AS d JOIN routers AS r ON r.id = d.router;
