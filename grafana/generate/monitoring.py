"""Monitoring itself: is what watches the line well?"""

from board import board
from normal import (CLOCK_OFF, DISK_LEFT, NO_ANSWER, ONE_IS_GOOD, SEVERITY_COLORS, UP_DOWN, YES_NO,
                    ZERO_IS_GOOD)
from panel import chart, colored, columns, override, stat, table, timeline
from query import CHOSEN as R, CHOSEN_OR_NONE, now, rows, series

EXPORTER = f'{R},job!="netmonitor-bridge"'
# Of fifty other routers nobody could tell the lines apart.
BRIDGE = 'job="netmonitor-bridge"'

TARGETS = timeline(
    "Scrapes",
    """Whether Prometheus gets metrics from each program, and from this router. Normal: all UP. A
    router that is DOWN is off, or the way to it is; it may well have internet.""",
    series(f"max by (job, router) (up{{{CHOSEN_OR_NONE}}})", "{{job}} {{router}}"),
    mappings=UP_DOWN, thresholds=ONE_IS_GOOD, no_value="nothing is scraped", size=(16, 7))

LOGS = timeline(
    "Exporter: sources of log lines",
    """Whether the router's logs can be followed. Normal: UP; without them there are no events, and
    outages have no cause.""",
    series(f"netmonitor_log_source_up{{{R}}}", "{{source}}"),
    mappings=UP_DOWN, thresholds=ONE_IS_GOOD, no_value=NO_ANSWER, size=(12, 8))

COLLECTORS = timeline(
    "Exporter: collectors",
    "Whether each could read its source. Normal: yes; what a device has not got is not listed.",
    series(f"netmonitor_collector_success{{{R}}}", "{{collector}}"),
    mappings=YES_NO, thresholds=ONE_IS_GOOD, no_value=NO_ANSWER, size=(12, 9))

COLLECTOR_TIMES = chart(
    "Exporter: time of the collectors",
    """How long the last reading of each took. Normal: below 10 ms; optics and commands up to a
    second, which no scrape waits for.""",
    series(f"netmonitor_collector_duration_seconds{{{R}}}", "{{collector}}"),
    unit="s", lowest=0, no_value=NO_ANSWER, size=(12, 9))

CLOCK = stat(
    "Router's clock",
    """How far it is from Prometheus' clock, to a scrape. Normal: below 5 s, kept by a time service; from
    there on the times of its events are doubted.""",
    now(f"""round(max(abs(
        netmonitor_time_seconds{{{R}}} - timestamp(netmonitor_time_seconds{{{R}}}))), 0.1)"""),
    unit="s", thresholds=CLOCK_OFF, no_value=NO_ANSWER, size=(4, 3))

LOST_EVENTS = stat(
    "Events missed, 24 h",
    """Events that the router had forgotten before the bridge could read them. Normal: 0; more need a
    larger MAX_EVENTS, or a bridge that is always on.""",
    now(f"sum(round(increase(netmonitor_bridge_events_missed_total{{{R}}}[24h])))"),
    unit="none", decimals=0, thresholds=ZERO_IS_GOOD, no_value="no answer from the bridge",
    size=(4, 3))

LAST_POLL = stat(
    "Last poll",
    "When the bridge stored a sample of this router last. Normal: a minute ago (POLL_INTERVAL).",
    now(f"max(netmonitor_bridge_poll_last_success_timestamp_seconds{{{R}}}) * 1000"),
    unit="dateTimeFromNow", no_value="no answer from the bridge", size=(4, 3))

BACKUP = stat(
    "Last backup",
    "When `netmonitor-bridge backup` ran last. Normal: within a week.",
    now(f"max(netmonitor_bridge_last_backup_timestamp_seconds{{{BRIDGE}}}) * 1000"),
    unit="dateTimeFromNow", no_value="never", size=(4, 3))

