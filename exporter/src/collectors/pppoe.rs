//! The PPPoE session: is there one, and does its device carry packets?
//!
//! Sources: `/proc/net/pppoe` (Linux `drivers/net/ppp/pppoe.c`: header, then a row per
//! session with its id as it lies on the wire, the other end's address and the lower
//! device) and the operstate of the PPPoE device, which is destroyed and created anew
//! at every reconnect.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::sensor::Latest;
use super::{CollectError, Collector, wan};
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const PATH: &str = "/proc/net/pppoe";

/// One row of `/proc/net/pppoe`, without the other end's hardware address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// As pppd prints it: `PPP session is 51963`.
    pub(crate) id: u16,
    /// The lower device.
    pub(crate) device: String,
}

/// Rows that cannot be read are left out: they say nothing about the others.
pub(super) fn parse(text: &str) -> Vec<Session> {
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        let wire = u16::from_str_radix(fields.next()?, 16).ok()?;
        let device = fields.nth(1)?.to_owned();
        // The kernel prints the big-endian id as a number of this machine.
        Some(Session { id: u16::from_be(wire), device })
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// The sessions of this moment; none where the kernel has no PPPoE.
pub(crate) fn sessions(roots: &Roots) -> Vec<Session> {
    roots.read(PATH).map(|text| parse(&text)).unwrap_or_default()
}

/// The PPPoE device of this moment.
pub(crate) struct Device {
    name: String,
    /// There is the device or a session, or netifd says that the line dials.
    pub(crate) is_present: bool,
    pub(crate) is_up: bool,
}

/// The one that netifd names for a line that dials, else the configured one.
pub(crate) fn device(roots: &Roots, configured: &str, wan: Option<&wan::Sample>) -> Device {
    let dials = wan.filter(|wan| wan.proto.as_deref() == Some(wan::PPPOE));
    let name = dials.and_then(|wan| wan.l3_device.as_deref()).unwrap_or(configured);
    let operstate = roots.read(&format!("/sys/class/net/{name}/operstate"));
    Device {
        name: name.to_owned(),
        is_present: operstate.is_ok() || dials.is_some() || !sessions(roots).is_empty(),
        is_up: operstate.is_ok_and(|state| wan::is_usable(state.trim())),
    }
}

struct Sample {
    interface: String,
    up: bool,
}

pub(crate) struct Pppoe {
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
    /// A session has been seen since the start: from then on, none means down.
    seen: AtomicBool,
}

impl Pppoe {
    pub(crate) fn new(config: Live, wan: Arc<Latest<wan::Sample>>) -> Self {
        Self { config, wan, seen: AtomicBool::new(false) }
    }
}

impl Collector for Pppoe {
    fn name(&self) -> &'static str {
        "pppoe"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let config = self.config.now();
        let Some(configured) = &config.pppoe_device else {
            return Err(CollectError::NotAvailable("PPPOE_IFACE is empty".to_owned()));
        };
        let device = device(roots, configured, self.wan.last_known().as_deref());
        if device.is_present {
            self.seen.store(true, Ordering::Relaxed);
        } else if !self.seen.load(Ordering::Relaxed) {
            let name = device.name;
            return Err(CollectError::NotAvailable(format!("no device {name}, no session")));
        }
        Ok(Box::new(Sample { interface: device.name, up: device.is_up }))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("pppoe_up", "1 if the PPPoE device is there and usable (its operstate)")
            .sample(&[("interface", &self.interface)], Some(self.up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_session_id_is_turned_to_the_order_that_pppd_prints() {
        let wire = u16::from_ne_bytes([0xca, 0xfb]);
        let text =
            format!("Id       Address              Device\n{wire:08X} 00:00:5e:00:53:01  eth1.7\n");
        assert_eq!(parse(&text), [Session { id: 51963, device: "eth1.7".into() }]);
    }

    #[test]
    fn no_session_and_cut_rows_are_no_session() {
        assert_eq!(parse(""), []);
        assert_eq!(parse("Id       Address              Device\n"), []);
        assert_eq!(parse("Id Address Device\n0000CAFB 00:00:5e\n"), []);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_skipped(text in "[0-9A-F: \na-z]{0,120}") {
            let _ = parse(&text);
        }
    }
}
