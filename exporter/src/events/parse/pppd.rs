//! pppd: how a session is found, negotiated, let in and ended, and by which side.
//!
//! Source: ppp-project/ppp 2.4.5 to 2.5.x, pppd/{auth,chap,chap-new,chap_ms,eap,fsm,
//! ipcp,lcp,main,upap}.c and plugins/{pppoe,rp-pppoe}/{discovery,plugin}.c. pppd speaks the
//! same words for every kind of line (L2TP, modems), and where this router is the server;
//! [`crate::events::sessions`] tells by the process whose words they are.

use std::net::IpAddr;

use super::stamp::word;
use super::strip_word;
use crate::events::event::Told;
use crate::events::kind::Kind;

/// What a PPP daemon says about its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// This process dials PPPoE, from now on.
    DialsPppoe,
    /// It dials something else.
    DialsOther,
    /// It has found an access server.
    Discovered,
    Started,
    /// The session's device, which tells whose it is.
    Device(&'a str),
    /// The provider's words; they precede the verdict on the password.
    RemoteMessage(&'a str),
    /// The session is up with this address.
    Up(IpAddr, Told),
    Fact(Told),
    /// A fact that explains the end of the session, which follows.
    End(Cause, Told),
    /// The session is over, for the cause before it if there was one.
    Over(Over),
    /// The process is gone.
    Exit,
}

/// Why a session ends, as far as pppd knows before it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Cause {
    Provider,
    NoEcho,
    ThisRouter,
    Refused,
    NoNegotiation,
    NoDiscovery,
}

/// The lines that say that a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Terminated,
    Hangup,
    Disconnected,
}

/// What a line of pppd means; `None`: nothing of interest.
pub(super) fn parse(text: &str) -> Option<Said<'_>> {
    let text = text.trim();
    // Each of these begins with other letters: at most a few comparisons per line.
    let said = match text.bytes().next()? {
        b'C' => connection(text),
        b'D' | b'F' => serial(text),
        b'E' => exit(text),
        b'H' | b'T' => this_router(text),
        b'I' | b'L' => negotiation(text),
        b'M' => hangup(text),
        b'N' | b'S' => silence(text),
        b'P' | b'p' | b'U' | b'R' => start(text),
        b'l' => address(text),
        b'r' | b's' => packet(text),
        _ => None,
    };
    said.or_else(|| refusal(text)).or_else(|| discovery_end(text))
}

/// `Connect: pppoe-wan <--> eth1`, `Connection terminated.`
fn connection(text: &str) -> Option<Said<'_>> {
    // Only modems have a script that dials.
    if text.starts_with("Connect script failed") {
        return Some(Said::DialsOther);
    }
    if let Some(rest) = text.strip_prefix("Connect: ") {
        return Some(Said::Device(word(rest).0));
    }
    strip_word(text, "Connection terminated").map(|_| Said::Over(Over::Terminated))
}

/// Only modems stand at a serial line: `Device ttyUSB0 is locked by pid 99`, `Failed to open
/// /dev/ttyUSB0: No such device`
fn serial(text: &str) -> Option<Said<'_>> {
    let is_locked = text
        .strip_prefix("Device ")
        .is_some_and(|device| word(device).1.starts_with("is locked by pid"));
    (is_locked || text.starts_with("Failed to open /dev/tty")).then_some(Said::DialsOther)
}

/// `Exit.`, in some builds `Exit`; `Excessive lack of response to LCP echo frames.` (2.3)
fn exit(text: &str) -> Option<Said<'_>> {
    if text.starts_with("Excessive lack of response to LCP echo") {
        return Some(no_echo());
    }
    matches!(text, "Exit" | "Exit.").then_some(Said::Exit)
}

