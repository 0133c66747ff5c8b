//! What must be said of each scenario of `tests/pppoe-lab/inside/scenarios.sh`: what is true, as
//! somebody says it who did it. Pure.
//!
//! Where the evidence inside the router leaves two sides open, the true side is `unknown`: no
//! light is measured here, so nothing tells the line from the provider.

/// Between two pings of a target.
pub const INTERVAL: f64 = 1.0;

/// What starting a program takes in the machine, or taking notes: the truth and the exporter see
/// the same moment that far apart.
pub const SLACK: f64 = 0.5;

/// The router's log has whole seconds, and BusyBox's `logread` looks once a second: a line has the
/// moment when it was read if that was within its second, else the second's beginning.
const LOG: f64 = 1.0;

/// A stretch of time between two acts of the script, seconds before and after them.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// After this act.
    pub from: (&'static str, f64),
    /// Before this one.
    pub to: (&'static str, f64),
}

/// An event and when it happened.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Its type.
    pub kind: &'static str,
    /// When.
    pub at: Window,
    /// Facts that it must have: name and value.
    pub detail: &'static [(&'static str, &'static str)],
}

/// An outage.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// Why.
    pub cause: &'static str,
    /// Whose side.
    pub side: &'static str,
    /// The first request without an answer.
    pub began: Window,
    /// The first answer.
    pub ended: Window,
}

/// How far a counter went, or what a gauge shows.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What its labels hold.
    pub labels: &'static str,
    /// From, to; within the scenario for what ends in `_total`.
    pub range: (f64, f64),
}

/// What must be said of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// Its name.
    pub scenario: &'static str,
    /// In the order of their numbers, but for those of outages and for another address, which
    /// the provider's end decides.
    pub events: &'static [Told],
    /// In order.
    pub outages: &'static [Outage],
    /// Besides those that follow from the rest.
    pub metrics: &'static [Metric],
    /// The share of requests that was lost all the while; `None`: those of the outages.
    pub loss: Option<f64>,
}

/// At an act, as a log with whole seconds has it.
const fn logged(act: &'static str) -> Window {
    Window { from: (act, -LOG - SLACK), to: (act, LOG + SLACK) }
}

/// So many seconds after an act, as such a log has it.
const fn logged_after(act: &'static str, from: f64, to: f64) -> Window {
    Window { from: (act, from - LOG - SLACK), to: (act, to + LOG + SLACK) }
}

/// The first request after an act, which is sent within an interval.
const fn next_ping(act: &'static str) -> Window {
    Window { from: (act, -SLACK), to: (act, INTERVAL + SLACK) }
}

const fn told(kind: &'static str, at: Window) -> Told {
    Told { kind, at, detail: &[] }
}

const UP: Told = told("pppoe_up", logged("session-up"));

/// From the end of the session to the next one.
const fn outage(cause: &'static str, side: &'static str, act: &'static str) -> Outage {
    between(cause, side, act, "session-up")
}

const fn between(
    cause: &'static str,
    side: &'static str,
    began: &'static str,
    ended: &'static str,
) -> Outage {
    Outage { cause, side, began: next_ping(began), ended: next_ping(ended) }
}

/// A clock that is looked at once a second.
const fn stepped(act: &'static str) -> Told {
    told("time_stepped", Window { from: (act, -SLACK), to: (act, 1.0 + SLACK) })
}

/// What [`super::truth::Scenario::when`] calls the beginning of all.
const STARTED_AT: &str = "machine-started";

const STARTED: Told =
    told("router_boot", Window { from: (STARTED_AT, -SLACK), to: (STARTED_AT, SLACK) });

/// The router has no netifd: that its WAN dials, and is down, is seen from the first device of a
/// session on, which is there while the session is negotiated.
const BOOT: Outage = Outage {
    cause: "router_restart",
    side: "house",
    began: Window { from: ("server-started", 0.0), to: ("session-up", SLACK) },
    ended: next_ping("session-up"),
};

/// pppd asks each second while nothing comes in, and gives up after five requests.
const fn by_echo(kind: &'static str, act: &'static str) -> Told {
    told(kind, logged_after(act, 4.0, 7.0))
}

/// A scenario of which nothing is to be said.
const NOTHING: Expected =
    Expected { scenario: "", events: &[], outages: &[], metrics: &[], loss: None };

const fn carrier_losses(count: f64) -> Metric {
    Metric {
        name: "netmonitor_interface_carrier_down_total",
        labels: "device=\"eth1.7\"",
        range: (count, count),
    }
}

