//! The kernel: links of network devices, SFP cages, DSL lines, transmit queues that hang.
//!
//! Every driver has its own words, but nearly all say who speaks, then `device:`, then the
//! state: `r8169 0000:01:00.0 eth1: Link is Down`. Sources: phylib and phylink
//! (phy_print_status, phylink_link_up), drivers/net/ethernet and drivers/net/usb,
//! drivers/net/phy/sfp.c, net/sched/sch_generic.c (dev_watchdog); vendors' drivers.

use super::stamp::word;
use super::{strip, strip_word};
use crate::events::event::Told;
use crate::events::kind::Kind;
use crate::events::names::Names;

/// Driver, bus, perhaps the driver again: the device is named by then.
const LEADING_WORDS: usize = 4;
/// What may stand before `link`: kinds of ports and cables.
const QUALIFIERS: [&str; 9] =
    ["NIC", "PHY", "GMAC", "Copper", "SerDes", "Remote", "Fiber", "Fibre", "Device"];
/// The WAN port of nearly all boards with a switch configured by swconfig, which knows
/// ports by their numbers only.
const WAN_PORT: &str = "4";

/// Drivers that speak of a switch's ports without the name of a device.
const SWITCHES: [&str; 6] = ["mt753", "gsw", "esw", "rt3050-esw", "rt305x-esw", "mtk_soc_eth"];
/// The one device of a board whose WAN is a port of its switch.
const SINGLE_DEVICE: &str = "eth0";

/// What a line of the kernel means.
pub(super) fn parse(text: &str, names: &Names) -> Option<Told> {
    if let Some(rest) = text.strip_prefix("sfp ") {
        return sfp(rest);
    }
    if let Some(rest) = text.strip_prefix("NETDEV WATCHDOG: ") {
        let device = word(rest).0.trim_end_matches(':');
        return (names.is_device(device) && rest.contains("timed out")).then(|| stuck(device));
    }
    if let Some((device, rest)) = behind_device(text, names) {
        return device_state(device, rest);
    }
    switch_port(text, names).or_else(|| dsl(text))
}

/// Looks for `DEVICE: ` among the first words; old e1000e writes `DEVICE NIC Link`.
fn behind_device<'a>(text: &'a str, names: &Names) -> Option<(&'a str, &'a str)> {
    let mut rest = text;
    for _ in 0..LEADING_WORDS {
        let (first, behind) = word(rest);
        let name = first.strip_suffix(':');
        if names.is_device(name.unwrap_or(first)) {
            let speaks = name.is_some() || strip_word(behind, "NIC").is_some();
            return speaks.then_some((name.unwrap_or(first), behind));
        }
        rest = behind;
    }
    None
}

/// What is said about the WAN's device.
fn device_state(device: &str, text: &str) -> Option<Told> {
    let is_stuck = strip(text, "NETDEV WATCHDOG: ").is_some_and(|rest| rest.contains("timed out"))
        || strip(text, "Detected Hardware Unit Hang").is_some()
        || strip(text, "Detected Tx Unit Hang").is_some()
        || strip_word(text, "transmit timed out").is_some();
    if is_stuck {
        return Some(stuck(device));
    }
    let text = behind_repetition(device, text);
    let (kind, rest) = link(text).or_else(|| carrier(text)).or_else(|| other_words(text))?;
    let message = match kind {
        Kind::KernelLinkUp => "The link of the WAN device is up",
        Kind::KernelLinkDown => "The link of the WAN device is down: cable, modem or port",
        _ => "The WAN device lost its carrier",
    };
    let told = Told::new(kind, message).with("device", device);
    Some(match speed(rest).filter(|_| kind == Kind::KernelLinkUp) {
        Some(speed) => told.with("speed", &speed),
        None => told,
    })
}

/// igb and others name themselves and the device once more: `igb: eth0 NIC Link is Down`,
/// `ax88179 - Link status is: 0`.
fn behind_repetition<'a>(device: &str, text: &'a str) -> &'a str {
    let mut text = text;
    let (first, behind) = word(text);
    if first.ends_with(':') {
        text = behind;
    } else if let Some(behind) = behind.strip_prefix("- ") {
        text = behind;
    }
    let (first, behind) = word(text);
    if first.trim_end_matches(':') == device { behind } else { text }
}

/// `[NIC |PHY |port 4 ]Link [is |status is: ]up|down`
fn link(text: &str) -> Option<(Kind, &str)> {
    let mut text = text;
    let mut is_nic = false;
    while let Some(rest) = QUALIFIERS.iter().find_map(|qualifier| strip_word(text, qualifier)) {
        is_nic = true;
        text = rest.trim_start_matches(' ');
    }
    if let Some(rest) = strip(text, "port ") {
        let (number, rest) = word(rest);
        text = (number == WAN_PORT).then_some(rest)?;
        // Lantiq: `port 4 lost link`
        if let Some(rest) = strip_word(text, "lost link") {
            return Some((Kind::KernelLinkDown, rest));
        }
        if let Some(rest) = strip_word(text, "got link") {
            return Some((Kind::KernelLinkUp, rest));
        }
    }
    let state = match strip(text, "link ") {
        Some(rest) => rest,
        // alx: `NIC Up: 1 Gbps Full`
        None if is_nic => text,
        None => return None,
    };
    if let Some(state) = strip(state, "status is: ") {
        // ax88179_178a; its word for a cable that is out.
        return match word(state).0 {
            "0" => Some((Kind::KernelCarrierLost, "")),
            "1" => Some((Kind::KernelLinkUp, "")),
            _ => up_or_down(state),
        };
    }
    up_or_down(strip(state, "is ").unwrap_or(state))
}