/// Ends that this router asked for. netifd also does so after it lost the carrier.
fn this_router(text: &str) -> Option<Said<'_>> {
    let signal = text.strip_prefix("Terminating on signal ");
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let told = if let Some(signal) = signal.filter(|signal| is_number(signal)) {
        Told::new(
            Kind::PppoeLocalTerm,
            "This router stopped the PPPoE session, on request or as its link was lost",
        )
        .with("signal", signal.trim_end_matches('.'))
    } else if text.starts_with("Hangup (SIGHUP)") {
        Told::new(Kind::PppoeLocalTerm, "This router hung up the PPPoE session (SIGHUP)")
    } else if text.starts_with("Terminating connection due to lack of activity") {
        Told::new(Kind::PppoeLocalTerm, "This router ended the PPPoE session: it was idle")
    } else {
        return None;
    };
    Some(Said::End(Cause::ThisRouter, told))
}

/// `LCP terminated by peer (reason)`, `LCP: timeout sending Config-Requests`
fn negotiation(text: &str) -> Option<Said<'_>> {
    let lcp = strip_word(text, "LCP");
    if let Some(rest) = lcp.and_then(|rest| rest.strip_prefix(" terminated ")) {
        // Before 2.4: `at peer's request`.
        let by_peer = rest.strip_prefix("by peer").or(rest.strip_prefix("at peer's request"))?;
        let reason = by_peer.trim().trim_start_matches('(').trim_end_matches(')');
        return Some(ended_by_provider(reason));
    }
    let rest = lcp.or_else(|| strip_word(text, "IPCP"))?;
    rest.starts_with(": timeout sending Config-Requests").then(|| {
        let told = if lcp.is_some() {
            "PPPoE negotiation failed: the access server did not answer (LCP)"
        } else {
            "PPPoE negotiation failed: the access server gave no address (IPCP)"
        };
        Said::End(Cause::NoNegotiation, Told::new(Kind::PppoeNegotiationTimeout, told))
    })
}

fn ended_by_provider<'a>(reason: &str) -> Said<'a> {
    let told =
        Told::new(Kind::PppoeLcpTerm, "The provider ended the PPPoE session (LCP terminate)");
    Said::End(Cause::Provider, told.with("reason", reason))
}

fn hangup(text: &str) -> Option<Said<'_>> {
    strip_word(text, "Modem hangup").map(|_| Said::Over(Over::Hangup))
}

/// `No response to 5 echo-requests`, `Serial link appears to be disconnected.`
fn silence(text: &str) -> Option<Said<'_>> {
    if text.starts_with("Serial link appears to be disconnected") {
        return Some(Said::Over(Over::Disconnected));
    }
    if ["Serial connection established", "Serial port initialized"]
        .iter()
        .any(|modem| text.starts_with(modem))
    {
        return Some(Said::DialsOther);
    }
    let (count, rest) = text.strip_prefix("No response to ")?.split_once(' ')?;
    (count.parse::<u32>().is_ok() && rest.starts_with("echo-requests")).then(no_echo)
}

fn no_echo<'a>() -> Said<'a> {
    let told =
        Told::new(Kind::PppoeLcpEchoTimeout, "The provider's access server stopped answering");
    Said::End(Cause::NoEcho, told)
}

/// What a session begins with, and what tells its kind and device.
fn start(text: &str) -> Option<Said<'_>> {
    if let Some(rest) = text.strip_prefix("Plugin ") {
        let plugin = word(rest).0.rsplit('/').next()?;
        return Some(match plugin {
            "rp-pppoe.so" | "pppoe.so" => Said::DialsPppoe,
            "pptp.so"
            | "pppol2tp.so"
            | "openl2tp.so"
            | "sstp-pppd-plugin.so"
            | "pptpd-logwtmp.so" => Said::DialsOther,
            _ => return None,
        });
    }
    // The plugin itself, as pppd 2.4 and others say it.
    if text.starts_with("PPPoE plugin from pppd") || text.starts_with("RP-PPPoE plugin version") {
        return Some(Said::DialsPppoe);
    }
    if text.starts_with("PPP session is ") {
        return Some(Said::Discovered);
    }
    if let Some(rest) = text.strip_prefix("Using interface ") {
        return Some(Said::Device(word(rest).0));
    }
    if let Some(rest) = text.strip_prefix("Renamed interface ") {
        return Some(Said::Device(word(rest.split_once(" to ")?.1).0));
    }
    if let Some(rest) = text.strip_prefix("Remote message: ") {
        return Some(Said::RemoteMessage(rest));
    }
    let is_start = text.starts_with("pppd ") && text.contains(" started by ");
    is_start.then_some(Said::Started)
}

