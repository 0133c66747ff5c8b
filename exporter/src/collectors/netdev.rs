//! Traffic, error and carrier counters of the WAN's devices.
//!
//! Sources: `/proc/net/dev` (Linux `net/core/net-procfs.c`: `dropped` includes missed
//! packets) and `/sys/class/net/<device>/carrier_{up,down}_count` (4.16 and later). Read
//! at every scrape: a device that is gone is absent, and one that is created anew, as a
//! PPPoE device is at every reconnect, counts from 0 again.

use std::fmt;
use std::sync::Arc;

use super::conntrack::parse_number;
use super::sensor::Latest;
use super::{CollectError, Collector, wan};
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const PATH: &str = "/proc/net/dev";

/// What `/proc/net/dev` counts for one device, since the device was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) receive: Direction,
    pub(crate) transmit: Direction,
}

/// One direction of [`Counters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) errors: u64,
    pub(crate) dropped: u64,
}

/// The counters of one device. A line that is cut or foreign is as good as none.
pub(super) fn parse(text: &str, device: &str) -> Option<Counters> {
    // Old kernels leave no space behind the colon when the number is wide.
    let line = text.lines().find_map(|line| {
        let (name, counters) = line.rsplit_once(':')?;
        (name.trim() == device).then_some(counters)
    })?;
    let numbers: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let direction = |at: usize| {
        let [bytes, packets, errors, dropped] = numbers.get(at..at + 4)?.try_into().ok()?;
        Some(Direction { bytes, packets, errors, dropped })
    };
    Some(Counters { receive: direction(0)?, transmit: direction(8)? })
}

/// The counters of `device` now.
pub(crate) fn read(roots: &Roots, device: &str) -> Option<Counters> {
    parse(&roots.read(PATH).ok()?, device)
}

/// The devices of the WAN: the lower one first, then the PPPoE device.
pub(crate) fn devices(config: &Live, wan: &Latest<wan::Sample>) -> Vec<String> {
    let sample = wan.last_known();
    let of_wan = sample.iter().flat_map(|wan| [wan.device.clone(), wan.l3_device.clone()]);
    let mut devices: Vec<String> = Vec::new();
    for device in of_wan.chain([config.now().pppoe_device.clone()]).flatten() {
        if !devices.contains(&device) {
            devices.push(device);
        }
    }
    devices
}

struct Sample {
    devices: Vec<Device>,
}

struct Device {
    name: String,
    counters: Counters,
    carrier_up: Option<u64>,
    carrier_down: Option<u64>,
}

pub(crate) struct NetDev {
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
}

impl NetDev {
    pub(crate) fn new(config: Live, wan: Arc<Latest<wan::Sample>>) -> Self {
        Self { config, wan }
    }
}

impl Collector for NetDev {
    fn name(&self) -> &'static str {
        "netdev"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let text = roots.read(PATH)?;
        let names = devices(&self.config, &self.wan);
        let devices: Vec<Device> = names
            .into_iter()
            .filter_map(|name| {
                let count = |file| {
                    let text = roots.read(&format!("/sys/class/net/{name}/{file}")).ok()?;
                    parse_number(&text).ok()
                };
                Some(Device {
                    counters: parse(&text, &name)?,
                    carrier_up: count("carrier_up_count"),
                    carrier_down: count("carrier_down_count"),
                    name,
                })
            })
            .collect();
        if devices.is_empty() {
            return Err(CollectError::NotAvailable(format!("{PATH} has no device of the WAN")));
        }
        Ok(Box::new(Sample { devices }))
    }
}

/// How one family of the sample is called, and where its number is.
type Column = (&'static str, &'static str, fn(&Device) -> Option<u64>);

const COLUMNS: [Column; 10] = [
    ("interface_receive_bytes_total", "Bytes received (/proc/net/dev)", |d| {
        Some(d.counters.receive.bytes)
    }),
    ("interface_receive_packets_total", "Packets received (/proc/net/dev)", |d| {
        Some(d.counters.receive.packets)
    }),
    ("interface_receive_errors_total", "Bad packets received (/proc/net/dev)", |d| {
        Some(d.counters.receive.errors)
    }),
    ("interface_receive_dropped_total", "Packets dropped or missed (/proc/net/dev)", |d| {
        Some(d.counters.receive.dropped)
    }),
    ("interface_transmit_bytes_total", "Bytes sent (/proc/net/dev)", |d| {
        Some(d.counters.transmit.bytes)
    }),
    ("interface_transmit_packets_total", "Packets sent (/proc/net/dev)", |d| {
        Some(d.counters.transmit.packets)
    }),
    ("interface_transmit_errors_total", "Packets that could not be sent (/proc/net/dev)", |d| {
        Some(d.counters.transmit.errors)
    }),
    ("interface_transmit_dropped_total", "Packets dropped before sending (/proc/net/dev)", |d| {
        Some(d.counters.transmit.dropped)
    }),
    ("interface_carrier_up_total", "Times the link came up (carrier_up_count)", |d| d.carrier_up),
    ("interface_carrier_down_total", "Times the link went down (carrier_down_count)", |d| {
        d.carrier_down
    }),
];

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        for (name, help, number) in COLUMNS {
            let mut family = out.counter(name, help);
            for device in &self.devices {
                family.sample(&[("device", &device.name)], number(device))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "Inter-|   Receive |  Transmit\n face |bytes packets errs drop\n";

    #[track_caller]
    fn check(row: &str, device: &str, expected: Option<[u64; 8]>) {
        let found = parse(&format!("{HEADER}{row}\n"), device).map(|counters| {
            let all = |d: Direction| [d.bytes, d.packets, d.errors, d.dropped];
            let ([a, b, c, d], [e, f, g, h]) = (all(counters.receive), all(counters.transmit));
            [a, b, c, d, e, f, g, h]
        });
        assert_eq!(found, expected, "{row}");
    }

    #[test]
    fn both_directions_are_read() {
        let row = "  eth1:  10 20 3 4 0 0 0 0  50 60 7 8 0 0 0 0";
        check(row, "eth1", Some([10, 20, 3, 4, 50, 60, 7, 8]));
        check(row, "eth10", None);
        check(row, "eth", None);
    }

    #[test]
    fn a_wide_number_may_touch_the_colon() {
        let row = "eth1:4294967290 20 0 0 0 0 0 0 50 60 0 0 0 0 0 0";
        check(row, "eth1", Some([4_294_967_290, 20, 0, 0, 50, 60, 0, 0]));
    }

    #[test]
    fn counters_above_32_bits_are_kept() {
        let row = "eth1: 52982948692 1 0 0 0 0 0 0 18446744073709551615 1 0 0 0 0 0 0";
        check(row, "eth1", Some([52_982_948_692, 1, 0, 0, u64::MAX, 1, 0, 0]));
    }

    #[test]
    fn an_alias_is_found_by_its_whole_name() {
        check(
            "eth1:1: 10 20 3 4 0 0 0 0 50 60 7 8 0 0 0 0",
            "eth1:1",
            Some([10, 20, 3, 4, 50, 60, 7, 8]),
        );
    }

    #[test]
    fn a_cut_or_foreign_row_gives_nothing() {
        check("eth1: 10 20 3", "eth1", None);
        check("eth1: 10 20 3 4 0 0 0 0 50 60 7", "eth1", None);
        check("eth1: 10 x 3 4 0 0 0 0 50 60 7 8", "eth1", None);
        check("", "eth1", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_skipped(text in "(eth1|:|[0-9 \n]|-){0,120}") {
            let _ = parse(&text, "eth1");
        }
    }
}
