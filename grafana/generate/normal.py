"""What is normal, and how it looks: thresholds, words for states, colours.

The thresholds are those of the alerts (prometheus/rules/); a test holds both together.
"""

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE, GREY = (
    "green", "yellow", "orange", "red", "blue", "purple", "#8e8e8e")


def steps(first, *further):
    """Colours by value: `first` from minus infinity on, then (value, colour) upwards."""
    return {
        "mode": "absolute",
        "steps": [
            {"value": None, "color": first},
            *({"value": value, "color": color} for value, color in further),
        ],
    }


# Grafana's own "dBm" prints "dbm".
DBM = "suffix: dBm"

# Nothing to judge.
PLAIN = steps(BLUE)
# What is 1 when all is well, and what should stay 0.
ONE_IS_GOOD = steps(RED, (1, GREEN))
ZERO_IS_GOOD = steps(GREEN, (1, ORANGE))

LATENCY = steps(GREEN, (0.1, ORANGE), (0.5, RED))
LATENCY_FAR = steps(GREEN, (0.3, ORANGE), (0.5, RED))
LOSS = steps(GREEN, (0.01, ORANGE), (0.05, RED))
DNS_FAILURES = steps(GREEN, (0.5, ORANGE))
CPU_TEMPERATURE = steps(GREEN, (75, ORANGE), (85, RED))
LIGHT_RECEIVED = steps(RED, (-30, ORANGE), (-28, GREEN), (-8, ORANGE))
LIGHT_SENT = steps(ORANGE, (1, GREEN), (5, ORANGE))
ERRORS_OF_AN_HOUR = steps(GREEN, (1, ORANGE), (11, RED))
CLOCK_OFF = steps(GREEN, (5, ORANGE))
DISK_LEFT = steps(RED, (50e6, ORANGE), (500e6, GREEN))
# No alert: 99.9 % of a day is a minute and a half without the internet, 99 % are 14 minutes.
AVAILABILITY = steps(RED, (0.99, ORANGE), (0.999, GREEN))

# Where a device has no such sensor, session or module there is no series, and neither is one of a
# router that is off.
NOT_HERE = "not on this device, or no answer"
NO_ANSWER = "no answer from the router"
NO_OUTAGE = "no outage in this time"
NO_BRIDGE = "nothing from the bridge: is the Infinity plugin installed?"


def states(**words):
    """Mapping of 0 and 1 to words: `states(down=RED, up=GREEN)`, 0 first."""
    (zero, zero_color), (one, one_color) = words.items()
    return [{
        "type": "value",
        "options": {
            "0": {"text": zero.replace("_", " "), "color": zero_color, "index": 0},
            "1": {"text": one.replace("_", " "), "color": one_color, "index": 1},
        },
    }]


UP_DOWN = states(DOWN=RED, UP=GREEN)
YES_NO = states(no=RED, yes=GREEN)

# Events by family: what they are called, their colour, and which types belong to them. Each
# type of docs/events.md belongs to one, which a test checks.
FAMILIES = [
    ("Outages", RED, "outage_.*"),
    ("PPPoE", PURPLE, "pppoe_.*"),
    ("WAN and DHCP", BLUE, "wan.*|dhcp_.*"),
    ("Link and module", ORANGE, "kernel_.*|sfp_.*|dsl_.*"),
    ("Router", GREY, "router_.*|time_.*|log_.*|test"),
]

EVENT_COLORS = [
    {
        "type": "regex",
        "options": {"pattern": f"^({types})$", "result": {"color": color, "index": index}},
    }
    for index, (_, color, types) in enumerate(FAMILIES)
]

SEVERITY_COLORS = [{
    "type": "value",
    "options": {
        "critical": {"color": RED, "index": 0},
        "warning": {"color": ORANGE, "index": 1},
    },
}]

SIDE_COLORS = [{
    "type": "value",
    "options": {
        side: {"color": color, "index": index}
        for index, (side, color) in enumerate(
            [("provider", RED), ("line", ORANGE), ("house", BLUE), ("unknown", GREY)])
    },
}]
