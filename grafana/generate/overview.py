"""The home dashboard: is the line up, how good is it, what happened last. Everything here comes
from Prometheus alone, so that it is complete without the Infinity plugin."""

from board import board
from normal import (AVAILABILITY, CPU_TEMPERATURE, DBM, EVENT_COLORS, LATENCY,
                    LIGHT_RECEIVED, LIGHT_SENT, LOSS, NO_ANSWER, RED, SEVERITY_COLORS,
                    UP_DOWN, ZERO_IS_GOOD, ONE_IS_GOOD, ERRORS_OF_AN_HOUR, steps, GREEN, ORANGE)
from panel import (change, chart, colored, columns, override, override_query, stat, table)
from query import CHOSEN as R, CHOSEN_OR_NONE, now, recorded, rows, series

# Those of the bridge and of Prometheus have no router, and concern all.
FIRING = f'ALERTS{{alertstate="firing",severity=~"warning|critical",{CHOSEN_OR_NONE}}}'

INTERNET = stat(
    "Internet",
    """UP while any target on the internet answers pings; DOWN after 3 s without an answer from
    any. Normal: UP. It does not judge how good the line is.""",
    now(f"max(netmonitor_internet_up{{{R}}})"),
    unit="none", thresholds=ONE_IS_GOOD, mappings=UP_DOWN, no_value=NO_ANSWER, size=(4, 3))

WAN = stat(
    "WAN interface",
    """UP while the router has its interface to the provider up. Normal: UP. The internet can be gone
    all the same: then the fault is behind it.""",
    now(f"min(netmonitor_wan_up{{{R}}})"),
    unit="none", thresholds=ONE_IS_GOOD, mappings=UP_DOWN, no_value=NO_ANSWER, size=(4, 3))

LATENCY_NOW = stat(
    "Mean latency",
    """Round-trip time to the near targets, mean of 5 minutes. Normal: below 50 ms, by fibre below 20
    ms. Orange from 100 ms, red from 500 ms. Far targets have a limit of their own: dashboard
    "Latency and loss".""",
    now(f'avg(target:netmonitor_ping_rtt_seconds:mean_rate5m{{{R},scope="domestic"}})'),
    unit="s", thresholds=LATENCY, no_value="no near target answers", size=(4, 3))

LOSS_NOW = stat(
    "Loss",
    """Share of the pings of the last 5 minutes that were lost, over all targets on the internet.
    Normal: 0 %. Orange from 1 %, red from 5 %.""",
    now(f'avg(target:netmonitor_ping_loss:ratio_rate5m{{{R},scope!="gateway"}})'),
    unit="percentunit", decimals=1, thresholds=LOSS, no_value=NO_ANSWER, size=(4, 3))

CPU = stat(
    "CPU temperature",
    "Of the router's processor. Normal: 40 to 65 °C. Orange from 75 °C, red from 85 °C.",
    now(f"max(netmonitor_cpu_temperature_celsius{{{R}}})"),
    unit="celsius", decimals=1, thresholds=CPU_TEMPERATURE, size=(4, 3))


def availability(days, span):
    return stat(
        f"Availability {days}",
        f"""Share of the last {days} with internet: 1 - seconds of outage / seconds that somebody
        watched. Normal: 99.9 % and more; orange below that, red below 99 %. Counted every 5
        minutes.""",
        # Shares of labels that it had before are recorded for a while.
        now(f"""max({recorded(f'router:netmonitor_availability:ratio{span}{{{R}}}')}
            and on (customer, site, router) up{{{R}}})"""),
        unit="percentunit", decimals=2, thresholds=AVAILABILITY,
        no_value="not counted yet, or no answer", size=(4, 3))


