"""Outages and events: when, how long, why and on whose side. What is essential comes from
Prometheus; the whole ledger and the messages of events from the bridge, through Infinity."""

from board import BRIDGE, ROUTER, board
from normal import (EVENT_COLORS, GREEN, NO_ANSWER, NO_BRIDGE, NO_OUTAGE, RED, SIDE_COLORS,
                    ZERO_IS_GOOD, states, steps)
from panel import bars, change, colored, columns, gauges, override, stat, table
from query import CHOSEN as R, listed, now, rows



def known(what):
    """Of each outage that is over; where nobody asks a bridge, of the last ten of the router."""
    return (f"(netmonitor_bridge_outage_{what}{{{R}}}"
            f" or on (router) netmonitor_outage_{what}{{{R}}})")


# Those that began in the time of the dashboard.
BEGAN = f"({known('start_timestamp_seconds')} >= $__from / 1000 <= $__to / 1000)"
LASTED = f"({known('duration_seconds')} and on (router, outage) {BEGAN})"
# Nothing is only known to be nothing while somebody tells.
NONE = f"""0 * (max(up{{job="netmonitor-bridge"}} == 1) or max(netmonitor_outage_active{{{R}}}))"""
NOBODY_TELLS = "neither the bridge nor the router answers"

NOW = stat(
    "Now",
    "Whether there is an outage at this moment; it is counted below once it is over. Normal: none.",
    now(f"max(netmonitor_outage_active{{{R}}})"),
    unit="none", thresholds=steps(GREEN, (1, RED)), mappings=states(none=GREEN, outage=RED),
    no_value=NO_ANSWER, size=(6, 3))

COUNT = stat(
    "Outages",
    """How many that are over began in this time, of the newest 50 of the router. Drops at most three
    minutes apart are one. Normal: 0.""",
    now(f"count({BEGAN}) or {NONE}"),
    unit="none", thresholds=ZERO_IS_GOOD, no_value=NOBODY_TELLS, size=(6, 3))

TOTAL = stat(
    "Without internet",
    """Those outages together, each from its first drop to its return. Normal: 0. A month at 99.9 % is
    43 minutes.""",
    now(f"sum({LASTED}) or {NONE}"),
    unit="dtdurations", decimals=1, no_value=NOBODY_TELLS, size=(6, 3))

LONGEST = stat(
    "Longest",
    "The longest of them, with its cause and side.",
    now(f"topk(1, {LASTED})", "{{cause}} ({{side}})"),
    unit="dtdurations", decimals=1, text_mode="value_and_name", color_mode="none",
    no_value=NO_OUTAGE, size=(6, 3))

LEDGER = table(
    "Ledger, from Prometheus",
    """The newest 50 outages of the router that the bridge knows, those of this time: begin, how long,
    whose side, the first layer that failed (docs/outages.md), end. Normal: empty.""",
    rows(f"max by (outage, cause, side) ({BEGAN}) * 1000"),
    rows(f"""max by (outage, cause, side)
        ({known('end_timestamp_seconds')} and on (router, outage) {BEGAN}) * 1000"""),
    rows(f"max by (outage, cause, side) ({LASTED})"),
    no_value=NO_OUTAGE, sort_by=[("begin", True)],
    transformations=[
        change("merge"),
        # On a phone the first three are seen.
        *columns("Value #A", "Value #C", "side", "cause", "Value #B",
                 **{"Value #A": "begin", "Value #B": "end", "Value #C": "duration"}),
    ],
    overrides=[
        override("begin", unit="dateTimeAsIso", custom_width=170, custom_align="left"),
        override("end", unit="dateTimeAsIso", custom_width=170, custom_align="left"),
        override("duration", unit="dthms", custom_width=100),
        override("side", mappings=SIDE_COLORS, custom_cellOptions=colored(), custom_width=90),
    ],
    size=(24, 9))

CAUSES = gauges(
    "Time by cause",
    """Time without internet for each cause, the worst first: what to mend first. The words are
    explained in docs/outages.md.""",
    now(f"sort_desc(sum by (cause) ({LASTED}))", "{{cause}}"),
    unit="dthms", no_value=NO_OUTAGE, size=(12, 7))


