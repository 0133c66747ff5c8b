"""History: months by the hour, from the bridge's hourly rows, which outlive Prometheus' samples.
Through the Infinity plugin."""

from board import BRIDGE, ROUTER, board, variable
from normal import CPU_TEMPERATURE, DBM, ERRORS_OF_AN_HOUR, LIGHT_RECEIVED, LIGHT_SENT, NO_BRIDGE
from panel import change, chart
from query import CHOSEN as R, sheet

BY_TIME = change("sortBy", fields={}, sort=[{"field": "hour", "desc": False}])

# The targets that the bridge has hours of; those of today will do.
TARGET = variable(
    "target", "Target",
    f'label_values(netmonitor_ping_requests_total{{{R},scope!="gateway"}}, target)',
    multi=True)


def hours(*names):
    """These columns of the hours. A sheet has a line for each target: hours are put together."""
    return sheet("/api/v1/hourly", [
        ("hour", "hour", "timestamp"), *((name, name, "number") for name in names)])


def once(**names):
    """One row an hour, under these names."""
    return [
        change("groupBy", fields={
            "hour": {"operation": "groupby", "aggregations": []},
            **{name: {"operation": "aggregate", "aggregations": ["max"]} for name in names},
        }),
        change("organize", indexByName={}, excludeByName={},
               renameByName={f"{name} (max)": words for name, words in names.items()}),
        BY_TIME,
    ]


def by_hour(title, description, unit, size=(12, 8), names=None, **further):
    panel = chart(title, description, hours(*names), unit=unit, no_value=NO_BRIDGE, size=size,
                  **further)
    return {**panel, "transformations": once(**names)}


OUTAGE_SECONDS = by_hour(
    "Without internet, by the hour",
    """Seconds of each hour without the internet. Normal: 0. 3600 is a whole hour.""",
    "s", size=(24, 8), names={"outage_seconds": "without internet"}, bars=True, lowest=0,
    highest=3600,
    calcs=("max", "sum"))

AVAILABLE = by_hour(
    "Availability by the hour",
    """Share of the watched seconds of each hour with internet. Normal: 100 %. No point: nobody
    watched.""",
    "percentunit", names={"availability": "availability"}, lowest=0, highest=1, decimals=2)

DROPS = by_hour(
    "Reconnects and drops by the hour",
    """PPPoE sessions set up and falls of the WAN interface. Normal: 0, or one of each a night.""",
    "none", names={"pppoe_reconnects": "PPPoE reconnects", "wan_downs": "WAN drops"},
    bars=True, lowest=0)

ROUND_TRIP = {
    **chart(
        "Round-trip time by the hour: $target",
        """Mean, fastest and slowest minute of each hour, and the 95th percentile of its minutes (not
        of single pings). Normal: flat over weeks; evenings that grow from month to month are a
        provider who sells more than there is.""",
        sheet("/api/v1/hourly", [
            ("hour", "hour", "timestamp"), ("avg_rtt_ms", "mean", "number"),
            ("p95_of_minutes_ms", "p95 of minutes", "number"),
            ("max_rtt_ms", "slowest minute", "number")], target="$target"),
        unit="ms", lowest=0, no_value=NO_BRIDGE, size=(12, 8)),
    "transformations": [BY_TIME],
    "repeat": "target",
    "repeatDirection": "h",
    "maxPerRow": 2,
}

LOSS = {
    **chart(
        "Loss by the hour: $target",
        "Mean loss of each hour, in percent. Normal: 0. Above 1 % calls suffer.",
        sheet("/api/v1/hourly", [
            ("hour", "hour", "timestamp"), ("loss_percent", "loss", "number")], target="$target"),
        unit="percent", lowest=0, no_value=NO_BRIDGE, size=(12, 7)),
    "transformations": [BY_TIME],
    "repeat": "target",
    "repeatDirection": "h",
    "maxPerRow": 2,
}

RECEIVED = by_hour(
    "Light received by the hour",
    """Mean and lowest power of each hour. Normal: -8 to -28 dBm. A fall over months is dirt, a bend or
    ageing: show it before it is an outage.""",
    DBM, decimals=2,
    names={"avg_optical_rx_dbm": "mean", "min_optical_rx_dbm": "lowest"},
    thresholds=LIGHT_RECEIVED, bands=True)

SENT = by_hour(
    "Light sent by the hour",
    "Mean power of each hour. Normal: 1 to 5 dBm. Falling over months: the laser ages.",
    DBM, decimals=2, names={"avg_optical_tx_dbm": "mean"}, thresholds=LIGHT_SENT, bands=True)

TEMPERATURE = by_hour(
    "CPU temperature by the hour",
    "Mean and highest of each hour. Normal: below 65 °C; lines at 75 and 85 °C.",
    "celsius", decimals=1, names={"avg_cpu_celsius": "mean", "max_cpu_celsius": "highest"},
    thresholds=CPU_TEMPERATURE)

ERRORS = by_hour(
    "Interface errors by the hour",
    """Packets of the WAN device that arrived damaged or could not be sent. Normal: 0; orange line
    above 0, red above 10.""",
    "none", names={"rx_errors": "damaged", "tx_errors": "not sent"}, bars=True,
    thresholds=ERRORS_OF_AN_HOUR, lowest=0)

DROPPED = by_hour(
    "Dropped packets by the hour",
    "Packets of the WAN device that were dropped. Normal: some under load.",
    "none", names={"rx_dropped": "on arrival", "tx_dropped": "before sending"},
    bars=True, lowest=0)

BOARD = board(
    "history", "History",
    "Months by the hour, from the bridge: what Prometheus has forgotten, for years.",
    [
        [OUTAGE_SECONDS],
        [AVAILABLE, DROPS],
        [ROUND_TRIP],
        [LOSS],
        [RECEIVED, SENT],
        [ERRORS, DROPPED],
        [TEMPERATURE],
    ],
    variables=[*ROUTER, TARGET, BRIDGE], since="now-30d", shown=False,
    # Its rows change once an hour, and are many.
    refresh="15m")
