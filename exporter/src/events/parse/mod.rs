//! What a log line means for the WAN. Pure: a line and the WAN's names come in, a
//! [`Meaning`] goes out; nothing is remembered here, that is [`super::interpreter`]'s part.
//!
//! One file per program that writes lines. Nearly all lines are about something else and
//! leave at the first look at who wrote them, without anything being allocated.

pub(crate) mod envelope;

mod cleaning;
mod kernel;
mod luci;
mod netifd;
mod pppd;
mod requests;
mod rp_pppoe;
mod stamp;
mod ubus;
mod udhcpc;

use std::net::IpAddr;

use super::event::Told;
use super::kind::Kind;
use super::names::Names;
use crate::outages::Sign;
use envelope::{Line, Origin, TEST_PROGRAM};
pub(crate) use pppd::{Cause, Over, Said};

/// What a line says, before it is known whose session it is about and what has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    Nothing,
    /// An event of the WAN.
    Fact(Told),
    /// The session or the lease under the interface ended, and so it went down.
    ConnectionLost(Family, Told),
    /// netifd sees no link under the interface; whether the interface goes down as well is
    /// said by later lines.
    LinkLost(Family, Told),
    /// netifd sees the link again.
    LinkRegained(Family),
    /// netifd gives the interface up, or sets it up from the beginning: a link that is
    /// there again is not all that it needs.
    TornDown(Family),
    SetUp(Family),
    /// A program on this router is about to take the WAN down.
    Requested(Sign),
    /// The WAN has an address by DHCP.
    Lease(IpAddr, Told),
    /// netifd ends the WAN's DHCP client: the interface goes down.
    ClientStopped,
    /// A PPP daemon speaks; of which session, only its pid tells.
    Ppp {
        pid: Option<u32>,
        said: Said<'a>,
    },
    /// netifd says for which interface it runs this process.
    Child {
        pid: u32,
        of_wan: bool,
    },
}

/// netifd runs IPv4 and IPv6 of one line as two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V6];
}

/// Says what a line means.
pub(crate) fn parse<'a>(line: &Line<'a>, names: &Names) -> Meaning<'a> {
    match line.origin {
        Origin::Kernel => fact(kernel::parse(line.text, names)),
        Origin::Program { name: "netifd", .. } => netifd::parse(line.text, names),
        Origin::Program { name: "pppd", pid } if names.has_ppp() => {
            said(pid, pppd::parse(line.text))
        }
        Origin::Program { name: "pppoe", pid } if names.has_ppp() => {
            said(pid, rp_pppoe::parse(line.text))
        }
        Origin::Program { name: TEST_PROGRAM, .. } => fact(test_event(line.text)),
        Origin::Program { name, .. } if requests::may_request(name) => {
            requests::parse(name, line.text, names).map_or(Meaning::Nothing, Meaning::Requested)
        }
        Origin::Ubus => fact(ubus::parse(line.text, names)),
        // Also our own log, which comes back through logd.
        Origin::Program { .. } | Origin::Unknown => Meaning::Nothing,
    }
}

fn fact<'a>(told: Option<Told>) -> Meaning<'a> {
    told.map_or(Meaning::Nothing, Meaning::Fact)
}

fn said(pid: Option<u32>, said: Option<Said<'_>>) -> Meaning<'_> {
    said.map_or(Meaning::Nothing, |said| Meaning::Ppp { pid, said })
}

/// `test event <id>`, written by whoever wants to see a line arrive.
fn test_event(text: &str) -> Option<Told> {
    let id = text.strip_prefix("test event ")?.trim_end();
    let of_id = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
    let is_id = (1..=32).contains(&id.len()) && id.bytes().all(of_id);
    is_id.then(|| Told::new(Kind::Test, "A test event was written to the log").with("id", id))
}

/// The rest behind a beginning in letters of any case.
fn strip<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// As [`strip`], where a word ends.
fn strip_word<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    strip(text, beginning).filter(|rest| !rest.starts_with(goes_on))
}

#[cfg(test)]
mod tests;
