"""What panels ask for: PromQL of Prometheus, and lists of the bridge through Infinity."""

# What is chosen above a dashboard. "All" is the pattern .*, which also fits where nobody has given
# any customer or site.
PLACE = 'customer=~"$customer",site=~"$site"'
CHOSEN = f'{PLACE},router="$router"'
# As above, and what has none of these labels and so concerns all: the bridge, Prometheus.
PLACE_OR_NONE = 'customer=~"$customer|",site=~"$site|"'
CHOSEN_OR_NONE = f'{PLACE_OR_NONE},router=~"$router|"'

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
BRIDGE = {"type": "yesoreyeram-infinity-datasource", "uid": "${bridge}"}


def series(expr, legend="__auto"):
    """A line over the time of the dashboard."""
    return _prometheus(expr, legendFormat=legend, range=True)


def now(expr, legend="__auto"):
    """What is true at the end of the dashboard's time, which usually is now."""
    return _prometheus(expr, legendFormat=legend, instant=True)


def recorded(series):
    """A recorded series that is written every five minutes: after just as long it would be gone."""
    return f"last_over_time({series}[15m])"


def rows(expr):
    """The same, as rows of a table: a column for each label, and one for the value."""
    return _prometheus(expr, format="table", instant=True)


def buckets(expr):
    """Counts by `le`, for a heat map."""
    return _prometheus(expr, legendFormat="{{le}}", format="heatmap", range=True)


def listed(path, columns, **parameters):
    """Newest rows of a list of the bridge (docs/api.md), one page: as many as it gives."""
    return _infinity("json", path, columns, {**parameters, "limit": "1000"}, root_selector="items")


def sheet(path, columns, **parameters):
    """All rows of the time, however many: the bridge sends whole lists as CSV only."""
    return _infinity("csv", path, columns, {**parameters, "format": "csv"}, root_selector="")


def _prometheus(expr, **further):
    return {"datasource": PROMETHEUS, "expr": " ".join(expr.split()), **further}


def _infinity(kind, path, columns, parameters, root_selector):
    parameters = {"router": "$router", **_TIME, **parameters}
    return {
        "datasource": BRIDGE,
        "type": kind,
        "source": "url",
        "parser": "backend",
        "format": "table",
        "url": path,
        "url_options": {
            "method": "GET",
            "data": "",
            "params": [{"key": key, "value": value} for key, value in parameters.items()],
        },
        "root_selector": root_selector,
        "columns": [
            {"selector": selector, "text": text, "type": kind}
            for selector, text, kind in columns
        ],
        "filters": [],
    }


# The plugin's own macros: the bounds of the dashboard's time, RFC 3339.
_TIME = {"from": "${__timeFrom:date:iso}", "to": "${__timeTo:date:iso}"}
