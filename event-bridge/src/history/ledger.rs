//! The list of outages: drops given an end each, and put together where they belong
//! together. Nothing of it is stored, so whatever is told later corrects it by itself.

use super::outage::{Boot, Closed, Drop, End, Outage};
use crate::record::Millis;

/// Drops at most so far apart are one outage, as `docs/outages.md` says.
pub const TOGETHER: Millis = 180_000;

/// A router that was heard of so lately is believed when it says that an outage goes on.
pub const HEARD_LATELY: Millis = 600_000;

/// What is known of a router besides its drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its starts, in any order.
    pub boots: Vec<Boot>,
    /// When it answered last; `None`: never.
    pub heard: Option<Millis>,
    /// Now.
    pub now: Millis,
}

/// One router's outages of its `drops`, oldest first. The drops come in the order of their
/// starts, and with all that follow the first.
#[must_use]
pub fn outages(drops: Vec<Drop>, known: &Known) -> Vec<Outage> {
    let mut outages: Vec<Outage> = Vec::new();
    let mut drops = drops.into_iter().peekable();
    while let Some(drop) = drops.next() {
        let (until, end) = end(&drop, drops.peek(), known);
        let closed = Closed { until: until.max(drop.start), end, drop };
        match outages.last_mut() {
            Some(last) if closed.drop.start - last.until() <= TOGETHER => last.drops.push(closed),
            _ => outages.push(Outage { drops: vec![closed] }),
        }
    }
    outages
}

/// The end of a drop: the one told, else the latest that it can have been.
fn end(drop: &Drop, next: Option<&Drop>, known: &Known) -> (Millis, End) {
    if let Some(until) = drop.until {
        return (until, End::Told);
    }
    let boots = known.boots.iter().filter(|boot| drop.stream.is_some_and(|of| of != boot.stream));
    let restarted = boots.map(|boot| boot.at).filter(|at| *at > drop.start).min();
    let begins_anew = next.map(|next| next.start);
    if let Some(until) = restarted.into_iter().chain(begins_anew).min() {
        return (until, End::Assumed);
    }
    match known.heard {
        Some(heard) if heard + HEARD_LATELY >= known.now => (known.now, End::Ongoing),
        heard => (heard.unwrap_or(drop.start), End::Assumed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::outage::{Cause, Side};
    use super::*;

    const NOW: Millis = 10_000_000;

    fn known() -> Known {
        Known { boots: Vec::new(), heard: Some(NOW - 1000), now: NOW }
    }

    fn drop_of(id: i64, start: Millis, until: Option<Millis>) -> Drop {
        let (cause, side) = (Cause::Gateway, Side::Unknown);
        let name = format!("s-{id}");
        Drop { id, name, stream: Some(1), start, until, cause, side, evidence: None }
    }

    /// Start, end and kind of end of each outage, and how many drops it has.
    #[track_caller]
    fn check(drops: Vec<Drop>, known: &Known, expected: &[(Millis, Millis, End, usize)]) {
        let outages = outages(drops, known);
        let found: Vec<_> = outages
            .iter()
            .map(|outage| (outage.start(), outage.until(), outage.end(), outage.drops.len()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn drops_three_minutes_apart_are_one_outage() {
        let drops = |second| vec![drop_of(1, 1000, Some(2000)), drop_of(2, second, Some(999_000))];
        check(drops(182_000), &known(), &[(1000, 999_000, End::Told, 2)]);
        let two = [(1000, 2000, End::Told, 1), (182_001, 999_000, End::Told, 1)];
        check(drops(182_001), &known(), &two);
    }

    #[test]
    fn an_outage_without_an_end_goes_on_while_the_router_is_heard() {
        let drops = || vec![drop_of(1, 1000, None)];
        check(drops(), &known(), &[(1000, NOW, End::Ongoing, 1)]);
        let silent = Known { heard: Some(5000), ..known() };
        check(drops(), &silent, &[(1000, 5000, End::Assumed, 1)]);
        check(drops(), &Known { heard: None, ..known() }, &[(1000, 1000, End::Assumed, 1)]);
    }

    #[test]
    fn a_start_of_the_router_ends_what_it_forgot() {
        let boots = vec![Boot { stream: 2, at: 900_000 }, Boot { stream: 2, at: 500_000 }];
        let known = Known { boots, ..known() };
        check(vec![drop_of(1, 1000, None)], &known, &[(1000, 500_000, End::Assumed, 1)]);
        // Of a queue that outlives the start: it goes on.
        let same = Known { boots: vec![Boot { stream: 1, at: 500_000 }], ..known };
        check(vec![drop_of(1, 1000, None)], &same, &[(1000, NOW, End::Ongoing, 1)]);
    }

    #[test]
    fn a_new_drop_ends_one_without_an_end() {
        let drops = vec![drop_of(1, 1000, None), drop_of(2, 9000, Some(9500))];
        let found = outages(drops, &known());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].drops[0].until, found[0].drops[0].end), (9000, End::Assumed));
        assert_eq!((found[0].until(), found[0].end(), found[0].down()), (9500, End::Told, 8500));
    }

    #[test]
    fn the_longest_drop_says_why() {
        let mut drops = vec![drop_of(1, 1000, Some(2000)), drop_of(2, 3000, Some(9000))];
        drops[1].cause = Cause::Dhcp;
        let found = outages(drops, &known());
        assert_eq!((found[0].main().drop.cause.clone(), found[0].id()), (Cause::Dhcp, 1));
        assert_eq!(found[0].down_within(1500, 4000), 1500);
    }

    proptest! {
        #[test]
        fn outages_are_apart_and_lose_no_drop(
            spans in prop::collection::vec((0_i64..9_000_000, prop::option::of(0_i64..2_000_000)), 0..30),
            boots in prop::collection::vec((1_i64..3, 0_i64..9_000_000), 0..5),
        ) {
            let mut drops: Vec<Drop> = spans
                .iter()
                .zip(1..)
                .map(|((start, length), id)| drop_of(id, *start, length.map(|l| start + l)))
                .collect();
            drops.sort_by_key(|drop| drop.start);
            let boots = boots.into_iter().map(|(stream, at)| Boot { stream, at }).collect();
            let known = Known { boots, ..known() };
            let found = outages(drops.clone(), &known);
            let kept: Vec<i64> =
                found.iter().flat_map(|outage| &outage.drops).map(|drop| drop.drop.id).collect();
            prop_assert_eq!(kept, drops.iter().map(|drop| drop.id).collect::<Vec<_>>());
            for pair in found.windows(2) {
                prop_assert!(pair[1].start() - pair[0].until() > TOGETHER);
            }
            for outage in &found {
                prop_assert!(outage.down() <= outage.until() - outage.start());
                let middle = (outage.start() + outage.until()) / 2;
                let halves = outage.down_within(Millis::MIN, middle)
                    + outage.down_within(middle, Millis::MAX);
                prop_assert_eq!(halves, outage.down());
            }
        }
    }
}
