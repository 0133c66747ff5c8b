//! What actions do to a router.

use super::*;
use crate::fake_router::ledger::Row;
use crate::fake_router::scenario::{Endpoint, FaultKind};

const STARTED_MS: i64 = 1_700_000_000_000;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn router() -> (State, Arc<Mutex<Ledger>>) {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let name = "router-0003".to_owned();
    let identity = Identity { number: 3, name, seed: 1, started_ms: STARTED_MS, zone_minutes: 0 };
    (State::new(identity, Arc::clone(&ledger)), ledger)
}

fn act(state: &mut State, at: u64, action: &str) {
    state.perform(secs(at), Deed::Begin(action.parse().unwrap()));
}

#[track_caller]
fn check_told(ledger: &Mutex<Ledger>, expected: &[(&str, f64)]) {
    let rows: Vec<Row> = ledger.lock().unwrap().rows();
    let since = |row: &Row| ((row.ts * 1000.0) as i64 - STARTED_MS) as f64 / 1000.0;
    let found: Vec<_> = rows.iter().map(|row| (row.kind.as_str(), since(row))).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_drop_takes_the_wan_down_and_ends_once() {
    let (mut state, ledger) = router();
    act(&mut state, 10, "drop 30s");
    act(&mut state, 20, "drop 5s");
    assert_eq!((state.wan(), state.drops_of_day(secs(20))), (WanState::Down, 1));
    state.perform(secs(25), Deed::SessionUp);
    assert!(state.is_down());
    state.perform(secs(40), Deed::SessionUp);
    assert!(!state.is_down() && state.wan() == WanState::Up);
    check_told(
        &ledger,
        &[("pppoe_down", 10.0), ("wan_down", 10.0), ("pppoe_up", 40.0), ("wan_up", 40.0)],
    );
    assert_eq!(state.drops_of_day(secs(86400 + 11)), 0);
}

#[test]
fn a_reboot_is_a_new_life() {
    let (mut state, ledger) = router();
    act(&mut state, 1, "event test x3");
    let (stream, boot_id) = (state.queue.stream.clone(), state.boot_id());
    act(&mut state, 2, "reboot 5s");
    assert!(!state.is_reachable());
    act(&mut state, 3, "event test");
    act(&mut state, 4, "drop 30s");
    state.perform(secs(7), Deed::PowerOn);
    state.perform(secs(34), Deed::SessionUp);
    assert!(state.is_reachable() && !state.is_down());
    assert_ne!((&stream, &boot_id), (&state.queue.stream, &state.boot_id()));
    assert_eq!((state.queue.next_seq, state.uptime(secs(9))), (2, secs(2)));
    check_told(&ledger, &[("test", 1.0), ("test", 1.0), ("test", 1.0), ("router_boot", 7.0)]);
    assert_eq!(boot_id.len(), 36);
}

#[test]
fn a_clock_that_is_set_corrects_what_it_told() {
    let (mut state, ledger) = router();
    act(&mut state, 0, "clock 1970-01-01T00:10:00");
    act(&mut state, 5, "event test");
    assert_eq!((state.clock_ms(secs(5)), state.is_clock_right()), (605_000, false));
    act(&mut state, 9, "clock right");
    assert!(state.is_clock_right());
    assert_eq!(state.queue.revision, 2);
    check_told(&ledger, &[("time_stepped", 0.0), ("test", 5.0), ("time_stepped", 9.0)]);
    act(&mut state, 10, "clock -60s");
    assert_eq!(state.clock_ms(secs(10)), STARTED_MS - 50_000);
}

#[test]
fn messages_are_never_alike() {
    let (mut state, ledger) = router();
    act(&mut state, 1, "event test x50");
    act(&mut state, 1, "new-stream");
    act(&mut state, 1, "event test x50");
    let rows = ledger.lock().unwrap().rows();
    let messages: std::collections::HashSet<_> = rows.iter().map(|row| &row.message).collect();
    assert_eq!((rows.len(), messages.len()), (100, 100));
}

#[test]
fn faults_end_by_time_number_or_word() {
    let (mut state, _) = router();
    let status = Some(Endpoint::Status);
    let mut take = |at, action: &str, endpoint| {
        if !action.is_empty() {
            act(&mut state, at, action);
        }
        state.faults.take(secs(at), endpoint)
    };
    assert_eq!(take(0, "half x2", status).1, Some(FaultKind::Half));
    assert_eq!(take(1, "", None).1, Some(FaultKind::Half));
    assert_eq!(take(2, "", None).1, None);
    assert_eq!(take(3, "html events 10s", status).1, None);
    assert_eq!(take(12, "", Some(Endpoint::Events)).1, Some(FaultKind::Html));
    assert_eq!(take(13, "", Some(Endpoint::Events)).1, None);
    assert_eq!(take(14, "slow 5s", None), (secs(5), None));
    assert_eq!(take(15, "huge", None), (secs(5), Some(FaultKind::Huge)));
    assert_eq!(take(16, "healthy", None), (secs(0), None));
}

#[test]
fn another_run_has_other_streams() {
    let (state, ledger) = router();
    let later = Identity { started_ms: STARTED_MS + 1, ..state.identity.clone() };
    assert_ne!(state.queue.stream, State::new(later, ledger).queue.stream);
}
