"""Panels: a function for each kind that is used. Each has a title, a description that says what
is normal, a unit, thresholds, and words for "no data"."""

import string

from normal import GREY, NOT_HERE, PLAIN
from query import PROMETHEUS


# Of 24 columns: room for figures in the legend.
WIDE = 16


def stat(title, description, *targets, unit, thresholds=PLAIN, mappings=(), no_value=NOT_HERE,
         decimals=None, text_mode="auto", color_mode="background", overrides=(), size=(4, 4)):
    """A number, or a word for it."""
    options = {
        "graphMode": "none",
        "colorMode": color_mode,
        "justifyMode": "auto",
        "textMode": text_mode,
        # Beside the value, a long name makes both small.
        "wideLayout": False,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
    }
    if color_mode == "background":
        # Without this no data has the colour of the lowest threshold, which is often green.
        mappings = [*mappings, _null(no_value)]
    defaults = _defaults(unit, thresholds, mappings, no_value, decimals)
    return _panel("stat", title, description, targets, size, options, defaults, overrides)


def chart(title, description, *targets, unit, thresholds=None, bands=False, no_value=NOT_HERE,
          lowest=None, highest=None, overrides=(), size=(12, 8), calcs=("lastNotNull",),
          bars=False, decimals=None):
    """Lines over time. `bands`: the thresholds are drawn as areas behind them."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 1,
        "fillOpacity": 60 if bars else 0,
        # One between two gaps is still seen.
        "showPoints": "auto",
        # A scrape or two may fail; more is a gap, and looks like one.
        "spanNulls": 60000,
        "thresholdsStyle": {"mode": _style(thresholds, bands)},
        # Bars side by side there are none: they would hide each other.
        "stacking": {"mode": "normal" if bars else "none", "group": "A"},
    }
    if unit == "none":
        # An axis to 100 for nothing but zeros helps nobody.
        custom["axisSoftMax"] = 5
    defaults = {
        **_defaults(unit, thresholds or PLAIN, (), no_value, decimals),
        "color": {"mode": "palette-classic"},
        "custom": custom,
    }
    if lowest is not None:
        defaults["min"] = lowest
    if highest is not None:
        defaults["max"] = highest
    options = {"legend": _legend(calcs, size), "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, description, targets, size, options, defaults, overrides)


def timeline(title, description, *targets, mappings=(), unit="none", thresholds=PLAIN,
             no_value=NOT_HERE, size=(24, 6), merge=True, **further):
    """States over time, a row for each series."""
    defaults = {
        **_defaults(unit, thresholds, mappings, no_value, None),
        "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": 60000},
    }
    options = {
        "showValue": "never",
        "rowHeight": 0.8,
        "mergeValues": merge,
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": bool(mappings),
                   "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    panel = _panel("state-timeline", title, description, targets, size, options, defaults)
    return {**panel, **further}


def heatmap(title, description, target, size=(12, 8), **further):
    """How round-trip times are spread, by the buckets of a histogram."""
    options = {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Turbo", "fill": "blue", "scale": "exponential",
                  "exponent": 0.5, "steps": 64, "reverse": False},
        "cellGap": 0,
        "cellValues": {"unit": "short"},
        "filterValues": {"le": 1e-9},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "yAxis": {"unit": "s", "axisPlacement": "left"},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    defaults = {**_defaults("s", PLAIN, (), NOT_HERE, None)}
    return {**_panel("heatmap", title, description, [target], size, options, defaults), **further}


def table(title, description, *targets, transformations=(), overrides=(), sort_by=None,
          no_value="nothing in this time", size=(24, 8), unit="none"):
    """Rows; their order is what the reader looks for first."""
    options = {
        "frameIndex": 0,
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": []},
    }
    if sort_by:
        options["sortBy"] = [{"displayName": name, "desc": descends} for name, descends in sort_by]
    defaults = {
        **_defaults(unit, PLAIN, (), no_value, None),
        # Without it a column has 150 pixels at least, and what is too much scrolls sideways.
        "custom": {"align": "auto", "inspect": False, "minWidth": 60},
    }
    # What the empty panel says would stand in each empty cell as well, in the colour of the lowest
    # threshold.
    blank = override_like("/.*/", noValue="–", mappings=[_null("–")])
    panel = _panel("table", title, description, targets, size, options, defaults,
                   [blank, *overrides])
    return {**panel, "transformations": list(transformations)}


def bars(title, description, *targets, x, unit, transformations=(), no_value, size=(12, 8),
         decimals=None):
    """Bars for the values of one column, named by another."""
    options = {
        "xField": x,
        "orientation": "auto",
        "barRadius": 0,
        "barWidth": 0.9,
        "groupWidth": 0.7,
        "fullHighlight": False,
        "showValue": "auto",
        "stacking": "none",
        "xTickLabelRotation": 0,
        "xTickLabelMaxLength": 0,
        "xTickLabelSpacing": 0,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    defaults = {
        **_defaults(unit, PLAIN, (), no_value, decimals),
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
    }
    panel = _panel("barchart", title, description, targets, size, options, defaults)
    return {**panel, "transformations": list(transformations)}


def gauges(title, description, *targets, unit, thresholds=PLAIN, no_value, size=(12, 8),
           decimals=None):
    """A bar for each series, the longest first if the query sorts so."""
    options = {
        "displayMode": "basic",
        "valueMode": "text",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
        "orientation": "horizontal",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
    }
    defaults = {**_defaults(unit, thresholds, (), no_value, decimals), "min": 0}
    return _panel("bargauge", title, description, targets, size, options, defaults)


def override(column, **properties):
    """What is different for one column or series."""
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [
            {"id": name.replace("custom_", "custom."), "value": value}
            for name, value in properties.items()
        ],
    }


def override_query(ref, **properties):
    """What is different for the series of one query."""
    return {**override("", **properties), "matcher": {"id": "byFrameRefID", "options": ref}}


def override_like(pattern, **properties):
    """What is different for columns or series whose names match."""
    return {**override("", **properties), "matcher": {"id": "byRegexp", "options": pattern}}


def colored(mode="color-text"):
    """The cell shows the colour of its value."""
    return {"type": mode}


def change(kind, **options):
    """A transformation of what the queries gave."""
    return {"id": kind, "options": options}


def columns(*order, **names):
    """Only these columns, in this order, by other names where `names` has some."""
    return [
        change("filterFieldsByName", include={"names": list(order)}),
        change("organize",
               indexByName={name: index for index, name in enumerate(order)},
               renameByName=names, excludeByName={}),
    ]


def _panel(kind, title, description, targets, size, options, defaults, overrides=()):
    width, height = size
    asked = [
        {"refId": letter, **target}
        for letter, target in zip(string.ascii_uppercase, targets)
    ]
    sources = {target["datasource"]["uid"]: target["datasource"] for target in asked}
    assert len(sources) <= 1, f"{title}: one source of data, please"
    return {
        "type": kind,
        "title": title,
        "description": " ".join(description.split()),
        "gridPos": {"w": width, "h": height},
        "datasource": next(iter(sources.values()), PROMETHEUS),
        "targets": asked,
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
    }


def _defaults(unit, thresholds, mappings, no_value, decimals):
    defaults = {
        "unit": unit,
        "noValue": no_value,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds,
        "mappings": list(mappings),
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    return defaults


def _null(text):
    """No value is grey."""
    result = {"text": text, "color": GREY, "index": 9}
    return {"type": "special", "options": {"match": "null", "result": result}}


def _style(thresholds, bands):
    if thresholds is None:
        return "off"
    return "dashed+area" if bands else "dashed"


def _legend(calcs, size):
    """Below a narrow chart a table would show two or three lines and hide the others. Never beside
    a chart: on a phone it would take half of its width."""
    is_wide = size[0] >= WIDE
    return {
        "displayMode": "table" if is_wide else "list",
        "placement": "bottom",
        "showLegend": True,
        "calcs": list(calcs) if is_wide else [],
    }
