//! The words of the kernel's drivers, and what looks like them.

use crate::events::parse::tests::check_for;

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
    check("igc 0000:07:00.0 eth1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX", gigabit);
    check("e1000e: eth1 NIC Link is Down", down);
    check("atl1c 0000:07:00.0 eth1: atl1c: eth1 NIC Link is Up<1000 Mbps Full Duplex>", gigabit);
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
    check("ess_edma c080000.edma: eth1: GMAC Link is down", down);
    check("ess_edma c080000.edma: eth1: GMAC Link is up with phy_speed=1000", up);
    check("ess_edma c080000.edma: eth0: GMAC Link is down", "-");
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
    vlan("mtk_soc_eth 1e100000.ethernet eth0: port 4 link down", "kernel_link_down device=eth0");
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
fn drivers_of_switches_know_ports_by_number_only() {
    let vlan = |line: &str, expected: &str| {
        check_for("wan,eth0.2", &format!("[  812.004711] {line}"), expected);
    };
    let (up, down) = ("kernel_link_up device=switch", "kernel_link_down device=switch");
    vlan("rt3050-esw 10110000.esw: port 4 link down", down);
    vlan("rt3050-esw 10110000.esw: port 4 link up", up);
    vlan("rt3050-esw 10110000.esw: port 2 link up", "-");
    vlan("rt3050-esw 10110000.esw: link changed 0x10", "-");
    vlan("rt305x-esw 10110000.esw: port 4 link down", down);
    vlan("esw: port 4 link up", up);
    vlan("esw: link changed 0x00", "-");
    vlan("mtk_soc_eth 1e100000.ethernet: port 4 link down", down);
    vlan("mtk_soc_eth 1e100000.ethernet: port 40 link down", "-");
    vlan("mtk_soc_eth 1e100000.ethernet eth1: port 4 link down", "-");
    vlan("mtk_soc_eth 1e100000.ethernet lan4: port 4 link down", "-");
    let lantiq = "lantiq,xrx200-net 1e108000.eth eth0:";
    vlan(&format!("{lantiq} port 4 lost link"), "kernel_link_down device=eth0");
    vlan(&format!("{lantiq} port 4 got link"), "kernel_link_up device=eth0");
    vlan(&format!("{lantiq} port 2 lost link"), "-");
    vlan(&format!("{lantiq} port 4 lost links"), "-");
}

#[test]
fn a_port_without_a_device_is_the_wans_where_it_shares_one() {
    for line in [
        "Port 4 Link is Down",
        "mt753x gsw@0: Port 4 Link is Down",
        "rt3050-esw 10110000.esw: port 4 link down",
    ] {
        let down = "kernel_link_down device=switch";
        for (wan, expected) in
            [("wan,eth0.2", down), ("wan,eth0", down), ("wan,eth1", "-"), ("wan", "-")]
        {
            check_for(wan, &format!("[  812.004711] {line}"), expected);
        }
    }
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
