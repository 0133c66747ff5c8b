//! An outage in words: the events `outage_start` and `outage_end`, with the evidence as
//! further facts for whoever keeps the history.

use std::time::Duration;

use super::case::{Case, Witness};
use super::judge::Verdict;
use super::look::Light;
use super::outage::{Began, Ended, News};
use super::sign::Sign;
use super::vocabulary::{Cause, Side};
use crate::events::event::{Moment, Told};
use crate::events::kind::Kind;

/// A fact is a short line; what does not fit is left out and said to be.
const SIGNS_CHARS: usize = 110;

/// What an event says, and when it happened.
pub(super) fn told(news: &News) -> (Told, Moment) {
    match news {
        News::Began(outage) => (began(outage), outage.at),
        News::Ended(outage, case) => (ended(outage, case), outage.ended),
    }
}

/// The begin, with what is known after the first seconds.
fn began(began: &Began) -> Told {
    let message = match began.verdict {
        Verdict { cause: Cause::Unknown, .. } => {
            "The internet is gone; it is not clear yet why".to_owned()
        }
        verdict => {
            format!("The internet is gone; so far it looks like this: {}", words(verdict))
        }
    };
    let told = Told::new(Kind::OutageStart, message).with("outage", &began.id);
    with_verdict(told, began.verdict, began.continues.as_deref())
}

/// The end, with the evidence.
fn ended(ended: &Ended, case: &Case) -> Told {
    let why = words(ended.verdict);
    let told = |message| {
        let told = Told::new(Kind::OutageEnd, message).with("outage", &ended.id);
        with_verdict(told, ended.verdict, ended.continues.as_deref())
            .with("start_timestamp_seconds", &seconds(ended.began.unix))
    };
    if ended.has_restarted {
        // What was known before went with the router's memory, and its clock may still be
        // wrong: the times of both events give the duration once it is right.
        let message = format!("The internet is back after a start of the router; before: {why}");
        return told(message).with("restarted", "yes");
    }
    let unseen = if ended.unseen.is_zero() { String::new() } else { seconds(ended.unseen) };
    let duration = ended.duration(ended.ended);
    let told = told(format!("The internet was gone for {}: {why}", span(duration)))
        .with("duration_seconds", &seconds(duration))
        .with("unseen_seconds", &unseen);
    evidence(told, case)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

fn with_verdict(told: Told, verdict: Verdict, continues: Option<&str>) -> Told {
    told.with("cause", verdict.cause.name())
        .with("side", verdict.side.name())
        .with("continues", continues.unwrap_or_default())
}

/// Which witness failed when, relative to the begin.
fn evidence(told: Told, case: &Case) -> Told {
    let crash = if case.is_boot && case.has_crash_record {
        "the kernel left a record in pstore"
    } else {
        ""
    };
    told.with("crash", crash)
        .with("signs", &signs(case))
        .with("carrier", &carrier(case))
        .with("gateway", &witness(case.gateway, case.began))
        .with("lcp_echo", &witness(case.lcp, case.began))
        .with("dns", &witness(case.dns, case.began))
        .with("wan_down", &case.wan_down.map_or(String::new(), |at| offset(at, case.began)))
        .with("light_before", &light(case.light_before))
        .with("light_within", &light(case.light_lost.or(case.light_first)))
        .with("light_after", &light(case.light_after))
}

fn signs(case: &Case) -> String {
    let mut text = String::new();
    let mut told: Vec<Sign> = Vec::new();
    for noted in &case.signs {
        if told.contains(&noted.sign) || noted.sign.is_recovery() {
            continue;
        }
        let separator = if told.is_empty() { "" } else { ", " };
        let at = offset(noted.at, case.began);
        let more = format!("{separator}{} {at}", noted.sign.name());
        if text.len() + more.len() > SIGNS_CHARS {
            text.push_str(", …");
            break;
        }
        text.push_str(&more);
        told.push(noted.sign);
    }
    text
}

fn carrier(case: &Case) -> String {
    let lost =
        case.first(|sign| matches!(sign, Sign::CarrierLost | Sign::NoLink | Sign::CarrierCounted));
    match (lost, case.carrier_kept) {
        (Some(lost), _) => format!("lost {}", offset(lost.at, case.began)),
        (None, Some(_)) => "kept".to_owned(),
        (None, None) => String::new(),
    }
}

/// How much it answered of the first requests, and when the first was lost.
fn witness(witness: Witness, began: Duration) -> String {
    let asked = witness.answers + witness.losses;
    let lost = witness.lost_since.map(|at| format!(", silent {}", offset(at, began)));
    match asked {
        0 => String::new(),
        _ => format!("answered {} of {asked}{}", witness.answers, lost.unwrap_or_default()),
    }
}

fn light(light: Option<Light>) -> String {
    match light {
        None => String::new(),
        Some(Light { is_there: false, .. }) => "none".to_owned(),
        Some(Light { received_dbm: None, .. }) => "there".to_owned(),
        Some(Light { received_dbm: Some(dbm), .. }) => format!("{dbm:.2} dBm"),
    }
}

/// `+5.6 s`
fn offset(at: Duration, began: Duration) -> String {
    format!("{:+.1} s", at.as_secs_f64() - began.as_secs_f64())
}

/// `4 s`, `1 min 23 s`, `2 h 5 min`
pub(crate) fn span(duration: Duration) -> String {
    let seconds = (duration.as_secs_f64()).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Why, in a sentence for the person at night.
pub(crate) fn words(verdict: Verdict) -> &'static str {
    match (verdict.cause, verdict.side) {
        (Cause::LocalLink, Side::House) => {
            "the WAN port has no link: cable, or the box it leads to (this house)"
        }
        (Cause::LocalLink, Side::Line) => "the DSL line lost its synchronisation (the line)",
        (Cause::LocalLink, _) => "the WAN port lost its link, though light arrives",
        (Cause::OpticalSignal, _) => "no light, or too little, arrives on the fibre (the line)",
        (Cause::Discovery, Side::Provider) => {
            "the line works, and no access server answers the dial (the provider)"
        }
        (Cause::Discovery, _) => "no access server answers the dial: line or provider",
        (Cause::AccessRefused, Side::Provider) => "the provider refuses the session",
        (Cause::AccessRefused, _) => "user name or password is refused: account or settings",
        (Cause::ProviderTerminated, _) => "the provider ended the session",
        (Cause::AccessServerSilent, Side::Provider) => {
            "the line works, and the access server is silent (the provider)"
        }
        (Cause::AccessServerSilent, _) => "the access server is silent: line or provider",
        (Cause::Dhcp, Side::Provider) => "the provider gives no address any more (DHCP)",
        (Cause::Dhcp, _) => "there is no address by DHCP",
        (Cause::Gateway, Side::Provider) => {
            "the line works, and the next hop is silent (the provider)"
        }
        (Cause::Gateway, _) => "the next hop is silent",
        (Cause::BeyondGateway, Side::Provider) => {
            "the provider's first hop answers, and nothing behind it (the provider)"
        }
        (Cause::BeyondGateway, _) => "the next hop answers, and nothing behind it",
        (Cause::Dns, _) => "the resolvers are silent",
        (Cause::PlannedRedial, _) => "this router dialled anew, as it was told to",
        (Cause::RouterRestart, _) => "the router started",
        (Cause::Administrator, _) => "somebody or something on this router took the line down",
        (Cause::Unknown, Side::House) => "something in this house; more is not known",
        (Cause::Unknown, _) => "the evidence does not say why",
    }
}
