//! Which facts are news: whole outages, and the laws behind them.

use super::*;
use proptest::prelude::*;

/// Plays facts by their names and shows which were news. `loss` and `regain` are netifd's
/// link, `torn` the end of its session or lease.
#[track_caller]
fn check(initial: Initial, facts: &str, expected: &str) {
    let mut suppression = Suppression::new(initial);
    let news: Vec<&str> = facts
        .split_whitespace()
        .filter_map(|fact| match fact {
            "loss" => suppression.lose_link(Family::V4).then_some("wan_down"),
            "loss6" => suppression.lose_link(Family::V6).then_some("wan6_down"),
            "regain" => suppression.regain_link(Family::V4).map(Kind::name),
            "regain6" => suppression.regain_link(Family::V6).map(Kind::name),
            "torn" => {
                suppression.tear_down(Family::V4);
                None
            }
            name => suppression.admit(Kind::of(name).unwrap()).then_some(name),
        })
        .collect();
    assert_eq!(news.join(" "), expected, "{facts}");
}

#[test]
fn each_failure_of_an_outage_is_told_once() {
    check(
        Initial::Up,
        "pppoe_lcp_echo_timeout pppoe_down pppoe_down wan_down pppoe_down wan_down pppoe_padi_timeout \
         pppoe_padi_timeout pppoe_up pppoe_up wan_up pppoe_down",
        "pppoe_lcp_echo_timeout pppoe_down wan_down pppoe_padi_timeout pppoe_up wan_up pppoe_down",
    );
}

#[test]
fn a_recovery_is_news_after_a_failure_only() {
    check(
        Initial::Up,
        "wan_up wan6_up pppoe_up kernel_link_up sfp_inserted dhcp_lease_obtained",
        "",
    );
    check(Initial::Up, "pppoe_ac_error pppoe_up", "pppoe_ac_error pppoe_up");
    check(
        Initial::Up,
        "kernel_carrier_lost kernel_link_down kernel_link_up kernel_link_up",
        "kernel_carrier_lost kernel_link_down kernel_link_up",
    );
}

#[test]
fn at_boot_each_first_recovery_is_news_but_a_lease() {
    check(
        Initial::Boot,
        "kernel_link_up dhcp_lease_obtained wan_up wan6_up pppoe_up sfp_inserted wan_up \
         kernel_link_up",
        "kernel_link_up wan_up wan6_up pppoe_up sfp_inserted",
    );
}

#[test]
fn a_lease_is_news_after_a_loss_a_refusal_or_an_outage() {
    check(
        Initial::Up,
        "dhcp_lease_lost dhcp_lease_obtained dhcp_lease_obtained",
        "dhcp_lease_lost dhcp_lease_obtained",
    );
    check(Initial::Up, "dhcp_nak dhcp_lease_obtained", "dhcp_nak dhcp_lease_obtained");
    check(
        Initial::Up,
        "wan_down dhcp_lease_obtained wan_up",
        "wan_down dhcp_lease_obtained wan_up",
    );
    check(Initial::Up, "wan_down wan_up dhcp_lease_obtained", "wan_down wan_up");
    check(
        Initial::Boot,
        "dhcp_no_lease dhcp_lease_obtained dhcp_no_lease",
        "dhcp_no_lease dhcp_no_lease",
    );
    check(Initial::Up, "dhcp_no_lease wan_up dhcp_no_lease", "dhcp_no_lease dhcp_no_lease");
}

#[test]
fn what_has_no_end_of_its_own_is_news_again_after_any_recovery() {
    check(
        Initial::Up,
        "kernel_tx_timeout kernel_tx_timeout kernel_link_up kernel_tx_timeout kernel_link_down \
         kernel_link_up kernel_tx_timeout dsl_down wan_down wan_up dsl_down",
        "kernel_tx_timeout kernel_link_down kernel_link_up kernel_tx_timeout dsl_down wan_down wan_up \
         dsl_down",
    );
}

#[test]
fn a_link_that_alone_was_missing_brings_the_wan_back() {
    check(Initial::Up, "loss regain regain", "wan_down wan_up");
    check(Initial::Up, "loss loss regain", "wan_down wan_up");
    check(Initial::Up, "loss6 regain6", "wan6_down wan6_up");
    check(Initial::Up, "loss wan_down regain", "wan_down");
    check(Initial::Up, "wan_down loss regain wan_up", "wan_down wan_up");
    check(Initial::Up, "loss torn regain wan_up", "wan_down wan_up");
    check(Initial::Boot, "loss regain wan_up", "wan_down wan_up");
    check(Initial::Up, "regain regain6", "");
}

#[test]
fn facts_without_an_outage_are_always_news() {
    let all = "test test router_boot router_boot time_stepped time_stepped wan_ip_changed \
               wan_ip_changed log_source_lost log_source_lost outage_start outage_start outage_end \
               outage_end";
    check(Initial::Up, all, &all.split_whitespace().collect::<Vec<_>>().join(" "));
}

fn facts() -> impl Strategy<Value = Vec<Kind>> {
    prop::collection::vec(prop::sample::select(Kind::ALL.to_vec()), 0..200)
}

proptest! {
    #[test]
    fn between_two_recoveries_no_failure_is_told_twice(facts in facts(), boot: bool) {
        let initial = if boot { Initial::Boot } else { Initial::Up };
        let mut suppression = Suppression::new(initial);
        let news: Vec<Kind> = facts.into_iter().filter(|&kind| suppression.admit(kind)).collect();
        for group in GROUPS.iter().filter(|group| group.up != Kind::DhcpLeaseObtained) {
            let mut told: Vec<Kind> = Vec::new();
            let mut ups = 0;
            for kind in news.iter().filter(|kind| group.up == **kind || group.downs.contains(kind)) {
                if *kind == group.up {
                    prop_assert!(!told.is_empty() || (boot && ups == 0), "{kind:?} without a failure");
                    told.clear();
                    ups += 1;
                } else {
                    prop_assert!(!told.contains(kind), "{kind:?} twice");
                    told.push(*kind);
                }
            }
        }
    }

    #[test]
    fn a_first_failure_is_never_lost(before in facts(), at in 0..6_usize) {
        let mut suppression = Suppression::new(Initial::Up);
        for kind in before {
            suppression.admit(kind);
        }
        let group = &GROUPS[at];
        suppression.admit(group.up);
        for &down in group.downs {
            prop_assert!(suppression.admit(down));
        }
    }

    #[test]
    fn what_is_saved_goes_on_as_before(before in facts(), after in facts()) {
        let mut suppression = Suppression::new(Initial::Boot);
        for kind in before {
            suppression.admit(kind);
        }
        let saved = serde_json::to_string(&suppression).unwrap();
        let mut restored: Suppression = serde_json::from_str(&saved).unwrap();
        for kind in after {
            prop_assert_eq!(suppression.admit(kind), restored.admit(kind));
        }
    }
}
