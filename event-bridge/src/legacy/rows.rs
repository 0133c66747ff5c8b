//! Rows of the old client as records of ours. Pure, and as lenient as with routers: a value
//! that makes no sense is left out, a row that cannot be told apart from others is skipped,
//! and both are counted.

use std::fmt;
use std::ops::Range;

use serde_json::{Value, json};

use super::source::Row;
use super::time::{self, LocalClock, Written};
use crate::history::hour::HOUR;
use crate::record::{Event, Millis, PastEvent, PastHour, Ping, Sample, WanState};
use crate::routers::{
    MAX_KIND_CHARS, MAX_MESSAGE_CHARS, MAX_TARGET_CHARS, ROUTER_TIME, count, line, number,
};

/// 2000-01-01: before it no clock was right that wrote such a file.
const EARLIEST: Millis = 946_684_800_000;

/// The clocks of two computers may be so far apart.
const AHEAD: Millis = 600_000;

/// Beyond it neither times, temperatures nor light make sense; sums stay far from overflow.
const GREATEST: f64 = 1e6;

/// Why a row was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    NoTime,
    TooEarly,
    TooLate,
    NoTarget,
    NoKind,
    TooManyTargets,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTime => "the time is none",
            Self::TooEarly => "the time is before any that can be right",
            Self::TooLate => "the time is later than now; is the zone right?",
            Self::NoTarget => "there is no target",
            Self::NoKind => "there is no type",
            Self::TooManyTargets => "the router has more targets than can be kept",
        })
    }
}

/// A ping, and when it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimedPing {
    pub(super) at: Millis,
    pub(super) ping: Ping,
}

/// What rows are read with.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) now: Millis,
    /// Values that were there and made no sense.
    pub(super) left_out: u64,
}

impl Rules {
    pub(super) fn sample(
        &mut self,
        row: &Row<11>,
        clock: &mut LocalClock,
    ) -> Result<Sample, Reason> {
        let [timestamp, wan_state, cells @ ..] = &row.cells;
        let at = self.written_at(timestamp, clock)?;
        let [rx_errors, tx_errors, rx_dropped, tx_dropped, cells @ ..] = cells;
        let [optical_rx, optical_tx, cpu_temp, reconnects, downs] = cells;
        Ok(Sample {
            at,
            wan_state: state(wan_state),
            rx_errors: self.count(rx_errors),
            tx_errors: self.count(tx_errors),
            rx_dropped: self.count(rx_dropped),
            tx_dropped: self.count(tx_dropped),
            optical_rx_dbm: self.number(optical_rx, -GREATEST..GREATEST),
            optical_tx_dbm: self.number(optical_tx, -GREATEST..GREATEST),
            cpu_celsius: self.number(cpu_temp, -GREATEST..GREATEST),
            pppoe_reconnects_24h: self.count(reconnects),
            wan_downs_24h: self.count(downs),
            pings: Vec::new(),
        })
    }

    pub(super) fn ping(
        &mut self,
        row: &Row<4>,
        clock: &mut LocalClock,
    ) -> Result<TimedPing, Reason> {
        let [timestamp, target, rtt, loss] = &row.cells;
        let at = self.written_at(timestamp, clock)?;
        let target = line(target, MAX_TARGET_CHARS).filter(|target| !target.is_empty());
        let ping = Ping {
            target: target.ok_or(Reason::NoTarget)?,
            rtt_ms: self.number(rtt, 0.0..GREATEST),
            loss_percent: self.number(loss, 0.0..100.000_001),
            sent_total: None,
            lost_total: None,
        };
        Ok(TimedPing { at, ping })
    }

    /// When an event was told: of every row, also of those that tell it again.
    pub(super) fn told_at(
        &mut self,
        row: &Row<4>,
        clock: &mut LocalClock,
    ) -> Result<Millis, Reason> {
        self.written_at(&row.cells[0], clock)
    }

