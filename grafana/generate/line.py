"""Line: the cable, the session and the light, from the socket up."""

from board import board
from normal import (BLUE, DBM, ERRORS_OF_AN_HOUR, GREEN, GREY, LIGHT_RECEIVED, LIGHT_SENT, NO_ANSWER,
                    ONE_IS_GOOD, ORANGE, RED, UP_DOWN, steps)
from panel import chart, override_like, stat, timeline
from query import CHOSEN as R, now, series

NO_OPTICS = "no answer, or not on this device: no optical module that can be read"

STATES = timeline(
    "Carrier, session, interface, internet",
    """From the socket up: the first row that turns red is where it broke. Carrier: the cable has a
    signal. PPPoE: the session stands. WAN: the interface is up. Internet: something answers.
    Normal: all green.""",
    series(f"netmonitor_interface_carrier{{{R}}}", "carrier {{device}}"),
    series(f"netmonitor_pppoe_up{{{R}}}", "PPPoE {{interface}}"),
    series(f"netmonitor_wan_up{{{R}}}", "WAN {{interface}}"),
    series(f"netmonitor_internet_up{{{R}}}", "internet"),
    mappings=UP_DOWN, thresholds=ONE_IS_GOOD, no_value=NO_ANSWER, size=(24, 7))

UPTIME = stat(
    "WAN up since",
    """Time since the interface came up, and what it is: protocol, device, interface. Normal: days, or
    up to a day where the provider cuts every night.""",
    now(f"""netmonitor_wan_uptime_seconds{{{R}}}
        * on (job, instance, router) group_right () netmonitor_wan_info{{{R}}}""",
        "{{proto}} on {{device}} ({{interface}})"),
    unit="dtdurations", decimals=1, text_mode="value_and_name",
    no_value="no answer, not up, or not told by netifd", size=(8, 3))

LOST_CARRIER = stat(
    "Carrier lost, 24 h",
    """Times that a WAN device lost its link within 24 hours. Normal: 0; anything else is cable,
    socket, power of the modem, or somebody pulling plugs.""",
    now(f"sum(round(increase(netmonitor_interface_carrier_down_total{{{R}}}[24h])))"),
    unit="none", decimals=0, thresholds=steps(GREEN, (1, ORANGE), (4, RED)), no_value=NO_ANSWER,
    size=(8, 3))

SPEED = stat(
    "Speed of the link",
    """What router and modem have agreed on, for each device. Normal: 1 Gb/s or more. 100 Mb/s where
    there was more is a bad cable: one of four pairs is enough to be the cause.""",
    now(f"netmonitor_interface_speed_bytes{{{R}}} * 8", "{{device}}"),
    unit="bps", thresholds=steps(ORANGE, (999e6, GREEN)), text_mode="value_and_name",
    size=(8, 3))

EVENTS = timeline(
    "DHCP and PPP events",
    """When the session or the lease said something, a row for each kind of event. Normal: empty, or
    one coloured mark for a redial a night. Marks in many rows at once are one outage.""",
    series(f"""round(increase(netmonitor_events_total{{{R},type=~"pppoe_.*|dhcp_.*|wan.*"}}
        [$__rate_interval])) > 0""", "{{type}}"),
    thresholds=steps(BLUE), no_value="none in this time", size=(24, 8), merge=False,
    # Marks wide enough to be seen, whatever the time.
    maxDataPoints=144)

RECEIVED = chart(
    "Light received",
    """Optical power that arrives, and the limits that the maker of the module has set. Normal: in
    the green band, -28 to -8 dBm. Below it errors begin, below -30 dBm it ends. No line: it is
    dark.""",
    series(f"netmonitor_optical_receive_power_dbm{{{R}}}", "received ({{source}})"),
    series(f"netmonitor_optical_receive_power_threshold_dbm{{{R}}}", "module: {{level}}"),
    unit=DBM, decimals=2, thresholds=LIGHT_RECEIVED, bands=True, no_value=NO_OPTICS,
    overrides=[override_like("/^module/", color={"mode": "fixed", "fixedColor": GREY},
                             custom_lineStyle={"fill": "dash", "dash": [10, 10]})],
    size=(12, 9))