fn up_or_down(text: &str) -> Option<(Kind, &str)> {
    strip_word(text, "up")
        .map(|rest| (Kind::KernelLinkUp, rest))
        .or_else(|| strip_word(text, "down").map(|rest| (Kind::KernelLinkDown, rest)))
}

/// USB adapters: r8152 and cdc_ncm.
fn carrier(text: &str) -> Option<(Kind, &str)> {
    if let Some(state) = strip(text, "carrier ") {
        return strip_word(state, "on")
            .map(|rest| (Kind::KernelLinkUp, rest))
            .or_else(|| strip_word(state, "off").map(|rest| (Kind::KernelCarrierLost, rest)));
    }
    let state = strip(text, "network connection: ")?;
    strip_word(state, "connected")
        .map(|rest| (Kind::KernelLinkUp, rest))
        .or_else(|| strip_word(state, "disconnected").map(|rest| (Kind::KernelCarrierLost, rest)))
}

/// Drivers that say it in words of their own.
fn other_words(text: &str) -> Option<(Kind, &str)> {
    // dpaa2-eth: `Link Event: state up`
    if let Some(state) = strip(text, "Link Event: state ") {
        return up_or_down(state);
    }
    // atlantic: `link change old 1000 new 0`
    if let Some(rest) = strip(text, "link change old ") {
        let new = word(rest).1.strip_prefix("new ")?;
        let is_up = new.parse::<u32>().ok()? > 0;
        return Some((if is_up { Kind::KernelLinkUp } else { Kind::KernelLinkDown }, ""));
    }
    // octeon-ethernet: `1000 Mbps Full duplex, port  0`
    let (speed, rest) = word(text);
    let is_octeon = speed.parse::<u32>().is_ok()
        && strip(rest, "Mbps ")
            .and_then(|rest| strip(rest, "Full ").or(strip(rest, "Half ")))
            .is_some_and(|rest| strip_word(rest, "duplex").is_some());
    is_octeon.then_some((Kind::KernelLinkUp, text))
}

/// A switch that names no device: `mt753x gsw@0: Port 4 Link is Down` of MediaTek's own
/// kernels, `rt3050-esw 10110000.esw: port 4 link down`. Its fourth port is the WAN only
/// where the WAN shares one device with the LAN.
fn switch_port(text: &str, names: &Names) -> Option<Told> {
    let is_switch = SWITCHES.iter().any(|driver| text.starts_with(driver));
    let (speaker, rest) = if is_switch { text.split_once(": ")? } else { ("", text) };
    strip(rest, "port ")?;
    // A device that is not the WAN's may have a fourth port as well.
    let (_, bus) = word(speaker);
    let names_device = !word(bus).1.is_empty();
    let is_shared = names.has_vlan_device() || names.is_device(SINGLE_DEVICE);
    if is_shared && !names_device { device_state("switch", rest) } else { None }
}

/// `sfp-1: module removed`, `sfp-1: module VENDOR PART rev .. sn .. dc ..`
fn sfp(text: &str) -> Option<Told> {
    let (cage, rest) = text.split_once(": ")?;
    let module = rest.strip_prefix("module ")?;
    if cage.contains(' ') {
        return None;
    }
    let told = if strip_word(module, "removed").is_some() {
        Told::new(Kind::SfpRemoved, "The SFP module was taken out")
    } else {
        let (name, serial) = module.split_once(" rev ")?;
        serial.split_once(" sn ")?;
        Told::new(Kind::SfpInserted, "An SFP module was put in").with("module", name)
    };
    Some(told.with("cage", cage))
}

/// `vrx518_tc:ptm_showtime_exit: Line[0]: show time exit!`; older Lantiq chips: `leave
/// showtime`
fn dsl(text: &str) -> Option<Told> {
    let (speaker, _) = word(text);
    let lost = speaker.ends_with("showtime_exit:") || strip(text, "leave showtime").is_some();
    lost.then(|| Told::new(Kind::DslDown, "The DSL line lost its signal (showtime ended)"))
}

fn stuck(device: &str) -> Told {
    let told =
        Told::new(Kind::KernelTxTimeout, "The WAN device stopped sending (transmit timeout)");
    told.with("device", device)
}

/// The first of `1Gbps`, `2500 Mbps`, `2.5Gbps`
fn speed(text: &str) -> Option<String> {
    let unit = text.match_indices("bps").map(|(at, _)| at).find_map(|at| {
        let scale = text[..at].chars().next_back().filter(|scale| matches!(scale, 'M' | 'G'))?;
        Some((at - scale.len_utf8(), scale))
    });
    let (end, scale) = unit?;
    let before = text[..end].trim_end_matches(' ');
    let start = before
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
    let number = &before[start..];
    number.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("{number} {scale}bit/s"))
}

#[cfg(test)]
mod tests;