WRITABLE = stat(
    "Bridge can store",
    "Whether the last write to the database succeeded. Normal: yes.",
    now(f"min(netmonitor_bridge_database_writable{{{BRIDGE}}})"),
    unit="none", thresholds=ONE_IS_GOOD, mappings=YES_NO, no_value="no answer from the bridge",
    size=(4, 3))

ALERTS = table(
    "Firing alerts about the monitoring",
    """What is wrong with bridge, Prometheus or Alertmanager, and with no router; docs/runbook.md says
    what to do. Normal: none.""",
    rows("""max by (alertname, severity)
        (ALERTS{alertstate="firing",severity=~"warning|critical",router=""})"""),
    no_value="none", transformations=columns("alertname", "severity", alertname="alert"),
    overrides=[override("severity", mappings=SEVERITY_COLORS, custom_cellOptions=colored())],
    size=(8, 7))

MEMORY = chart(
    "Memory",
    """What each program holds. Normal: exporter 2 to 3 MB, bridge below 20 MB with one router,
    Prometheus 50 to 300 MB, Alertmanager 20 to 50 MB. A line that only rises is a leak.""",
    series(f"process_resident_memory_bytes{{{EXPORTER}}}", "exporter {{router}}"),
    series('process_resident_memory_bytes{router=""}', "{{job}}"),
    unit="decbytes", lowest=0, size=(12, 8), no_value=NO_ANSWER)

CPU = chart(
    "CPU",
    "Share of one core that each program uses. Normal: exporter and bridge below 1 %.",
    series(f"rate(process_cpu_seconds_total{{{EXPORTER}}}[$__rate_interval])",
           "exporter {{router}}"),
    series('rate(process_cpu_seconds_total{router=""}[$__rate_interval])', "{{job}}"),
    unit="percentunit", lowest=0, size=(12, 8), no_value=NO_ANSWER)

SCRAPE_TIMES = chart(
    "Time of scrapes",
    "How long Prometheus waited for each answer. Normal: below 0.1 s; a scrape is given up at 10 s.",
    series(f"max by (job, router) (scrape_duration_seconds{{{CHOSEN_OR_NONE}}})", "{{job}} {{router}}"),
    unit="s", lowest=0, size=(12, 8), no_value="nothing is scraped")

POLL_TIMES = chart(
    "Bridge: time of polls",
    """From asking a router to storing its answer: median and 95th percentile of all. Normal: below
    0.1 s in the house; up to a second by VPN.""",
    *(series(f"""histogram_quantile({share},
        sum by (le) (rate(netmonitor_bridge_poll_duration_seconds_bucket[$__rate_interval])))""",
             words)
      for share, words in [(0.5, "median"), (0.95, "p95")]),
    unit="s", lowest=0, size=(12, 8), no_value="no answer from the bridge")

POLL_AGE = chart(
    "Bridge: age of the last sample",
    """How long ago the bridge stored a sample of this router. Normal: a saw-tooth up to
    POLL_INTERVAL; a line that climbs: the router does not answer.""",
    series(f"time() - netmonitor_bridge_poll_last_success_timestamp_seconds{{{R}}}", "age"),
    unit="s", lowest=0, size=(12, 8), no_value="no answer from the bridge")

POLL_FAILURES = chart(
    "Bridge: failed polls, an hour",
    "Polls of this router that gave no sample. Normal: 0; the bridge's log says why.",
    series(f'increase(netmonitor_bridge_polls_total{{{R},result="failure"}}[1h])', "failed"),
    unit="none", lowest=0, size=(12, 8), no_value="no answer from the bridge")

DATABASE = chart(
    "Bridge: database",
    """Bytes of the file, of what is used in it, and of its write-ahead log. Normal: 7 MB a router for
    30 days of samples and their hours, 5 MB more a year; the log below 10 MB. Alerts fire at nine
    tenths of MAX_DB_SIZE, and when the disk has less than 500 MB left.""",
    series("netmonitor_bridge_database_bytes", "file"),
    series("netmonitor_bridge_database_used_bytes", "used"),
    series("netmonitor_bridge_wal_bytes", "write-ahead log"),
    unit="decbytes", lowest=0, size=(12, 8), no_value="no answer from the bridge")

