//! Outages of an agent without a detector, concluded from its samples and events: coarser,
//! for the begin and the end are those of a log line at best, and of a poll else.

use super::outage::{Cause, Side};
use crate::record::{Millis, WanState};

/// What an agent said at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A sample's state of the WAN.
    Sample(WanState),
    /// An event's kind.
    Event(String),
}

/// A time without the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The first word that says so.
    pub start: Millis,
    /// The first that says otherwise; `None`: none yet.
    pub until: Option<Millis>,
    /// As far as the events tell.
    pub cause: Cause,
    /// As far as the cause leaves no other.
    pub side: Side,
}

/// What is said before the begin is about it, too: the session ends before the interface.
const BEFORE: Millis = 10_000;

/// After so long without a word nobody knows whether it went on: polls are minutes apart.
pub const SILENCE: Millis = 3_600_000;

/// The drops that `words` tell, which come in the order of their times.
#[must_use]
pub fn drops(words: &[(Millis, Word)]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut open: Option<Millis> = None;
    let mut close = |start, until: Option<Millis>| {
        let (cause, side) = why(words, start, until.unwrap_or(Millis::MAX));
        found.push(Found { start, until, cause, side });
    };
    let mut before = None;
    for (at, word) in words {
        let before = before.replace(*at).unwrap_or(*at);
        if let Some(start) = open.filter(|_| at.saturating_sub(before) > SILENCE) {
            close(start, Some(before));
            open = None;
        }
        match (is_up(word), open) {
            (Some(false), None) => open = Some(*at),
            (Some(true), Some(start)) => {
                close(start, Some(*at));
                open = None;
            }
            _ => {}
        }
    }
    if let Some(start) = open {
        close(start, None);
    }
    found
}

fn is_up(word: &Word) -> Option<bool> {
    match word {
        Word::Sample(WanState::Up) => Some(true),
        Word::Sample(WanState::Down) => Some(false),
        Word::Sample(WanState::Unknown) => None,
        Word::Event(kind) => match kind.as_str() {
            "wan_up" | "pppoe_up" => Some(true),
            "wan_down" | "pppoe_down" => Some(false),
            _ => None,
        },
    }
}

/// The lowest layer of which something is said within the drop.
fn why(words: &[(Millis, Word)], start: Millis, until: Millis) -> (Cause, Side) {
    let from = words.partition_point(|(at, _)| *at < start.saturating_sub(BEFORE));
    words[from..]
        .iter()
        .take_while(|(at, _)| *at <= until)
        .filter_map(|(_, word)| match word {
            Word::Event(kind) => layer(kind),
            Word::Sample(_) => None,
        })
        .min_by_key(|(layer, _)| *layer)
        .map_or((Cause::Unknown, Side::Unknown), |(_, verdict)| verdict)
}

/// What an event alone proves, and how far down.
fn layer(kind: &str) -> Option<(u8, (Cause, Side))> {
    Some(match kind {
        "router_boot" => (0, (Cause::RouterRestart, Side::House)),
        "dsl_down" => (1, (Cause::LocalLink, Side::Line)),
        "kernel_link_down" | "kernel_carrier_lost" | "sfp_removed" | "kernel_tx_timeout" => {
            (1, (Cause::LocalLink, Side::Unknown))
        }
        "pppoe_padt" => (2, (Cause::ProviderTerminated, Side::Provider)),
        // Either side ends a session that way.
        "pppoe_lcp_term" => (2, (Cause::ProviderTerminated, Side::Unknown)),
        "pppoe_lcp_echo_timeout" => (2, (Cause::AccessServerSilent, Side::Unknown)),
        "dhcp_lease_lost" | "dhcp_nak" => (2, (Cause::Dhcp, Side::Unknown)),
        "pppoe_auth_fail" | "pppoe_ac_error" => (3, (Cause::AccessRefused, Side::Unknown)),
        "pppoe_padi_timeout" | "pppoe_discovery_timeout" => (4, (Cause::Discovery, Side::Unknown)),
        "pppoe_negotiation_timeout" => (4, (Cause::AccessServerSilent, Side::Unknown)),
        "dhcp_no_lease" => (4, (Cause::Dhcp, Side::Unknown)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: Millis, kind: &str) -> (Millis, Word) {
        (at, Word::Event(kind.to_owned()))
    }

    fn sample(at: Millis, state: WanState) -> (Millis, Word) {
        (at, Word::Sample(state))
    }

    #[track_caller]
    fn check(words: &[(Millis, Word)], expected: &[(Millis, Option<Millis>, &str, &str)]) {
        let found = drops(words);
        let found: Vec<_> = found
            .iter()
            .map(|drop| (drop.start, drop.until, drop.cause.word(), drop.side.word()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn events_say_it_to_the_second_and_samples_to_the_poll() {
        check(
            &[
                sample(0, WanState::Up),
                event(11_000, "pppoe_padt"),
                event(12_000, "pppoe_down"),
                event(12_000, "wan_down"),
                sample(60_000, WanState::Down),
                event(70_000, "pppoe_up"),
                sample(120_000, WanState::Up),
            ],
            &[(12_000, Some(70_000), "provider_terminated", "provider")],
        );
        check(
            &[
                sample(0, WanState::Up),
                sample(60_000, WanState::Down),
                sample(120_000, WanState::Unknown),
                sample(180_000, WanState::Up),
            ],
            &[(60_000, Some(180_000), "unknown", "unknown")],
        );
    }

    #[test]
    fn the_lowest_layer_is_the_cause() {
        check(
            &[
                event(5_000, "pppoe_padi_timeout"),
                event(100_000, "pppoe_lcp_echo_timeout"),
                event(101_000, "pppoe_down"),
                event(102_000, "kernel_link_down"),
                event(160_000, "pppoe_padi_timeout"),
            ],
            &[(101_000, None, "local_link", "unknown")],
        );
    }

    #[test]
    fn silence_is_no_outage() {
        check(
            &[
                event(0, "wan_down"),
                sample(60_000, WanState::Down),
                sample(60_001 + SILENCE, WanState::Down),
                sample(120_000 + SILENCE, WanState::Up),
            ],
            &[
                (0, Some(60_000), "unknown", "unknown"),
                (60_001 + SILENCE, Some(120_000 + SILENCE), "unknown", "unknown"),
            ],
        );
    }

    #[test]
    fn nothing_is_concluded_from_what_says_nothing() {
        check(&[], &[]);
        check(&[sample(0, WanState::Unknown), event(1, "test"), sample(2, WanState::Up)], &[]);
    }
}