SIDES = gauges(
    "Whose side",
    """Time without internet by side: provider, line (the fibre or pair to your house), house, or
    unknown, which accuses nobody.""",
    now(f"sort_desc(sum by (side) ({LASTED}))", "{{side}}"),
    unit="dthms", no_value=NO_OUTAGE, size=(12, 7))


def by_time(title, description, output, **order):
    return bars(
        title, description,
        rows(f"max by (outage) ({BEGAN}) * 1000"),
        x="when", unit="none", decimals=0, no_value=NO_OUTAGE,
        transformations=[
            change("convertFieldType",
                   conversions=[{"targetField": "Value", "destinationType": "time"}], fields={}),
            change("formatTime", timeField="Value", outputFormat=output, useTimezone=True),
            change("groupBy", fields={
                "Value": {"operation": "groupby", "aggregations": []},
                "outage": {"operation": "aggregate", "aggregations": ["count"]},
            }),
            change("sortBy", fields={}, sort=[{"field": "Value", "desc": False}]),
            change("organize", indexByName={}, excludeByName={},
                   renameByName={"Value": "when", "outage (count)": "outages"}),
        ])


BY_HOUR = by_time(
    "By hour of the day",
    """How many began in which hour, by your clock. Normal: no pattern. Evenings: the provider is
    full. Always the same hour of the night: somebody redials. Hours without any are left out.""",
    "HH")

BY_WEEKDAY = by_time(
    "By day of the week",
    """How many began on which day, 1 is Monday. Normal: no pattern. Working days only: works on the
    line, or a neighbour's machine. Days without any are left out.""",
    "E ddd")

LEDGER_OF_BRIDGE = table(
    "Ledger of the bridge",
    """All outages of this time, newest first, up to 1000: with the sentence that sums each up and the
    number of drops in it. The same for the provider, as a page to print: docs/report.md.""",
    listed("/api/v1/outages", [
        ("start", "begin", "timestamp"), ("duration_seconds", "duration", "number"),
        ("side", "side", "string"), ("cause", "cause", "string"), ("drops", "drops", "number"),
        ("summary", "summary", "string"), ("end", "end", "timestamp")]),
    no_value=NO_BRIDGE, sort_by=[("begin", True)],
    overrides=[
        override("begin", custom_width=170), override("end", custom_width=170),
        override("duration", unit="dthms", custom_width=100),
        override("side", mappings=SIDE_COLORS, custom_cellOptions=colored(), custom_width=80),
        override("cause", custom_width=180), override("drops", custom_width=70),
    ],
    size=(24, 10))

EVENTS = table(
    "Events",
    """Everything that happened to the line in this time, newest first, up to 1000. The field above
    asks for one type, the funnel in the head of a column for some; each type is explained in
    docs/events.md.""",
    listed("/api/v1/events", [
        ("time", "when", "timestamp"), ("type", "type", "string"),
        ("message", "message", "string")], type="$type"),
    no_value=NO_BRIDGE, sort_by=[("when", True)],
    overrides=[
        override("when", custom_width=190),
        override("type", mappings=EVENT_COLORS, custom_cellOptions=colored(), custom_width=220,
                 custom_filterable=True),
        override("message", custom_filterable=True),
    ],
    size=(24, 12))

# Empty lists all: a choice among many is more than a phone has room for.
TYPE = {
    "type": "textbox",
    "name": "type",
    "label": "Event type (empty: all)",
    "query": "",
    "current": {"text": "", "value": ""},
}

BOARD = board(
    "outages", "Outages and events",
    "When the internet was gone, for how long, why, and on whose side; and all that was told.",
    [
        [NOW, COUNT, TOTAL, LONGEST],
        [LEDGER],
        [CAUSES, SIDES],
        [BY_HOUR, BY_WEEKDAY],
        "From the bridge, through the Infinity plugin",
        [LEDGER_OF_BRIDGE],
        [EVENTS],
    ],
    variables=[*ROUTER, TYPE, BRIDGE], annotated=False, since="now-7d")