LAST_OUTAGE = stat(
    "Last outage",
    """How long the newest outage lasted that is over, and when it ended; below it cause and side
    (docs/outages.md). The ledger is in the dashboard "Outages and events".""",
    now(f"""netmonitor_outage_duration_seconds{{{R}}} and on (outage)
        topk(1, netmonitor_outage_end_timestamp_seconds{{{R}}})""", "{{cause}} ({{side}})"),
    now(f"topk(1, netmonitor_outage_end_timestamp_seconds{{{R}}}) * 1000", "ended"),
    unit="s", text_mode="value_and_name", color_mode="none",
    no_value="none known, or no answer from the router",
    overrides=[override_query("B", unit="dateTimeFromNow")], size=(8, 3))

ALERTS = stat(
    "Alerts",
    """How many warnings and critical alerts there are, about this router or what watches it, those
    that a worse one mutes among them. Listed below. Normal: 0.""",
    now(f"count({FIRING}) or vector(0)"),
    unit="none", thresholds=ZERO_IS_GOOD, size=(4, 3))


ALERT_LIST = table(
    "Firing alerts",
    """What is wrong at the moment with this router, or with what watches it; docs/runbook.md says
    what to do. Normal: none.""",
    rows(f"max by (alertname, severity) ({FIRING})"),
    no_value="none", transformations=columns("alertname", "severity", alertname="alert"),
    overrides=[override("severity", mappings=SEVERITY_COLORS, custom_cellOptions=colored(),
                        custom_width=120)],
    size=(12, 8))


def counted(title, description, kind, normal):
    return stat(
        title, description,
        now(f'sum(round(increase(netmonitor_events_total{{{R},type="{kind}"}}[24h])))'),
        unit="none", decimals=0, thresholds=normal, no_value=NO_ANSWER, size=(4, 3))


RECONNECTS = counted(
    "PPPoE reconnects 24 h",
    """Times that the PPPoE session was set up within 24 hours, as far as scrapes saw them; a start of
    the router may hide one. Normal: 0, or 1 with a daily redial. Orange from 2, red from 4.""",
    "pppoe_up", steps(GREEN, (2, ORANGE), (4, RED)))

WAN_DROPS = counted(
    "WAN drops 24 h",
    """Times that the WAN interface went down within 24 hours, as far as scrapes saw them. Normal: 0,
    or 1 with a daily redial. Orange from 2, red from 4.""",
    "wan_down", steps(GREEN, (2, ORANGE), (4, RED)))

PING_TREND = chart(
    "Ping: round-trip time",
    """Mean time of the answers of each target; a gap is a time without any. Normal: flat, below 50
    ms to near targets (gateway: a few ms). A rise every evening is a full line or a full
    provider.""",
    series(f"rate(netmonitor_ping_rtt_seconds_sum{{{R}}}[$__rate_interval])"
           f" / rate(netmonitor_ping_rtt_seconds_count{{{R}}}[$__rate_interval])", "{{target}}"),
    unit="s", lowest=0, no_value=NO_ANSWER, size=(16, 10), calcs=("lastNotNull", "mean", "max"))

LOSS_TREND = chart(
    "Ping: loss",
    """Share of the pings that were lost, for each target. Normal: 0. During an outage 100 % to all.
    Lines at 1 % and 5 %.""",
    series(f"rate(netmonitor_ping_lost_total{{{R}}}[$__rate_interval])"
           f" / rate(netmonitor_ping_requests_total{{{R}}}[$__rate_interval])", "{{target}}"),
    unit="percentunit", thresholds=LOSS, lowest=0, no_value=NO_ANSWER, size=(8, 10))

RECEIVED = chart(
    "Light received",
    """Optical power that arrives. Normal: -8 to -28 dBm, green; from -25 dBm down it is worth
    watching. A slow fall is dirt, a bend or a bad splice; a sudden one a break. Above -8 dBm the
    receiver is overloaded.""",
    series(f"netmonitor_optical_receive_power_dbm{{{R}}}", "received ({{source}})"),
    unit=DBM, decimals=2, thresholds=LIGHT_RECEIVED, bands=True, size=(12, 8))

SENT = chart(
    "Light sent",
    """Optical power that the module sends. Normal: 1 to 5 dBm, green. Falling over months, it is
    ageing.""",
    series(f"netmonitor_optical_transmit_power_dbm{{{R}}}", "sent ({{source}})"),
    unit=DBM, decimals=2, thresholds=LIGHT_SENT, bands=True, size=(12, 8))

