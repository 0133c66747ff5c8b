//! What the one WAN is called: by netifd, by the kernel and by pppd.
//!
//! Made by whoever knows the settings and netifd's answers; the parsers ask it whether a
//! line is about the WAN. A name counts whole: `wan` is neither `wanb` nor `wwan`, and
//! `eth1` is not `eth10`.

/// Names of the WAN. What was configured may be a netifd interface, a device or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    interfaces: Vec<String>,
    devices: Vec<String>,
    ppp: Vec<String>,
}

impl Names {
    /// `wan`: interfaces and devices as configured, and what netifd told; `ppp`: devices
    /// of the PPPoE session, none for a WAN without PPPoE.
    pub(crate) fn new(
        wan: impl IntoIterator<Item = String>,
        ppp: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut names = Self::default();
        for name in wan {
            // The cable is in the device under the VLAN: eth0 under eth0.2.
            if let Some((base, _)) = name.split_once('.') {
                add(&mut names.devices, base.to_owned());
            }
            add(&mut names.devices, name.clone());
            add(&mut names.interfaces, name);
        }
        for name in ppp {
            add(&mut names.ppp, name);
        }
        names
    }

    /// Is this netifd's interface of the WAN?
    pub(crate) fn is_interface(&self, name: &str) -> bool {
        self.interfaces.iter().any(|own| own == name) && !self.is_interface6(name)
    }

    /// Is this the IPv6 companion of the WAN: `wan6` by hand, `wan_6` made by netifd?
    pub(crate) fn is_interface6(&self, name: &str) -> bool {
        self.interfaces.iter().any(|own| {
            match name.strip_prefix(own.as_str()) {
                Some("_6") => true,
                // wan16 is the sixteenth WAN, not wan1's companion.
                Some("6") => !own.ends_with(|last: char| last.is_ascii_digit()),
                _ => false,
            }
        })
    }

    /// Does this device carry the WAN?
    pub(crate) fn is_device(&self, name: &str) -> bool {
        self.devices.iter().any(|own| own == name)
    }

    /// Is this the device of the WAN's PPPoE session?
    pub(crate) fn is_ppp(&self, name: &str) -> bool {
        self.ppp.iter().any(|own| own == name)
    }

    /// Does the WAN dial at all?
    pub(crate) fn has_ppp(&self) -> bool {
        !self.ppp.is_empty()
    }
}

fn add(names: &mut Vec<String>, name: String) {
    if !name.is_empty() && !names.contains(&name) {
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wan: &[&str], ppp: &[&str]) -> Names {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        Names::new(owned(wan), owned(ppp))
    }

    #[test]
    fn a_name_counts_whole() {
        let names = names(&["wan", "eth1"], &["pppoe-wan"]);
        assert!(names.is_interface("wan") && names.is_device("eth1") && names.is_ppp("pppoe-wan"));
        for other in ["wanb", "wwan", "wan1", "guest_wan", "Wan", "wa", ""] {
            assert!(!names.is_interface(other), "{other}");
        }
        for other in ["eth10", "eth", "eth1.5", "veth1", ""] {
            assert!(!names.is_device(other), "{other}");
        }
        for other in ["pppoe-wanb", "pppoe-wa", "wan", "ppp0"] {
            assert!(!names.is_ppp(other), "{other}");
        }
    }

    #[test]
    fn the_ipv6_companion_is_told_from_siblings() {
        let own = names(&["wan", "eth0.2"], &[]);
        assert!(own.is_interface6("wan6") && own.is_interface6("wan_6"));
        for other in ["wan_6_4", "wan66", "wan", "wan_", "wan_66", "wanb6", "eth0.26"] {
            assert!(!own.is_interface6(other), "{other}");
        }
        let second = names(&["wan1"], &[]);
        assert!(second.is_interface6("wan1_6"));
        assert!(!second.is_interface6("wan16"), "a WAN of its own");
    }

    #[test]
    fn a_companion_that_is_named_as_well_stays_a_companion() {
        let both = names(&["wan", "wan6", "eth1"], &[]);
        assert!(both.is_interface("wan") && both.is_interface6("wan6"));
        assert!(!both.is_interface("wan6"));
        let alone = names(&["wan6"], &[]);
        assert!(alone.is_interface("wan6"), "an uplink with nothing but IPv6");
    }

    #[test]
    fn the_device_under_a_vlan_carries_the_wan() {
        let names = names(&["wan", "eth0.2"], &[]);
        assert!(names.is_device("eth0.2") && names.is_device("eth0"));
        assert!(!names.is_device("eth0.1"));
        assert!(!names.has_ppp());
    }
}