SENT = chart(
    "Light sent",
    "Optical power that the module sends. Normal: 1 to 5 dBm.",
    series(f"netmonitor_optical_transmit_power_dbm{{{R}}}", "sent ({{source}})"),
    unit=DBM, decimals=2, thresholds=LIGHT_SENT, bands=True, no_value=NO_OPTICS,
    size=(12, 9))

LIGHT = timeline(
    "Is there light",
    "Whether any light arrives. Normal: yes, without a gap. No: the fibre is cut or unplugged.",
    series(f"netmonitor_optical_signal_detected{{{R}}}", "light"),
    mappings=UP_DOWN, thresholds=ONE_IS_GOOD, no_value=NO_OPTICS, size=(24, 4))

MODULE_TEMPERATURE = chart(
    "Module: temperature",
    "Of the optical module. Normal: 40 to 60 °C; above 70 °C it wears out, and its light drifts.",
    series(f"netmonitor_optical_temperature_celsius{{{R}}}", "module"),
    unit="celsius", decimals=1, no_value=NO_OPTICS, size=(8, 8))

MODULE_BIAS = chart(
    "Module: laser current",
    """What the laser needs for its light. Normal: 4 to 15 mA, steady. Rising at the same power sent:
    the laser ages.""",
    series(f"netmonitor_optical_bias_amperes{{{R}}} * 1000", "bias"),
    unit="mamp", decimals=1, no_value=NO_OPTICS, size=(8, 8))

MODULE_VOLTAGE = chart(
    "Module: supply",
    "Voltage of the module. Normal: 3.1 to 3.5 V.",
    series(f"netmonitor_optical_voltage_volts{{{R}}}", "supply"),
    unit="volt", decimals=2, no_value=NO_OPTICS, size=(8, 8))

ERRORS = chart(
    "Damaged packets received, an hour",
    """By device. Normal: 0. The alert warns above 0 and is critical above 10: cable, socket, or noise
    on the line.""",
    series(f"increase(netmonitor_interface_receive_errors_total{{{R}}}[1h])", "{{device}}"),
    unit="none", thresholds=ERRORS_OF_AN_HOUR, lowest=0, no_value=NO_ANSWER,
    size=(12, 8))

DROPS = chart(
    "Packets not sent or dropped, an hour",
    """By device. Normal: a few drops under load; errors of sending 0.""",
    series(f"increase(netmonitor_interface_transmit_errors_total{{{R}}}[1h])",
           "{{device}}: not sent"),
    series(f"increase(netmonitor_interface_receive_dropped_total{{{R}}}[1h])",
           "{{device}}: dropped on arrival"),
    series(f"increase(netmonitor_interface_transmit_dropped_total{{{R}}}[1h])",
           "{{device}}: dropped before sending"),
    unit="none", lowest=0, no_value=NO_ANSWER, size=(12, 8))

TRAFFIC = chart(
    "Traffic",
    """Received above, sent below the line; of the device that carries most. Normal: below what you pay
    for. While it is at its top, latency and loss are your own traffic.""",
    series(f"max(rate(netmonitor_interface_receive_bytes_total{{{R}}}[$__rate_interval])) * 8",
           "received"),
    series(f"-max(rate(netmonitor_interface_transmit_bytes_total{{{R}}}[$__rate_interval])) * 8",
           "sent"),
    unit="bps", no_value=NO_ANSWER, size=(24, 8), calcs=("lastNotNull", "min", "max"))

BOARD = board(
    "line", "Line",
    "The cable, the session and the light: where between the socket and the provider it breaks.",
    [
        [STATES],
        [UPTIME, LOST_CARRIER, SPEED],
        [EVENTS],
        "Light",
        [RECEIVED, SENT],
        [LIGHT],
        [MODULE_TEMPERATURE, MODULE_BIAS, MODULE_VOLTAGE],
        "Counters",
        [ERRORS, DROPS],
        [TRAFFIC],
    ])