ERRORS = chart(
    "Interface errors and drops",
    """Packets an hour, by device: errors (damaged on arrival, or could not be sent) and drops. Normal:
    0 errors; a few drops are harmless. Errors point to the cable or the socket: orange line above
    0, red above 10. By kind: dashboard "Line".""",
    *(series(" + ".join(f"increase(netmonitor_interface_{way}_{what}_total{{{R}}}[1h])"
                        for way in ["receive", "transmit"]),
             f"{{{{device}}}}: {words}")
      for what, words in [("errors", "errors"), ("dropped", "drops")]),
    unit="none", thresholds=ERRORS_OF_AN_HOUR, lowest=0, no_value=NO_ANSWER, size=(12, 8))

TARGETS = table(
    "Targets",
    """Each target: time of the newest ping, then of the last 5 minutes mean, 95th percentile (exact
    to a bucket), loss, and the longest run without an answer. Normal: loss 0 %, longest loss below
    3 s. Empty cells: nothing was answered.""",
    *(rows(f"max by (target) ({metric}{{{R}}})") for metric in [
        "netmonitor_ping_last_rtt_seconds", "target:netmonitor_ping_rtt_seconds:mean_rate5m",
        "target:netmonitor_ping_rtt_seconds:p95_rate5m", "target:netmonitor_ping_loss:ratio_rate5m",
        "netmonitor_ping_longest_loss_seconds"]),
    unit="s", no_value=NO_ANSWER, sort_by=[("target", False)],
    transformations=[
        change("merge"),
        *columns("target", "Value #A", "Value #B", "Value #C", "Value #D", "Value #E",
                 **{"Value #A": "now", "Value #B": "mean", "Value #C": "p95", "Value #D": "loss",
                    "Value #E": "longest loss"}),
    ],
    # Times have no colour here: near and far targets have different limits.
    overrides=[
        override("loss", unit="percentunit", decimals=1, thresholds=LOSS,
                 custom_cellOptions=colored()),
    ],
    size=(12, 8))

EVENTS = table(
    "Latest 20 events",
    """What happened to the line, newest first, coloured by kind: red outages, purple PPPoE, blue WAN
    and DHCP, orange link and module, grey the router. Of several of one kind within a step of the
    chart (a minute or two of 24 h, more of longer times) the last one. All of them, with their
    messages: "Outages and events".""",
    # What is new since the step before; 30 s more for a scrape that came late.
    series(f"""(netmonitor_event_last_timestamp_seconds{{{R}}} > time() - $__interval_ms / 1000 - 30)
        * 1000""", "{{type}}"),
    no_value="no event in this time", sort_by=[("when", True)],
    transformations=[
        change("seriesToRows"),
        change("groupBy", fields={
            "Metric": {"operation": "groupby", "aggregations": []},
            "Value": {"operation": "groupby", "aggregations": []},
        }),
        change("sortBy", fields={}, sort=[{"field": "Value", "desc": True}]),
        change("limit", limitField=20),
        *columns("Value", "Metric", Value="when", Metric="event"),
    ],
    overrides=[
        override("when", unit="dateTimeAsIso", custom_width=170, custom_align="left"),
        override("event", mappings=EVENT_COLORS, custom_cellOptions=colored()),
    ],
    size=(12, 8))

BOARD = board(
    "overview", "Overview",
    """Is the line up, how good is it, and what happened last? Start here.""",
    [
        [INTERNET, WAN, ALERTS, LATENCY_NOW, LOSS_NOW, CPU],
        [availability("24 h", "1d"), availability("30 d", "30d"), LAST_OUTAGE, RECONNECTS,
         WAN_DROPS],
        [PING_TREND, LOSS_TREND],
        [TARGETS, EVENTS],
        [RECEIVED, SENT],
        [ERRORS, ALERT_LIST],
    ])
