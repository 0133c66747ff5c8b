//! What the one WAN is called: by netifd, by the kernel and by pppd.
//!
//! Made by whoever knows the settings and netifd's answers; the parsers ask it whether a
//! line is about the WAN. A name counts whole: `wan` is neither `wanb` nor `wwan`, and
//! `eth1` is not `eth10`.

/// Names of the WAN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    interfaces: Vec<String>,
    devices: Vec<String>,
    ppp: Vec<String>,
}

impl Names {
    /// `wan`: netifd's name first, then devices, as configured; one name alone may be both.
    /// `ppp`: devices of the PPPoE session, none for a WAN without PPPoE.
    pub(crate) fn new(
        wan: impl IntoIterator<Item = String>,
        ppp: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut names = Self::default();
        let mut wan = wan.into_iter();
        let first = wan.next();
        for device in wan {
            names.add_device(device);
        }
        if let Some(first) = first {
            if names.devices.is_empty() {
                names.add_device(first.clone());
            }
            names.add_interface(first);
        }
        for name in ppp {
            names.add_ppp(name);
        }
        names
    }

    pub(crate) fn add_interface(&mut self, name: String) {
        add(&mut self.interfaces, name);
    }

    pub(crate) fn add_device(&mut self, name: String) {
        // The cable is in the device under the VLAN: eth0 under eth0.2.
        if let Some((base, _)) = name.split_once('.') {
            add(&mut self.devices, base.to_owned());
        }
        add(&mut self.devices, name);
    }

    pub(crate) fn add_ppp(&mut self, name: String) {
        add(&mut self.ppp, name);
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

    /// Is the WAN a VLAN on a device that carries others as well?
    pub(crate) fn has_vlan_device(&self) -> bool {
        self.devices.iter().any(|own| own.contains('.'))
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
        for other in ["wan_6_4", "wan66", "wan", "wan_", "wan_66", "wanb6", "eth0.26", "eth0.2"] {
            assert!(!own.is_interface6(other), "{other}");
        }
        let second = names(&["wan1"], &[]);
        assert!(second.is_interface6("wan1_6"));
        assert!(!second.is_interface6("wan16"), "a WAN of its own");
    }

    #[test]
    fn of_several_names_the_first_is_netifds_and_the_others_are_devices() {
        let names = names(&["wan", "eth1"], &[]);
        assert!(!names.is_device("wan"), "a port of the LAN that is called so");
        assert!(!names.is_interface("eth1"));
        let mut told = names;
        told.add_device("br-wan".to_owned());
        told.add_interface("internet".to_owned());
        assert!(told.is_device("br-wan") && told.is_interface("internet"));
    }

    #[test]
    fn one_name_may_be_both() {
        let names = names(&["wan"], &[]);
        assert!(names.is_device("wan") && names.is_interface("wan"));
    }

    #[test]
    fn a_companion_that_is_told_as_well_stays_a_companion() {
        let mut both = names(&["wan", "eth1"], &[]);
        both.add_interface("wan6".to_owned());
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
        assert!(names.has_vlan_device());
        assert!(!names.has_ppp());
    }
}