    /// Known again by its words, as the bridge knows those that it polls itself.
    pub(super) fn event(
        &mut self,
        row: &Row<4>,
        received: Millis,
        clock: &mut LocalClock,
    ) -> Result<PastEvent, Reason> {
        let [_, event_time, kind, message] = &row.cells;
        let written = written(event_time)?;
        let at = clock.event(written, received).ok_or(Reason::TooLate)?;
        self.within(at, 0)?;
        let kind = line(kind, MAX_KIND_CHARS).filter(|kind| !kind.is_empty());
        let event = Event {
            seq: None,
            at,
            kind: kind.ok_or(Reason::NoKind)?,
            message: line(message, MAX_MESSAGE_CHARS).unwrap_or_default(),
            detail: Some(json!({ ROUTER_TIME: time::words(written) })),
        };
        Ok(PastEvent { event, received })
    }

    pub(super) fn hour(&mut self, row: &Row<9>) -> Result<PastHour, Reason> {
        let [hour, mean, max, min, lost, reconnects, downs, cpu_mean, cpu_max] = &row.cells;
        let at = time::as_utc(written(hour)?).ok_or(Reason::TooLate)?;
        let start = self.within(at, EARLIEST)?.div_euclid(HOUR) * HOUR;
        if start + HOUR > self.now {
            return Err(Reason::TooLate);
        }
        Ok(PastHour {
            start,
            rtt_mean_ms: self.number(mean, 0.0..GREATEST),
            rtt_max_ms: self.number(max, 0.0..GREATEST),
            rtt_min_ms: self.number(min, 0.0..GREATEST),
            lost: self.count(lost),
            pppoe_reconnects: self.count(reconnects),
            wan_downs: self.count(downs),
            cpu_mean_celsius: self.number(cpu_mean, -GREATEST..GREATEST),
            cpu_max_celsius: self.number(cpu_max, -GREATEST..GREATEST),
        })
    }

    fn written_at(&self, cell: &Value, clock: &mut LocalClock) -> Result<Millis, Reason> {
        let at = clock.row(written(cell)?).ok_or(Reason::TooLate)?;
        self.within(at, EARLIEST)
    }

    /// A router begins at 1970 when it has just been switched on; such events are kept.
    fn within(&self, at: Millis, earliest: Millis) -> Result<Millis, Reason> {
        match at {
            _ if at < earliest => Err(Reason::TooEarly),
            _ if at > self.now.saturating_add(AHEAD) => Err(Reason::TooLate),
            _ => Ok(at),
        }
    }

    fn number(&mut self, cell: &Value, range: Range<f64>) -> Option<f64> {
        self.counted(cell, number(cell).filter(|number| range.contains(number)))
    }

    fn count(&mut self, cell: &Value) -> Option<u64> {
        self.counted(cell, count(cell))
    }

    fn counted<T>(&mut self, cell: &Value, found: Option<T>) -> Option<T> {
        self.left_out += u64::from(found.is_none() && !cell.is_null());
        found
    }
}

fn written(cell: &Value) -> Result<Written, Reason> {
    cell.as_str().and_then(time::parse).ok_or(Reason::NoTime)
}

