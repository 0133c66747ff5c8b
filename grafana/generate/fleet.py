"""Fleet: one row for each router, the worst first; of all, or of some customers and sites."""

from board import board, places
from normal import (AVAILABILITY, CPU_TEMPERATURE, DBM, GREEN, LATENCY, LIGHT_RECEIVED, LOSS, RED,
                    UP_DOWN, YES_NO, ZERO_IS_GOOD, steps)
from panel import change, colored, columns, override, stat, table
from query import PLACE, PLACE_OR_NONE, now, recorded, rows

NO_ROUTER = "no router is known: see the bridge's settings"
# Those that are on the bridge's list now, and what tells them apart where several bridges write to
# one store.
KNOWN = f'up{{router!="",{PLACE}}}'
EACH = "customer, site, router"

ROUTERS = stat(
    "Routers", "How many are known: those on the bridge's list, or Prometheus' static targets.",
    now(f"count(group by ({EACH}) ({KNOWN}))"),
    unit="none", decimals=0, no_value=NO_ROUTER, size=(6, 3))

SILENT = stat(
    "Do not answer", "Routers that give no metrics. Normal: 0.",
    now(f"sum({KNOWN} == bool 0)"),
    unit="none", decimals=0, thresholds=steps(GREEN, (1, RED)), no_value=NO_ROUTER, size=(6, 3))

OFFLINE = stat(
    "Without internet", "Routers that answer and have no internet. Normal: 0.",
    now(f"sum(netmonitor_internet_up{{{PLACE}}} == bool 0)"),
    unit="none", decimals=0, thresholds=steps(GREEN, (1, RED)),
    no_value="no router answers", size=(6, 3))

ALERTS = stat(
    "Firing alerts",
    "Warnings and critical ones, of all routers and of what watches them. Normal: 0.",
    now(f"""count(ALERTS{{alertstate="firing",severity=~"warning|critical",{PLACE_OR_NONE}}})
        or vector(0)"""),
    unit="none", decimals=0, thresholds=ZERO_IS_GOOD, size=(6, 3))



def each(how, series, selector=""):
    """One value for each router."""
    return f"{how} by ({EACH}) ({series}{{{PLACE}{selector}}})"


def still(expr):
    """Without routers that are gone from the list, or had other labels: what is counted over a long
    time goes on for as long."""
    return f"{expr} and on ({EACH}) {KNOWN}"


def share(span):
    recent = recorded(f"router:netmonitor_availability:ratio{span}{{{PLACE}}}")
    return still(f"min by ({EACH}) ({recent})")


# What is shown of each router, from left to right.
COLUMNS = {
    "answers": f"min by ({EACH}) ({KNOWN})",
    "internet": each("min", "netmonitor_internet_up"),
    "alerts": each("count", "ALERTS",
                   ',alertstate="firing",severity=~"warning|critical",router!=""')
              + f" or 0 * max by ({EACH}) ({KNOWN})",
    "avail. 24 h": share("1d"),
    "avail. 30 d": share("30d"),
    "outages 24 h": still(f"""round(sum by ({EACH}) (
        increase(netmonitor_outages_total{{{PLACE}}}[24h])))"""),
    "loss": each("max", "target:netmonitor_ping_loss:ratio_rate5m", ',scope!="gateway"'),
    "latency": each("avg", "target:netmonitor_ping_rtt_seconds:mean_rate5m", ',scope="domestic"'),
    "light": each("min", "netmonitor_optical_receive_power_dbm"),
    "CPU": each("max", "netmonitor_cpu_temperature_celsius"),
}
VALUES = {f"Value #{chr(ord('A') + index)}": name for index, name in enumerate(COLUMNS)}

FLEET = table(
    "Routers, the worst first",
    """One row each, with customer and site where ROUTERS_FILE names them: does it answer, has it
    internet, alerts that fire, share of the time with internet, outages of 24 h, then of the last 5
    minutes the highest loss of a target and the mean latency to near ones, light received, and CPU
    temperature. Normal: all green. An empty cell: not on this device, or it does not answer. A click
    on the name opens its overview.""",
    *(rows(expr) for expr in COLUMNS.values()),
    no_value=NO_ROUTER,
    sort_by=[("answers", False), ("internet", False), ("alerts", True), ("avail. 24 h", False)],
    transformations=[
        change("merge"),
        # Customer and site are columns where some router has them.
        *columns("router", "customer", "site", *VALUES, **VALUES),
    ],
    overrides=[
        override("router", links=[{
            "title": "Overview",
            "url": "/d/netmonitor-overview?var-router=${__value.text}"
                   "&${customer:queryparam}&${site:queryparam}&${__url_time_range}",
        }]),
        override("answers", mappings=YES_NO, custom_cellOptions=colored(), custom_width=70),
        override("internet", mappings=UP_DOWN, custom_cellOptions=colored(), custom_width=70),
        override("alerts", thresholds=ZERO_IS_GOOD, custom_cellOptions=colored(), custom_width=70),
        override("avail. 24 h", unit="percentunit", decimals=2, thresholds=AVAILABILITY,
                 custom_cellOptions=colored()),
        override("avail. 30 d", unit="percentunit", decimals=2, thresholds=AVAILABILITY,
                 custom_cellOptions=colored()),
        override("loss", unit="percentunit", decimals=1, thresholds=LOSS,
                 custom_cellOptions=colored()),
        override("latency", unit="s", thresholds=LATENCY, custom_cellOptions=colored()),
        override("light", unit=DBM, decimals=2, thresholds=LIGHT_RECEIVED,
                 custom_cellOptions=colored()),
        override("CPU", unit="celsius", decimals=0, thresholds=CPU_TEMPERATURE,
                 custom_cellOptions=colored()),
    ],
    size=(24, 14))

BOARD = board(
    "fleet", "Fleet",
    "All routers, a row each, the worst first.",
    [
        [ROUTERS, SILENT, OFFLINE, ALERTS],
        [FLEET],
    ],
    variables=places(), annotated=False)