/// `local  IP address 192.0.2.7`, with any blanks: pasted logs have lost some.
fn address(text: &str) -> Option<Said<'_>> {
    let mut rest = text;
    for expected in ["local", "IP", "address"] {
        let (first, behind) = word(rest);
        rest = (first == expected).then_some(behind)?;
    }
    let address: IpAddr = word(rest).0.parse().ok()?;
    let told = Told::new(Kind::PppoeUp, format!("PPPoE session is up with the address {address}"));
    Some(Said::Up(address, told.with("address", word(rest).0)))
}

/// With `debug`: `sent [LCP TermReq id=0x2 "User request"]`
fn packet(text: &str) -> Option<Said<'_>> {
    let (direction, packet) = word(text);
    let reason = strip_word(packet, "[LCP TermReq")?;
    let reason = reason.split_once('"').map_or("", |(_, quoted)| quoted);
    let reason = reason.rsplit_once('"').map_or(reason, |(reason, _)| reason);
    match direction {
        "rcvd" => Some(ended_by_provider(reason)),
        "sent" => {
            let message = "This router ended the PPPoE session (LCP terminate)";
            let told = Told::new(Kind::PppoeLcpTerm, message).with("reason", reason);
            Some(Said::End(Cause::ThisRouter, told))
        }
        _ => None,
    }
}

/// The provider did not let us in. Where `peer authentication` fails we are the server.
fn refusal(text: &str) -> Option<Said<'_>> {
    let (protocol, rest) = word(text);
    let failure = match protocol {
        "PAP" | "CHAP" | "MS-CHAP" | "MS-CHAPv2" | "EAP" => {
            let rest = rest.strip_prefix("authentication failed")?;
            // `authentication failed for NAME` would be a server's word.
            match rest.strip_prefix(": ") {
                Some(reason) => reason,
                None if matches!(rest, "" | ":" | ".") => "",
                None => rest.strip_prefix(" due to ")?,
            }
        }
        "EAP:" => match rest {
            "peer reports authentication failure" => "",
            "timeout waiting for Request from peer" => "no request from peer",
            _ => return None,
        },
        "No" if rest == "response to PAP authenticate-requests" => "no answer",
        _ => return None,
    };
    let told = Told::new(Kind::PppoeAuthFail, "The provider refused user name or password");
    Some(Said::End(Cause::Refused, told.with("reason", failure)))
}

fn discovery_end(text: &str) -> Option<Said<'_>> {
    discovery(text).map(|told| Said::End(Cause::NoDiscovery, told))
}

/// PPPoE discovery, before there is a session.
pub(super) fn discovery(text: &str) -> Option<Told> {
    let (first, rest) = word(text);
    match first {
        "Timeout" if rest.starts_with("waiting for PADO packets") => Some(Told::new(
            Kind::PppoePadiTimeout,
            "No access server answers: line, VLAN or provider (no PADO)",
        )),
        "Timeout" if rest.starts_with("waiting for PADS packets") => Some(Told::new(
            Kind::PppoeDiscoveryTimeout,
            "The access server opens no session (no PADS)",
        )),
        "Unable" if rest.starts_with("to complete PPPoE Discovery") => Some(Told::new(
            Kind::PppoeDiscoveryTimeout,
            "No PPPoE session could be opened (discovery failed)",
        )),
        "PADO:" | "PADS:" => {
            let (error, words) = rest.split_once(':')?;
            let is_error = matches!(error, "Service-Name-Error" | "System-Error" | "Generic-Error");
            is_error.then(|| {
                Told::new(Kind::PppoeAcError, "The access server refused a session")
                    .with("error", error)
                    .with("reason", words)
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