fn state(cell: &Value) -> WanState {
    match cell.as_str().map(str::trim) {
        Some(word) if word.eq_ignore_ascii_case("up") => WanState::Up,
        Some(word) if word.eq_ignore_ascii_case("down") => WanState::Down,
        _ => WanState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    /// 2025-02-12 02:34 UTC.
    const NOW: Millis = 1_739_327_640_000;

    fn rules() -> (Rules, LocalClock) {
        (Rules { now: NOW, left_out: 0 }, LocalClock::new(TimeZone::UTC))
    }

    fn row<const N: usize>(cells: [Value; N]) -> Row<N> {
        Row { id: 1, cells }
    }

    #[test]
    fn values_that_make_no_sense_are_left_out_and_counted() {
        let (mut rules, mut clock) = rules();
        let cells = [
            json!("2025-02-12 02:33:00.123456"),
            json!(" UP "),
            json!("12"),
            json!(-1),
            json!("many"),
            json!(null),
            json!(1e300),
            json!("-19.5"),
            json!([]),
            json!(2.5),
            json!(3.0),
        ];
        let sample = rules.sample(&row(cells), &mut clock).unwrap();
        assert_eq!((sample.at, sample.wan_state), (NOW - 59_877, WanState::Up));
        assert_eq!((sample.rx_errors, sample.tx_errors, sample.rx_dropped), (Some(12), None, None));
        assert_eq!((sample.optical_rx_dbm, sample.optical_tx_dbm), (None, Some(-19.5)));
        assert_eq!((sample.cpu_celsius, sample.wan_downs_24h), (None, Some(3)));
        assert_eq!(rules.left_out, 5);
    }

    #[test]
    fn rows_that_cannot_be_placed_are_skipped_with_the_reason() {
        let (mut rules, mut clock) = rules();
        let mut check = |time: Value, target: Value, expected: Reason| {
            let found = rules.ping(&row([time, target, json!(1), json!(0)]), &mut clock);
            assert_eq!(found, Err(expected));
        };
        let now = || json!("2025-02-12 02:33:00");
        check(json!("yesterday"), json!("a"), Reason::NoTime);
        check(json!(null), json!("a"), Reason::NoTime);
        check(json!(1_739_327_640), json!("a"), Reason::NoTime);
        check(json!("0001-01-01 00:00:00"), json!("a"), Reason::TooEarly);
        check(json!("9999-12-31 23:59:59.999999"), json!("a"), Reason::TooLate);
        check(json!("2025-02-12 03:34:00"), json!("a"), Reason::TooLate);
        check(now(), json!(" "), Reason::NoTarget);
        check(now(), json!(null), Reason::NoTarget);
        let event = row([now(), now(), json!(null), json!("m")]);
        assert_eq!(rules.event(&event, NOW, &mut clock), Err(Reason::NoKind));
        let event = row([now(), json!("1970-01-01 00:01:00"), json!("a\nb"), json!(null)]);
        let event = rules.event(&event, NOW, &mut clock).unwrap();
        assert_eq!((event.event.at, event.event.kind.as_str()), (60_000, "a b"));
    }

    #[test]
    fn an_hour_that_is_not_over_is_none_yet() {
        let (mut rules, _) = rules();
        let mut check = |time: &str| {
            let hour =
                [json!(time), json!(20), json!(99.5), json!(1), json!(4), json!(1), json!(0)];
            let [a, b, c, d, e, f, g] = hour;
            rules.hour(&row([a, b, c, d, e, f, g, json!(50.5), json!("N/A")]))
        };
        assert_eq!(check("2025-02-12 02:00:00"), Err(Reason::TooLate));
        let hour = check("2025-02-12 01:00:00.000000").unwrap();
        assert_eq!((hour.start, hour.rtt_max_ms), (NOW - 34 * 60_000 - HOUR, Some(99.5)));
        assert_eq!((hour.lost, hour.cpu_max_celsius, rules.left_out), (Some(4), None, 1));
    }

    proptest! {
        #[test]
        fn any_cells_are_a_row_or_a_reason(
            cells in prop::collection::vec(prop_oneof![
                Just(Value::Null),
                Just(json!([])),
                any::<i64>().prop_map(Value::from),
                any::<f64>().prop_map(Value::from),
                "\\PC{0,20}|[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:00:00".prop_map(Value::from),
            ], 11),
        ) {
            let (mut rules, mut clock) = rules();
            let four: [Value; 4] = std::array::from_fn(|index| cells[index].clone());
            let nine: [Value; 9] = std::array::from_fn(|index| cells[index].clone());
            let eleven: [Value; 11] = std::array::from_fn(|index| cells[index].clone());
            drop(rules.sample(&row(eleven), &mut clock));
            drop(rules.ping(&row(four.clone()), &mut clock));
            drop(rules.event(&row(four), NOW, &mut clock));
            drop(rules.hour(&row(nine)));
        }
    }
}
