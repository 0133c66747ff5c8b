"""A dashboard around its panels: variables, links, annotations, and where each panel is."""

from normal import FAMILIES
from query import PLACE, PROMETHEUS, CHOSEN as R

COLUMNS = 24
TAG = "netmonitor"
RANGES = [("1 h", "now-1h"), ("6 h", "now-6h"), ("24 h", "now-24h"), ("7 d", "now-7d"),
          ("30 d", "now-30d")]

DATASOURCE = {
    "type": "datasource",
    "name": "datasource",
    "label": "Prometheus",
    "query": "prometheus",
    "current": {"text": "netmonitor Prometheus", "value": "netmonitor-prometheus"},
}
BRIDGE = {
    "type": "datasource",
    "name": "bridge",
    "label": "Bridge",
    "query": "yesoreyeram-infinity-datasource",
    "current": {"text": "netmonitor bridge", "value": "netmonitor-bridge"},
}


def variable(name, label, query, multi=False, **further):
    """The values of a label; read again when the time changes."""
    choice = {"multi": True, "includeAll": True} if multi else {"multi": False}
    if multi:
        choice["current"] = {"text": ["All"], "value": ["$__all"]}
    choice.update(further)
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": PROMETHEUS,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        **choice,
    }


# Grafana's menu of controls: one small button, until somebody wants it.
IN_MENU = 3


def places(**further):
    """Labels of ROUTERS_FILE. Where nobody has set them all that is there to choose is "All"."""
    return [
        variable("customer", "Customer", 'label_values(up{router!=""}, customer)',
                 multi=True, allValue=".*", **further),
        variable("site", "Site", 'label_values(up{router!="",customer=~"$customer"}, site)',
                 multi=True, allValue=".*", **further),
    ]


# Also routers that do not answer, and never did. One house has no customers: they are out of the
# way, but for the dashboard about many.
ROUTER = [
    *places(hide=IN_MENU),
    variable("router", "Router", f'label_values(up{{router!="",{PLACE}}}, router)'),
]
TARGET = variable("target", "Target",
                  f'label_values(netmonitor_ping_requests_total{{{R}}}, target)', multi=True)


def board(name, title, description, rows, variables=ROUTER, annotated=True, since="now-24h",
          shown=True, refresh="1m"):
    """`rows`: lists of panels, or a text that begins a section. `shown`: are events drawn, or is it
    outages alone, until somebody switches the others on?"""
    uid = f"{TAG}-{name}"
    return {
        "uid": uid,
        "title": title,
        "description": " ".join(description.split()),
        "tags": [TAG],
        "schemaVersion": 42,
        "editable": False,
        # Shared crosshair.
        "graphTooltip": 1,
        "refresh": refresh,
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "timepicker": {
            "refresh_intervals": ["15s", "1m", "5m", "15m"],
            "quick_ranges": [
                {"display": f"Last {label}", "from": start, "to": "now"}
                for label, start in RANGES
            ],
        },
        "links": _links(uid),
        "templating": {"list": [*variables, DATASOURCE]},
        "annotations": {"list": _annotations(shown) if annotated else []},
        "panels": _place(rows),
    }


def _links(uid):
    """One click for a range, and all dashboards; time and variables are kept."""
    link = {"icon": "", "tooltip": "", "targetBlank": False, "includeVars": True}
    ranges = [
        {"title": label, "type": "link", "tags": [], "asDropdown": False, "keepTime": False,
         "url": f"/d/{uid}?from={start}&to=now", **link, "tooltip": f"The last {label}"}
        for label, start in RANGES
    ]
    boards = {"title": "Dashboards", "type": "dashboards", "tags": [TAG], "asDropdown": True,
              "keepTime": True, **link}
    return [boards, *ranges]


def _annotations(shown):
    """Events by family, and outages as a span, on every chart over time. Where marks cover each
    other the last one is on top: the worst."""
    outage = {
        "name": "Outage",
        "enable": True,
        "iconColor": "red",
        "datasource": PROMETHEUS,
        # A step may be longer than an outage.
        "target": {
            "refId": "Anno",
            "expr": f"max_over_time(netmonitor_outage_active{{{R}}}[$__interval]) == 1",
            "interval": "15s",
        },
        "titleFormat": "no internet",
    }
    return [*(_family(*family, shown) for family in reversed(FAMILIES)), outage]


def _family(name, color, types, shown):
    return {
        "name": name,
        "enable": shown,
        "iconColor": color,
        "datasource": PROMETHEUS,
        # When it happened is the value, in milliseconds.
        "target": {
            "refId": "Anno",
            "expr": f'netmonitor_event_last_timestamp_seconds{{{R},type=~"{types}"}}'
                    " * 1000",
            "interval": "60s",
        },
        "useValueForTime": True,
        "titleFormat": "{{type}}",
        "tagKeys": "type",
    }


def _place(rows):
    """From left to right, row under row; numbers them."""
    placed, top = [], 0
    for row in rows:
        if isinstance(row, str):
            row = [{"type": "row", "title": row, "collapsed": False, "panels": [],
                    "gridPos": {"w": COLUMNS, "h": 1}}]
        left, height = 0, max(panel["gridPos"]["h"] for panel in row)
        for panel in row:
            at = {"x": left, "y": top, **panel["gridPos"]}
            placed.append({"id": len(placed) + 1, **panel, "gridPos": at})
            left += at["w"]
        assert left <= COLUMNS, f"wider than the page: {[panel['title'] for panel in row]}"
        top += height
    return placed
