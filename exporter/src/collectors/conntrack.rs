//! Connection tracking: how many connections the router follows, and how many it can.
//!
//! Source: `/proc/sys/net/netfilter/nf_conntrack_{count,max}` (kernel,
//! Documentation/networking/nf_conntrack-sysctl.rst), a number each. A full table drops
//! new connections, which feels like a broken line.

use std::fmt;

use super::{CollectError, Collector, ParseError};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
const LIMIT: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

struct Sample {
    entries: u64,
    limit: u64,
}

pub(crate) fn parse_number(text: &str) -> Result<u64, ParseError> {
    text.trim().parse().map_err(|_| ParseError::new("value", "an unsigned number", text))
}

pub(crate) struct Conntrack;

impl Collector for Conntrack {
    fn name(&self) -> &'static str {
        "conntrack"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let number = |path| parse_number(&roots.read(path)?).map_err(|error| error.at(path));
        Ok(Box::new(Sample { entries: number(COUNT)?, limit: number(LIMIT)? }))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("conntrack_entries", "Connections the firewall follows (nf_conntrack_count)")
            .sample(&[], Some(self.entries))?;
        out.gauge("conntrack_entries_limit", "Connections it can follow (nf_conntrack_max)")
            .sample(&[], Some(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_read_and_anything_else_refused() {
        assert_eq!(parse_number("1234\n"), Ok(1234));
        for text in ["", "-1", "12x", "184467440737095516160"] {
            assert!(parse_number(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_kept_and_any_text_is_read_or_refused(number: u64, text in ".{0,30}") {
            prop_assert_eq!(parse_number(&format!("{number}\n")), Ok(number));
            let _ = parse_number(&text).is_ok();
        }
    }
}