/// All of them.
pub const ALL: &[Expected] = &[
    Expected {
        scenario: "boot",
        events: &[STARTED, UP],
        outages: &[BOOT],
        metrics: &[carrier_losses(0.0)],
        ..NOTHING
    },
    Expected {
        scenario: "early_boot",
        events: &[STARTED, UP, stepped("clock-set")],
        outages: &[BOOT],
        ..NOTHING
    },
    // The kernel shows a PADT as a hang-up.
    Expected {
        scenario: "padt",
        events: &[told("pppoe_down", logged("session-closed")), UP],
        outages: &[outage("provider_terminated", "provider", "session-closed")],
        ..NOTHING
    },
    Expected {
        scenario: "lcp_terminate",
        events: &[
            told("pppoe_down", logged("session-closed")),
            UP,
            told("pppoe_lcp_term", logged("session-down#2")),
            told("pppoe_down", logged("session-down#2")),
            told("pppoe_up", logged("session-up#2")),
        ],
        outages: &[
            outage("provider_terminated", "provider", "session-closed"),
            between("provider_terminated", "provider", "session-down#2", "session-up#2"),
        ],
        ..NOTHING
    },
    // Nothing tells a silent server from a line that is cut behind the first switch.
    Expected {
        scenario: "server_silent",
        events: &[
            by_echo("pppoe_lcp_echo_timeout", "server-silent"),
            by_echo("pppoe_down", "server-silent"),
            UP,
        ],
        outages: &[outage("access_server_silent", "unknown", "server-silent")],
        metrics: &[carrier_losses(0.0)],
        ..NOTHING
    },
    // The session is closed before nobody answers.
    Expected {
        scenario: "no_pado",
        events: &[
            told("pppoe_down", logged("server-stopped")),
            told("pppoe_padi_timeout", logged_after("server-stopped", 35.0, 38.0)),
            told("pppoe_discovery_timeout", logged_after("server-stopped", 35.0, 38.0)),
            UP,
        ],
        outages: &[outage("provider_terminated", "provider", "server-stopped")],
        ..NOTHING
    },
    Expected {
        scenario: "redial",
        events: &[
            told("pppoe_local_term", logged("hung-up")),
            told("pppoe_down", logged("hung-up")),
            UP,
        ],
        outages: &[outage("planned_redial", "house", "hung-up")],
        ..NOTHING
    },
    // Account or settings: who is right, nobody here can know.
    Expected {
        scenario: "wrong_password",
        events: &[
            told("pppoe_local_term", logged("hung-up")),
            told("pppoe_down", logged("hung-up")),
            Told {
                kind: "pppoe_auth_fail",
                at: logged_after("hung-up", 1.0, 10.0),
                detail: &[("reason", "Login incorrect")],
            },
            UP,
        ],
        outages: &[outage("access_refused", "unknown", "hung-up")],
        ..NOTHING
    },
    // pppd goes on as if nothing were, until its echoes stay unanswered.
    Expected {
        scenario: "cable",
        events: &[
            by_echo("pppoe_lcp_echo_timeout", "cable-pulled"),
            by_echo("pppoe_down", "cable-pulled"),
            UP,
        ],
        outages: &[outage("local_link", "house", "cable-pulled")],
        metrics: &[carrier_losses(1.0)],
        ..NOTHING
    },
    Expected {
        scenario: "cable_wiggle",
        outages: &[between("local_link", "house", "cable-pulled", "cable-plugged")],
        metrics: &[carrier_losses(1.0)],
        ..NOTHING
    },
    Expected {
        scenario: "beyond",
        outages: &[between("beyond_gateway", "provider", "internet-cut", "internet-mended")],
        metrics: &[carrier_losses(0.0)],
        ..NOTHING
    },
    Expected { scenario: "loss", metrics: &[carrier_losses(0.0)], loss: Some(0.3), ..NOTHING },
    Expected {
        scenario: "clock",
        events: &[stepped("clock-set"), stepped("clock-back")],
        ..NOTHING
    },
    Expected {
        scenario: "clock_forward_within",
        events: &[
            stepped("clock-set"),
            by_echo("pppoe_lcp_echo_timeout", "cable-pulled"),
            by_echo("pppoe_down", "cable-pulled"),
            UP,
        ],
        outages: &[outage("local_link", "house", "cable-pulled")],
        metrics: &[carrier_losses(1.0)],
        ..NOTHING
    },
    Expected {
        scenario: "clock_back_within",
        events: &[told("pppoe_down", logged("server-stopped")), stepped("clock-back"), UP],
        outages: &[outage("provider_terminated", "provider", "server-stopped")],
        ..NOTHING
    },
];

/// The row of a scenario.
#[must_use]
pub fn of(scenario: &str) -> Option<&'static Expected> {
    ALL.iter().find(|expected| expected.scenario == scenario)
}