DISK_FREE = stat(
    "Bridge: disk left",
    "What the disk of the database has room for. Normal: gigabytes. Orange below 500 MB, red below 50.",
    now("min(netmonitor_bridge_disk_free_bytes)"),
    unit="decbytes", thresholds=DISK_LEFT, no_value="no answer from the bridge", size=(4, 3))

QUEUES = chart(
    "What waits",
    """Events in the router's queue (the newest stay in it, so it is often full), and writes that wait
    in the bridge. Normal: writes 0.""",
    series(f"netmonitor_event_queue_length{{{R}}}", "router: events"),
    series("netmonitor_bridge_write_queue_length", "bridge: writes"),
    unit="none", lowest=0, size=(12, 8), no_value=NO_ANSWER)

STORED_EVENTS = chart(
    "Bridge: events stored, an hour",
    "Of all routers. Normal: a few; hundreds are a line that comes and goes.",
    series("increase(netmonitor_bridge_events_stored_total[1h])", "stored"),
    unit="none", lowest=0, size=(12, 8), no_value="no answer from the bridge")

PROMETHEUS = chart(
    "Prometheus: series in memory",
    "What it keeps in memory, about 300 for a router. Normal: flat.",
    series("prometheus_tsdb_head_series", "series"),
    unit="short", lowest=0, size=(6, 8), no_value="no answer from Prometheus")

DISK = chart(
    "Prometheus: blocks on disk",
    "Normal: growing until the time or size of retention is reached; about 1 GB a year and router.",
    series("prometheus_tsdb_storage_blocks_bytes", "blocks"),
    unit="decbytes", lowest=0, size=(6, 8), no_value="no answer from Prometheus")

RULES = chart(
    "Prometheus: time of the rules",
    "How long the last evaluation of each group took. Normal: below 0.1 s; it has 15 s.",
    series("""label_replace(prometheus_rule_group_last_duration_seconds, "group", "$1",
        "rule_group", ".*;(.*)")""", "{{group}}"),
    unit="s", lowest=0, size=(12, 8), no_value="no answer from Prometheus")

NOTIFICATIONS = chart(
    "Alertmanager: messages, an hour",
    """Sent by kind of receiver. Normal: few. None in a month: does the way to you still work? See the
    alert Watchdog in docs/alerts.md.""",
    series("sum by (integration) (increase(alertmanager_notifications_total[1h])) > 0",
           "{{integration}}"),
    unit="none", lowest=0, size=(12, 8), no_value="none in this time")

UNDELIVERED = chart(
    "Alertmanager: attempts that failed, an hour",
    """Normal: 0. During an outage they are expected: it tries until the message is delivered.""",
    series("sum by (integration) (increase(alertmanager_notifications_failed_total[1h])) > 0",
           "{{integration}}"),
    unit="none", lowest=0, size=(12, 8), no_value="none in this time")

BOARD = board(
    "monitoring", "Monitoring itself",
    "Is what watches the line well: exporter, bridge, Prometheus, Alertmanager?",
    [
        [CLOCK, LAST_POLL, LOST_EVENTS, WRITABLE, DISK_FREE, BACKUP],
        [TARGETS, ALERTS],
        "All programs",
        [MEMORY, CPU],
        "Exporter",
        [LOGS, QUEUES],
        [COLLECTORS, COLLECTOR_TIMES],
        "Bridge",
        [POLL_AGE, POLL_FAILURES],
        [POLL_TIMES, STORED_EVENTS],
        [DATABASE, SCRAPE_TIMES],
        "Prometheus and Alertmanager",
        [PROMETHEUS, DISK, RULES],
        [NOTIFICATIONS, UNDELIVERED],
    ],
    since="now-6h")
