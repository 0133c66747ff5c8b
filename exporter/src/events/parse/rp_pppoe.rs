//! rp-pppoe's program of its own, `pppoe`, which carries a session without the kernel's
//! help: it alone logs that the provider closed one.
//!
//! Source: rp-pppoe src/pppoe.c, and src/discovery.c, from which pppd's plugin stems.

use super::{Said, pppd};
use crate::events::event::Told;
use crate::events::kind::Kind;

/// `Session 4711 terminated -- received PADT from peer`, and the words of discovery
pub(super) fn parse(text: &str) -> Option<Said<'_>> {
    let closed = text.starts_with("Session ") && text.contains("terminated -- received PADT");
    if closed {
        let told = Told::new(Kind::PppoePadt, "The provider closed the PPPoE session (PADT)");
        return Some(Said::Fact(told));
    }
    pppd::discovery(text).map(Said::Fact)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_for;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        check_for("wan,eth1", &format!("Mar  4 05:06:07 gw pppoe[31415]: {text}"), expected);
    }

    #[test]
    fn a_close_by_the_provider_is_told_by_this_program_alone() {
        check("Session 4711 terminated -- received PADT from peer", "ppp pppoe_padt");
        check("Session terminated -- received PADT from peer", "ppp pppoe_padt");
        check("Sent PADT", "-");
        check("Timeout waiting for PADO packets", "ppp pppoe_padi_timeout");
        check("read (asyncReadFromPPP): Session 1: Input/output error", "-");
    }
}
