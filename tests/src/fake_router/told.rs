//! What a router's program has told since it was started: how many events of each type, and
//! which outages. Pure.

use std::collections::{BTreeMap, VecDeque};

use super::exposition::closed_list;

/// Outages that have series of their own; the exporter's.
const LAST_OUTAGES: usize = 10;

/// An outage that is over; times are since 1970, by the router's clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Over {
    /// `cause` and `side`, as between the braces.
    pub(super) why: String,
    pub(super) name: String,
    pub(super) began_ms: i64,
    pub(super) ended_ms: i64,
}

#[derive(Debug)]
pub(super) struct Told {
    /// By labels: how many, and when the last one was.
    events: BTreeMap<String, (u64, Option<i64>)>,
    outages: BTreeMap<String, u64>,
    over: VecDeque<Over>,
}

impl Told {
    /// Everything that the exporter counts from its start on, at 0.
    pub(super) fn new() -> Self {
        let zero = |family| closed_list(family).into_iter().map(str::to_owned);
        Self {
            events: zero("netmonitor_events_total").map(|labels| (labels, (0, None))).collect(),
            outages: zero("netmonitor_outages_total").map(|labels| (labels, 0)).collect(),
            over: VecDeque::new(),
        }
    }

    pub(super) fn add_event(&mut self, kind: &str, at_ms: i64) {
        let (count, last) = self.events.entry(format!("type=\"{kind}\"")).or_default();
        (*count, *last) = (*count + 1, Some(at_ms));
    }

    pub(super) fn add_outage(&mut self, over: Over) {
        *self.outages.entry(over.why.clone()).or_default() += 1;
        self.over.push_back(over);
        if self.over.len() > LAST_OUTAGES {
            self.over.pop_front();
        }
    }

    /// The clock was wrong by so much.
    pub(super) fn correct(&mut self, by_ms: i64) {
        for (_, last) in self.events.values_mut() {
            *last = last.map(|last| last + by_ms);
        }
        for over in &mut self.over {
            (over.began_ms, over.ended_ms) = (over.began_ms + by_ms, over.ended_ms + by_ms);
        }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = (&str, u64, Option<i64>)> {
        self.events.iter().map(|(labels, (count, last))| (labels.as_str(), *count, *last))
    }

    pub(super) fn outages(&self) -> impl Iterator<Item = (&str, u64)> {
        self.outages.iter().map(|(labels, count)| (labels.as_str(), *count))
    }

    /// The last ones, oldest first.
    pub(super) fn over(&self) -> &VecDeque<Over> {
        &self.over
    }
}

/// For people.
pub(super) fn text(kind: &str) -> &'static str {
    match kind {
        "pppoe_up" => "PPPoE session is up",
        "pppoe_down" => "PPPoE session ended",
        "pppoe_lcp_term" => "The provider ended the session (LCP)",
        "pppoe_lcp_echo_timeout" => "The access server stopped answering",
        "pppoe_local_term" => "This router ended the session",
        "pppoe_padi_timeout" => "No access server answered",
        "dhcp_lease_obtained" => "DHCP lease obtained",
        "dhcp_lease_lost" => "DHCP lease lost",
        "dhcp_no_lease" => "No DHCP server answered",
        "wan_ip_changed" => "Another address",
        "wan_up" => "WAN is up",
        "wan_down" => "WAN is down",
        "kernel_link_up" => "Link of the WAN port is up",
        "kernel_link_down" => "Link of the WAN port is down",
        "outage_start" => "The internet is gone",
        "outage_end" => "The internet is back",
        "router_boot" => "Router started",
        "time_stepped" => "Clock was set",
        _ => "Made up by a scenario",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_begin_at_zero_and_only_the_last_outages_are_kept() {
        let mut told = Told::new();
        assert!(told.events().count() > 30 && told.events().all(|(_, count, _)| count == 0));
        for number in 0..12 {
            let why = "cause=\"dhcp\",side=\"provider\"".to_owned();
            let (began_ms, ended_ms) = (number, number + 1);
            told.add_outage(Over { why, name: number.to_string(), began_ms, ended_ms });
        }
        told.add_event("wan_up", 7);
        told.correct(1000);
        let kinds = told.outages().count();
        assert_eq!(told.outages().map(|(_, count)| count).sum::<u64>(), 12);
        assert_eq!(kinds, Told::new().outages().count());
        assert_eq!((told.over().len(), told.over()[0].began_ms), (10, 1002));
        assert!(told.events().any(|event| event == ("type=\"wan_up\"", 1, Some(1007))));
    }
}
