//! The list of outages: from the events of a detector, and from what older agents tell.

use serde_json::json;

use super::*;
use crate::history::outage::{Cause, End, Side};

const MINUTE: Millis = 60_000;

/// The two events of an outage, in the words of the exporter.
fn told(name: &str, seqs: (u64, u64), start: Millis, until: Option<Millis>) -> Vec<Event> {
    let event = |seq, at, kind: &str, detail| Event {
        seq: Some(seq),
        at,
        kind: kind.to_owned(),
        message: kind.to_owned(),
        detail: Some(detail),
    };
    let so_far = json!({ "outage": name, "cause": "unknown", "side": "unknown" });
    let mut events = vec![event(seqs.0, start, "outage_start", so_far)];
    events.extend(until.map(|until| {
        let lasted = format!("{:.3}", (until - start) as f64 / 1000.0);
        let detail = json!({
            "outage": name, "cause": "optical_signal", "side": "line", "duration_seconds": lasted,
        });
        event(seqs.1, until, "outage_end", detail)
    }));
    events
}

fn in_stream(stream: &str, revision: u64, events: Vec<Event>) -> EventBatch {
    let next_seq = events.iter().filter_map(|event| event.seq).max().map_or(1, |seq| seq + 1);
    EventBatch { stream: stream.to_owned(), revision, events, next_seq, ..batch(1..1, 0) }
}

async fn outages(store: &Store, now: Millis) -> Vec<OutageRecord> {
    rows(store.outages(all(), now)).await
}

/// Start and end from `NOW` on, and what kind of end.
async fn spans(store: &Store, now: Millis) -> Vec<(Millis, Millis, End)> {
    let found = outages(store, now).await;
    let span = |record: &OutageRecord| {
        let outage = &record.outage;
        (outage.start() - NOW, outage.until() - NOW, outage.end())
    };
    found.iter().map(span).collect()
}

#[tokio::test]
async fn an_outage_is_known_from_its_start_and_final_at_its_end() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_sample(router, sample(NOW + MINUTE)).await.unwrap();
    let events = told("s-1", (1, 2), NOW, Some(NOW + 90_000));
    let start = in_stream("s", 0, events[..1].to_vec());
    store.put_events(router, start, NOW + 4000).await.unwrap();
    assert_eq!(spans(&store, NOW + MINUTE).await, [(0, MINUTE, End::Ongoing)]);
    store.put_events(router, in_stream("s", 0, events.clone()), NOW + 91_000).await.unwrap();
    // The same again, and only the start.
    store.put_events(router, in_stream("s", 0, events[..1].to_vec()), NOW).await.unwrap();
    let found = outages(&store, NOW + 99_000).await;
    assert_eq!(found.len(), 1);
    let outage = &found[0].outage;
    let main = &outage.main().drop;
    assert_eq!((outage.until() - NOW, outage.end()), (90_000, End::Told));
    assert_eq!((&main.cause, &main.side), (&Cause::OpticalSignal, &Side::Line));
    assert_eq!(main.evidence.as_ref().unwrap()["duration_seconds"], "90.000");
    let by_id = store.outage(outage.id(), NOW + 99_000).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&found[0]));
    assert_eq!(store.outage(outage.id() + 1, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_corrected_clock_moves_an_outage() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let early = told("s-1", (1, 2), 31_000, Some(41_000));
    store.put_events(router, in_stream("s", 0, early), NOW).await.unwrap();
    let right = told("s-1", (1, 2), NOW, Some(NOW + 10_000));
    store.put_events(router, in_stream("s", 1, right), NOW + 20_000).await.unwrap();
    assert_eq!(spans(&store, NOW + 30_000).await, [(0, 10_000, End::Told)]);
    // Its start was forgotten: the end knows how long it was.
    let mut end = told("s-3", (3, 4), 100_000, Some(130_000));
    end.remove(0);
    store.put_events(router, in_stream("s", 1, end.clone()), NOW).await.unwrap();
    end[0].at = NOW + 500_000;
    store.put_events(router, in_stream("s", 2, end), NOW).await.unwrap();
    let both = [(470_000, 500_000, End::Told), (0, 10_000, End::Told)];
    assert_eq!(spans(&store, NOW + 600_000).await, both);
}

#[tokio::test]
async fn a_router_that_forgot_an_outage_has_ended_it_by_starting() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let open = told("s-1", (1, 2), NOW, None);
    store.put_events(router, in_stream("s", 0, open), NOW + 4000).await.unwrap();
    let boot = Event { kind: "router_boot".to_owned(), ..event(1, NOW + 30_000, "started") };
    store.put_events(router, in_stream("t", 0, vec![boot]), NOW + 60_000).await.unwrap();
    store.put_sample(router, sample(NOW + MINUTE)).await.unwrap();
    assert_eq!(spans(&store, NOW + MINUTE).await, [(0, 30_000, End::Assumed)]);
    // What goes on after the start belongs to it.
    let mut rest = told("t-2", (2, 3), NOW + 90_000, Some(NOW + 100_000));
    rest.iter_mut().for_each(|event| event.message.push('!'));
    store.put_events(router, in_stream("t", 0, rest), NOW + 60_000).await.unwrap();
    assert_eq!(spans(&store, NOW + 2 * MINUTE).await, [(0, 100_000, End::Told)]);
    let found = &outages(&store, NOW + 2 * MINUTE).await[0].outage;
    assert_eq!((found.drops.len(), found.down()), (2, 40_000));
}

