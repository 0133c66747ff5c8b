//! What the end of an outage carries as its evidence, as in `docs/outages.md`: enough for a
//! report that looks like one of a real line.

type Facts = &'static [(&'static str, &'static str)];

const SESSION_ENDED: Facts = &[
    ("signs", "ended_by_provider +0.0 s, session_over +0.1 s, wan_lost +0.4 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.3 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.3 s"),
    ("light_before", "-19.87 dBm"),
    ("light_within", "-19.86 dBm"),
    ("light_after", "-19.87 dBm"),
];
const SERVER_SILENT: Facts = &[
    ("signs", "echo_timeout +20.3 s, session_over +20.4 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.2 s"),
    ("light_before", "-19.91 dBm"),
    ("light_within", "-19.90 dBm"),
    ("light_after", "-19.92 dBm"),
];
const BEHIND_IT: Facts = &[
    ("carrier", "kept"),
    ("gateway", "answered 10 of 10"),
    ("lcp_echo", "answered 4 of 4"),
    ("dns", "answered 0 of 3, silent +1.1 s"),
];
const FIBRE: Facts = &[
    ("signs", "carrier_lost +0.1 s, session_over +0.4 s, wan_down +0.5 s"),
    ("carrier", "lost +0.1 s"),
    ("wan_down", "+0.5 s"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.0 s"),
    ("light_before", "-27.52 dBm"),
    ("light_within", "none"),
    ("light_after", "-19.42 dBm"),
];
const CABLE: Facts = &[
    ("signs", "carrier_lost +0.0 s, session_over +0.3 s, wan_down +0.3 s"),
    ("carrier", "lost +0.0 s"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
];
const REDIAL: Facts = &[
    ("signs", "scheduled -0.6 s, switched_off -0.1 s, ended_here +0.0 s, session_over +0.1 s"),
    ("carrier", "kept"),
];
const NO_ANSWER: Facts = &[
    ("signs", "session_over +0.2 s, no_access_server +9.1 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
];
const NEXT_HOP: Facts = &[("carrier", "kept"), ("gateway", "answered 0 of 4, silent +0.0 s")];

/// Of an outage with this cause. What a router has not got says nothing.
pub(super) fn of(
    cause: &str,
    has_light: bool,
    has_lcp: bool,
) -> impl Iterator<Item = (&str, &str)> {
    let facts = match cause {
        "provider_terminated" => SESSION_ENDED,
        "access_server_silent" => SERVER_SILENT,
        "beyond_gateway" => BEHIND_IT,
        "optical_signal" => FIBRE,
        "local_link" => CABLE,
        "planned_redial" => REDIAL,
        "discovery" => NO_ANSWER,
        "gateway" => NEXT_HOP,
        _ => &[],
    };
    facts
        .iter()
        .copied()
        .filter(move |(key, _)| has_light || !key.starts_with("light_"))
        .filter(move |(key, _)| has_lcp || *key != "lcp_echo")
}
