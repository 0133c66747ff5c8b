//! What a fuzzer calls with answers of routers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::events_answer::parse_events;
use super::lenient;
use super::status_answer::parse_status;
use super::{MAX_KIND_CHARS, MAX_MESSAGE_CHARS, MAX_TARGET_CHARS};
use crate::record::{Cursor, Event, Millis};

/// 2025-02-12 02:34 UTC.
const NOW: Millis = 1_739_327_640_000;
/// Years that can be written.
const EARLIEST: Millis = -31_536_000_000;
const LATEST: Millis = 253_370_764_800_000;
/// What store and clients can hold.
const MAX_COUNT: u64 = 1 << 53;

/// What JSON is to us: deeper, longer or more is left out.
const MAX_DEPTH: usize = 31;
const MAX_LENGTH: usize = 4096;

/// JSON is read as everybody reads it.
fn read_json(bytes: &[u8]) {
    let Ok(Value::Object(expected)) = serde_json::from_slice(bytes) else { return };
    let expected = Value::Object(expected);
    if bytes.len() > MAX_LENGTH || depth(&expected) > MAX_DEPTH || has_long_number(bytes) {
        return;
    }
    let found = lenient::read(bytes).map(|reading| Value::Object(reading.members));
    assert!(found.as_ref().is_ok_and(|found| is_same(found, &expected)), "{found:?}: {expected}");
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn has_long_number(bytes: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    bytes.split(|byte| !is_part(byte)).any(|number| number.len() > 60)
}

/// The two readers round the last digit of a number in their own ways.
fn is_same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(1.0));
            (one - other).abs() <= one.abs() * 1e-14
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|((name, one), (known, other))| name == known && is_same(one, other))
        }
        (one, other) => one == other,
    }
}

/// `/net/status`, of our exporter or of the old shell agent.
///
/// # Panics
/// When JSON is read in another way than it is, or something is out of bounds.
pub fn status_answer(bytes: &[u8]) {
    read_json(bytes);
    let Ok(answer) = parse_status(bytes, NOW) else { return };
    check(&answer.events);
    if answer.has_numbers {
        assert!(answer.queue.is_some());
        let seqs: Vec<Option<u64>> = answer.events.iter().map(|event| event.seq).collect();
        assert!(seqs.is_sorted() && seqs.iter().all(Option::is_some), "{seqs:?}");
    }
    if let Some(queue) = &answer.queue {
        assert!(queue.next_seq < MAX_COUNT && !queue.stream.is_empty(), "{queue:?}");
    }
    let sample = answer.sample;
    assert_eq!(sample.at, NOW);
    let reals = [sample.optical_rx_dbm, sample.optical_tx_dbm, sample.cpu_celsius];
    assert!(reals.into_iter().flatten().all(f64::is_finite), "{reals:?}");
    let counts = [
        sample.rx_errors,
        sample.tx_errors,
        sample.rx_dropped,
        sample.tx_dropped,
        sample.pppoe_reconnects_24h,
        sample.wan_downs_24h,
    ];
    assert!(counts.into_iter().flatten().all(|count| count < MAX_COUNT), "{counts:?}");
    assert!(sample.pings.len() <= 256);
    let targets: BTreeSet<&str> = sample.pings.iter().map(|ping| ping.target.as_str()).collect();
    assert_eq!(targets.len(), sample.pings.len(), "a target is there twice");
    for ping in &sample.pings {
        assert!((1..=MAX_TARGET_CHARS).contains(&ping.target.chars().count()), "{ping:?}");
        assert!(ping.rtt_ms.is_none_or(|rtt| rtt.is_finite() && rtt >= 0.0), "{ping:?}");
        assert!(ping.loss_percent.is_none_or(|loss| (0.0..=100.0).contains(&loss)), "{ping:?}");
    }
}

/// `/net/events`, asked for in three ways.
///
/// # Panics
/// When events are out of order, twice there or out of bounds, or when the next question
/// would not get on.
pub fn events_answer(bytes: &[u8]) {
    let cursor = |stream: &str, after| {
        let stream = stream.to_owned();
        Some(Cursor { stream, after, revision: 0 })
    };
    for cursor in [None, cursor("b7c1", 41), cursor("elsewhere", u64::MAX / 2)] {
        let Ok(answer) = parse_events(bytes, cursor.as_ref(), NOW) else { continue };
        let batch = answer.batch;
        check(&batch.events);
        let seqs: Vec<u64> = batch.events.iter().filter_map(|event| event.seq).collect();
        assert_eq!(seqs.len(), batch.events.len(), "each has a number");
        assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");
        assert!(seqs.last().is_none_or(|last| *last < batch.next_seq), "{seqs:?}");
        assert!(batch.next_seq < MAX_COUNT && batch.revision < MAX_COUNT);
        assert!((1..=128).contains(&batch.stream.chars().count()), "{}", batch.stream);
        let mut before = 0;
        for hole in &batch.unreadable {
            assert!(before < *hole.start() && hole.start() <= hole.end(), "{hole:?}");
            assert!(seqs.iter().all(|seq| !hole.contains(seq)), "{hole:?}: {seqs:?}");
            assert!(*hole.end() < batch.next_seq, "{hole:?}");
            before = *hole.end();
        }
        let lost: u64 = batch.unreadable.iter().map(|hole| hole.end() - hole.start() + 1).sum();
        assert!(lost <= answer.skipped.into(), "{lost} of {}", answer.skipped);
        assert!(answer.time.is_none_or(f64::is_finite));
        assert!(answer.oldest_seq.is_none_or(|seq| seq < MAX_COUNT));
        assert!(batch.missed.is_none_or(|missed| missed < MAX_COUNT), "{:?}", batch.missed);
    }
}

fn check(events: &[Event]) {
    for event in events {
        assert!((EARLIEST..=LATEST).contains(&event.at), "{event:?}");
        assert!(event.seq.is_none_or(|seq| seq < MAX_COUNT), "{event:?}");
        assert!((1..=MAX_KIND_CHARS).contains(&event.kind.chars().count()), "{event:?}");
        assert!(event.message.chars().count() <= MAX_MESSAGE_CHARS, "{event:?}");
        assert!(!event.message.contains(char::is_control), "{event:?}");
        let Some(detail) = &event.detail else { continue };
        let detail = detail.as_object().expect("facts by name");
        // Two of them are ours.
        assert!((1..=34).contains(&detail.len()), "{event:?}");
        assert!(detail.values().all(serde_json::Value::is_string), "{event:?}");
    }
}
