//! A log that storms: 20,000 lines a second with events among them, and ten thousand events at
//! once.

use anyhow::Result;
use netmonitor_tests::burst::Burst;
use netmonitor_tests::flood::Flood;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::router::LogKind;
use netmonitor_tests::router_log::Subject;

use crate::Wanted;
use crate::held::About;

/// Of what it had after a second of it.
const GROWS_TO: f64 = 1.1;

pub(super) fn run(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let flood = Flood::measure(&wanted.exporter, None, LogKind::File)?;
    let [written, read] = flood.lines;
    about.shown("lines written", written as f64);
    about.none("lines not read", usize::try_from(written.saturating_sub(read))?);
    about.none("events lost or invented", flood.wrong_events);
    about.shown("CPU, % of one core", flood.shares.ran * 100.0);
    let [before, _, peak] = flood.rss_kb.map(|kb| kb as f64);
    about.must_be("resident memory at most, of before", peak / before, Goal::AtMost(GROWS_TO));

    let burst = Burst::measure(&wanted.exporter, None, LogKind::File, Subject::Wan)?;
    let all = Burst::COUNTED as f64;
    about.must_be("events at once, counted", burst.counted, Goal::Exactly(all));
    let next = Burst::NEXT_SEQ as f64;
    about.must_be("their last number, and one", burst.next_seq, Goal::Exactly(next));
    let [_, peak] = burst.rss_kb.map(|kb| kb as f64 * 1024.0 / 1e6);
    about.shown("resident memory at most, MB", peak);
    Ok(())
}
