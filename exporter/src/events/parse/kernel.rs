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
const QUALIFIERS: [&str; 8] =
    ["NIC", "PHY", "Copper", "SerDes", "Remote", "Fiber", "Fibre", "Device"];
/// The WAN port of nearly all boards with a switch configured by swconfig, which knows
/// ports by their numbers only.
const WAN_PORT: &str = "4";

/// Drivers of switches as MediaTek's own kernels have them.
const SWITCHES: [&str; 2] = ["mt753", "gsw"];

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
    switch_port(text).or_else(|| dsl(text))
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

/// A switch that names no device (mt753x of MediaTek's own kernels): `mt753x gsw@0: Port 4
/// Link is Down`
fn switch_port(text: &str) -> Option<Told> {
    let is_switch = SWITCHES.iter().any(|driver| text.starts_with(driver));
    let (speaker, rest) = if is_switch { text.split_once(": ")? } else { ("", text) };
    // A device that is not the WAN's may have a fourth port as well.
    let (_, bus) = word(speaker);
    strip(rest, "port ").filter(|_| !word(bus).1.starts_with("eth"))?;
    device_state("switch", rest)
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
mod tests {
    use super::super::tests::check_for;

    /// For a WAN on `eth1`, unless the line is about a VLAN's or a switch's port.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        check_for("wan,eth1", &format!("[  812.004711] {line}"), expected);
    }

    #[test]
    fn phylib_and_phylink_speak_for_most_drivers() {
        let down = "kernel_link_down device=eth1";
        check("rk_gmac-dwmac fe300000.ethernet eth1: Link is Down", down);
        check("airoha_eth 1fb50000.ethernet eth1: Link is Down", down);
        check("r8169 0000:04:00.0 eth1: Link is Down", down);
        check(
            "mtk_soc_eth 15100000.ethernet eth1: Link is Up - 2.5Gbps/Full - flow control rx/tx",
            "kernel_link_up device=eth1 speed=2.5 Gbit/s",
        );
        check(
            "mvneta f1034000.ethernet eth1: Link is Up - 100Mbps/Half - flow control off",
            "kernel_link_up device=eth1 speed=100 Mbit/s",
        );
        check_for(
            "wan",
            "[5.0] qca8k 37000000.mdio-mii:10 wan: Link is Down",
            "kernel_link_down device=wan",
        );
        check("mtk_soc_eth 15100000.ethernet eth1: configuring for inband/sgmii link mode", "-");
        check("mtk_soc_eth 15100000.ethernet eth1: PHY [mdio-bus:05] driver [RTL8221B]", "-");
    }

    #[test]
    fn drivers_with_words_of_their_own_are_understood() {
        let (up, down) = ("kernel_link_up device=eth1", "kernel_link_down device=eth1");
        let gigabit = "kernel_link_up device=eth1 speed=1000 Mbit/s";
        check("eth1: link up (1000Mbps/Full duplex)", gigabit);
        check("eth1: link down", down);
        check("r8125: eth1: link up", up);
        check("igb 0000:07:00.1 eth1: igb: eth1 NIC Link is Down", down);
        check(
            "igc 0000:07:00.0 eth1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX",
            gigabit,
        );
        check("e1000e: eth1 NIC Link is Down", down);
        check(
            "atl1c 0000:07:00.0 eth1: atl1c: eth1 NIC Link is Up<1000 Mbps Full Duplex>",
            gigabit,
        );
        check("bnx2 0000:07:00.0 eth1: NIC Copper Link is Up, 1000 Mbps full duplex", gigabit);
        check("bnx2x 0000:07:00.0 eth1: NIC Link is Down", down);
        check("tg3 0000:07:00.0 eth1: Link is up at 1000 Mbps, full duplex", gigabit);
        check("sky2 0000:07:00.0 eth1: Link is down", down);
        check("mlx5_core 0000:07:00.0 eth1: Link up", up);
        check("mlx4_en: eth1: Link Down", down);
        check(
            "alx 0000:07:00.0 eth1: NIC Up: 1 Gbps Full",
            "kernel_link_up device=eth1 speed=1 Gbit/s",
        );
        check("vmxnet3 0000:0b:00.0 eth1: NIC Link is Up 1000 Mbps", gigabit);
        check("nss-dp 3a001000.dp1 eth1: PHY Link up speed: 2500", up);
        check("nss-dp 3a001000.dp1 eth1: PHY Link is down", down);
        check(
            "smsc95xx 1-1:1.0 eth1: link up, 100Mbps, full-duplex, lpa 0xC1E1",
            "kernel_link_up device=eth1 speed=100 Mbit/s",
        );
        check("fsl_dpaa2_eth dpni.1 eth1: Link Event: state down", down);
        check("atlantic 0000:07:00.0 eth1: atlantic: link change old 10000 new 0", down);
        check("atlantic 0000:07:00.0 eth1: atlantic: link change old 0 new 2500", up);
        check("eth1: 1000 Mbps Full duplex, port  1, queue  1", gigabit);
    }

    #[test]
    fn usb_adapters_lose_and_find_a_carrier() {
        let lost = "kernel_carrier_lost device=eth1";
        let up = "kernel_link_up device=eth1";
        check("r8152 4-1.2:1.0 eth1: carrier off", lost);
        check("r8152 4-1.2:1.0 eth1: carrier on", up);
        check("cdc_ncm 4-1:2.0 eth1: network connection: disconnected", lost);
        check("cdc_ncm 4-1:2.0 eth1: network connection: connected", up);
        check("ax88179_178a 4-1:1.0 eth1: ax88179 - Link status is: 0", lost);
        check("ax88179_178a 4-1:1.0 eth1: ax88179 - Link status is: 1", up);
        check("cdc_ncm 4-1:2.0 eth1: 480 mbit/s downlink 480 mbit/s uplink", "-");
    }

    #[test]
    fn a_vlan_and_a_switch_port_speak_for_the_wan() {
        let vlan = |line: &str, expected: &str| {
            check_for("wan,eth0.2", &format!("6,77,812004711,-;{line}"), expected);
        };
        vlan(
            "mtk_soc_eth 1e100000.ethernet eth0: port 4 link down",
            "kernel_link_down device=eth0",
        );
        vlan("mtk_soc_eth 1e100000.ethernet eth0: port 3 link down", "-");
        vlan(
            "mt753x gsw@0: Port 4 Link is Up - 1Gbps/Full",
            "kernel_link_up device=switch speed=1 Gbit/s",
        );
        vlan("mt753x gsw@0: Port 0 Link is Down", "-");
        vlan("mt753x gsw@0 eth7: Port 4 Link is Down", "-");
        vlan("Port 4 Link is Down", "kernel_link_down device=switch");
        vlan("usb 1-1: Port 4 Link is Down", "-");
        vlan("eth0: link down", "kernel_link_down device=eth0");
    }

    #[test]
    fn other_devices_and_other_words_say_nothing() {
        for line in [
            "e1000e 0000:07:00.0 eth10: NIC Link is Down",
            "e1000e: eth10 NIC Link is Down",
            "mt7530-mdio mdio-bus:1f: Link is Up - 1Gbps/Full - flow control rx/tx",
            "mt7530-mdio mdio-bus:1f lan1: Link is Down",
            "IPv6: ADDRCONF(NETDEV_UP): eth1: link is not ready",
            "IPv6: ADDRCONF(NETDEV_CHANGE): eth1: link becomes ready",
            "br-lan: port 4(eth1) entered disabled state",
            "device eth1 entered promiscuous mode",
            "8021q: adding VLAN 0 to HW filter on device eth1",
            "eth1: link update",
            "eth1: link up-to-date",
            "eth1: the link is down",
            "a b c d eth1: link down",
            "eth1 link down",
            "pppoe-wan: renamed from ppp0",
        ] {
            check(line, "-");
        }
    }

    #[test]
    fn a_transmit_queue_that_hangs_is_noticed_in_all_releases() {
        let stuck = "kernel_tx_timeout device=eth1";
        check("NETDEV WATCHDOG: eth1: transmit timed out", stuck);
        check("NETDEV WATCHDOG: eth1 (r8125): transmit queue 2 timed out", stuck);
        check(
            "r8125 0000:07:00.0 eth1: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5376 ms",
            stuck,
        );
        check("e1000e 0000:07:00.0 eth1: Detected Hardware Unit Hang:", stuck);
        check("NETDEV WATCHDOG: eth10 (r8125): transmit queue 0 timed out", "-");
        check("NETDEV WATCHDOG: eth1 (r8125)", "-");
    }

    #[test]
    fn sfp_cages_and_dsl_lines_are_read() {
        check("sfp sfp-2: module removed", "sfp_removed cage=sfp-2");
        check(
            "sfp sfp-2: module ACME  GPON-1234  rev 02 sn A1B2 dc 240229  ",
            "sfp_inserted module=ACME GPON-1234 cage=sfp-2",
        );
        check("sfp sfp-2: module transmit fault indicated", "-");
        check("sfp sfp-2: Host maximum power 2.0W", "-");
        check("vrx518_tc:atm_showtime_exit: Line[1]: show time exit!", "dsl_down");
        check("vrx518_tc:ptm_showtime_enter: Line[0]: show time enter!", "-");
        check("leave showtime", "dsl_down");
    }
}