#[tokio::test]
async fn pages_and_times_cut_no_outage_in_two() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    // Pairs of drops two minutes apart, ten minutes from pair to pair.
    let mut events = Vec::new();
    for pair in 0..300 {
        for drop in 0..2 {
            let start = NOW + pair * 10 * MINUTE + drop * 2 * MINUTE;
            let seq = (pair * 4 + drop * 2 + 1) as u64;
            events.extend(told(&format!("s-{seq}"), (seq, seq + 1), start, Some(start + 5000)));
        }
    }
    store.put_events(router, in_stream("s", 0, events), NOW).await.unwrap();
    let now = NOW + 4000 * MINUTE;
    let found = outages(&store, now).await;
    assert_eq!(found.len(), 300);
    assert!(found.iter().all(|record| record.outage.drops.len() == 2));
    // From within the pause of pair 7 until within that of pair 9.
    let at = |pair: Millis| NOW + pair * 10 * MINUTE + MINUTE;
    let query = Query::of(Some(router), at(7), at(9));
    let three = rows(store.outages(query.clone(), now)).await;
    assert_eq!(three, found[290..293]);
    let first = Query { limit: Some(1), ..query.clone() };
    let first = rows(store.outages(first, now)).await;
    let key = Key { at: first[0].outage.start(), id: first[0].outage.id() };
    let rest = rows(store.outages(Query { before: Some(key), ..query }, now)).await;
    assert_eq!(rest, found[291..293]);
    let second = found[5].outage.drops[1].drop.id;
    assert_eq!(store.outage(second, now).await.unwrap().as_ref(), Some(&found[5]));
}

/// A poll of an agent without a detector.
async fn polled(store: &Store, router: RouterId, minute: Millis, wan_state: WanState) {
    let poll = Sample { wan_state, ..sample(NOW + minute * MINUTE) };
    store.put_sample(router, poll).await.unwrap();
}

#[tokio::test]
async fn outages_of_an_agent_without_a_detector_are_concluded() {
    let place = place();
    let store = place.open();
    let router = store.router("old").await.unwrap();
    polled(&store, router, 0, WanState::Up).await;
    polled(&store, router, 1, WanState::Down).await;
    assert_eq!(spans(&store, NOW + MINUTE).await, [(MINUTE, MINUTE, End::Ongoing)]);
    let id = outages(&store, NOW + MINUTE).await[0].outage.id();
    // The log comes later and knows better.
    let said = |at, kind: &str| Event { kind: kind.to_owned(), ..unnumbered(NOW + at, kind) };
    let events = vec![said(14_000, "kernel_link_down"), said(15_000, "wan_down")];
    store.put_unnumbered(router, events, NOW + 2 * MINUTE).await.unwrap();
    for minute in 2..200 {
        polled(&store, router, minute, WanState::Down).await;
    }
    store.put_unnumbered(router, vec![said(11_999_000, "wan_up")], NOW).await.unwrap();
    polled(&store, router, 200, WanState::Up).await;
    polled(&store, router, 300, WanState::Up).await;
    assert_eq!(spans(&store, NOW + 300 * MINUTE).await, [(15_000, 11_999_000, End::Told)]);
    let outage = &outages(&store, NOW).await[0].outage;
    assert_eq!((outage.id(), outage.main().drop.cause.word()), (id, "local_link"));
    assert!(outage.is_coarse());

    // An agent that numbers its events tells its outages itself.
    polled(&store, router, 400, WanState::Down).await;
    let at = NOW + 401 * MINUTE;
    store.put_events(router, in_stream("s", 0, Vec::new()), at).await.unwrap();
    polled(&store, router, 402, WanState::Down).await;
    let newest = spans(&store, NOW + 402 * MINUTE).await[0];
    // Nobody saw its end: it is as long as was seen.
    assert_eq!(newest, (400 * MINUTE, 400 * MINUTE, End::Told));
}
