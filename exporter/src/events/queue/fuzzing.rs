//! What a fuzzer calls with the files that an earlier run has left, or somebody else.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::file::Files;
use super::line::Text;
use super::state::{Ahead, State};
use super::{Opened, Outcome, Queue, Settings, Snapshot, line, state};
use crate::collectors::wan;
use crate::events::event::{Event, Told};
use crate::events::intake::Intake;
use crate::events::kind::Kind;
use crate::events::names::Names;
use crate::events::positions::{LineHash, Place};
use crate::events::timeline::{Span, Timeline};
use crate::fuzzing::halves;
use crate::outages::{Look, Pinged, Port, Probe, Wan};

/// The start of the router that the seeds are of.
const BOOT: &str = "boot-1";
const CAPACITY: usize = 200;
/// The session goes down and comes back.
const LINES: [&[u8]; 3] = [
    b"Mon Mar  3 10:20:30 2025 daemon.info pppd[7]: No response to 5 echo-requests",
    b"Mon Mar  3 10:20:31 2025 daemon.notice netifd: Interface 'wan' is now down",
    b"Mon Mar  3 10:20:39 2025 daemon.notice netifd: Interface 'wan' is now up",
];

/// The queue file, the line between, and its state file: they are read or set aside, and the
/// program goes on with what they hold, of this start of the router and of another one.
///
/// # Panics
/// When what was read is not what is read again once it was written, when a number is used
/// twice, or when an event is lost that was shown.
pub fn queue_files(bytes: &[u8]) {
    let (events, head) = halves(bytes);
    if let Ok(read) = line::parse(events) {
        let mut text = Text::default();
        read.iter().for_each(|event| text.push(event, &TimeZone::UTC));
        assert_eq!(line::parse(&text.file().concat()), Ok(read));
    }
    if let Ok(read) = state::parse(head) {
        rewritten(&read);
    }
    for boot in [BOOT, "boot-2"] {
        go_on(events, head, boot);
    }
}

fn rewritten(read: &State) {
    let State { head, drops, memo, ahead } = read;
    let mut written = Vec::new();
    let borrowed = ahead.as_ref().map(|ahead| Ahead {
        before: ahead.before,
        offset: ahead.offset,
        pending: ahead.pending.iter(),
    });
    state::to_bytes(&mut written, head, drops, memo, borrowed);
    let again = state::parse(&written).expect("what is written can be read");
    assert_eq!((&again.head, &again.drops), (head, drops));
    let parts = |ahead: &Option<Ahead<Vec<Event>>>| {
        let ahead = ahead.as_ref()?;
        Some((ahead.before, ahead.offset, ahead.pending.clone()))
    };
    assert_eq!(parts(&again.ahead), parts(ahead));
}

/// A folder of this process, which whoever starts it removes.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("netmonitor-fuzz.{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    folder
});

fn open(boot: &str) -> (Queue, Opened) {
    let settings = Settings { file: FOLDER.join("events.json"), capacity: CAPACITY };
    let mut streams = 0;
    let fresh = move || {
        streams += 1;
        format!("fresh-{streams}")
    };
    Queue::open(settings, Some(boot), TimeZone::UTC, fresh)
}

/// Starts with these files, hears of an outage, and starts again.
fn go_on(events: &[u8], head: &[u8], boot: &str) {
    let Files { queue, state } = Files::new(FOLDER.join("events.json"));
    fs::write(queue, events).expect("a small file can be written");
    fs::write(state, head).expect("a small file can be written");

    let (queue, opened) = open(boot);
    let before = queue.published().borrow().clone();
    check(&before);
    let is_same = opened.same_boot;
    let intake = Intake::new(queue, opened.memo.as_ref(), is_same, TimeZone::UTC, Arc::default());
    live(&intake);
    let after = intake.published().borrow().clone();
    check(&after);
    // Under the same name every event has the number it had.
    if after.stream == before.stream {
        assert!(after.next_seq > before.next_seq);
    }
    read_again(&after, boot);
    assert!(matches!(intake.settle(true), None | Some(Outcome::Durable)));
    read_again(&after, boot);
}

fn live(intake: &Intake) {
    intake.set_names(Names::new(["wan".to_owned()], ["pppoe-wan".to_owned()]));
    let mut timeline = Timeline::new(Span::ThisBoot);
    for at in 0..4 {
        intake.look(look(Duration::from_secs(90_000 + at), wan::State::Down));
    }
    for line in LINES {
        intake.glance(line);
        intake.line(&mut timeline, line, |line| Place::Ring(LineHash::of(line)));
    }
    for at in 4..12 {
        intake.look(look(Duration::from_secs(90_000 + at), wan::State::Up));
    }
    intake.tick(true, TimeZone::UTC);
    intake.with_outages(|outages, _| {
        outages.verdict();
        assert!(outages.standing().past.len() <= 10);
    });
    intake.tell(Told::new(Kind::Test, "a test"));
    let outcome = intake.commit();
    assert!(matches!(outcome, Some(Outcome::Durable | Outcome::DurableAgain)), "{outcome:?}");
}

fn look(at: Duration, state: wan::State) -> Look {
    let second = Duration::from_secs(1);
    let answered = (state == wan::State::Up).then_some(at);
    let probe = Probe { sent: at.saturating_sub(second), answered, was_sent: true };
    let host = "192.0.2.1".to_owned();
    Look {
        at,
        interval: second,
        timeout: second,
        targets: vec![Pinged { host, address: None, probes: vec![probe] }],
        is_by_wan: Some(true),
        gateway: None,
        dns: None,
        lcp: None,
        wan: Wan { state, is_switched_off: false, faults: Vec::new(), is_gateway_in_house: None },
        port: Port::default(),
        light: None,
        has_crash_record: false,
    }
}

fn check(shown: &Snapshot) {
    let seqs: Vec<u64> = shown.events.iter().map(|event| event.seq).collect();
    assert!(seqs.is_sorted_by(|one, other| one < other), "{seqs:?}");
    assert!(seqs.last().is_none_or(|last| *last < shown.next_seq), "{seqs:?}");
    assert!(seqs.len() <= CAPACITY && shown.first_readable <= shown.next_seq);
    assert!(!shown.stream.is_empty());
    for event in &shown.events {
        let is_line = !event.message.contains(char::is_control);
        assert!(is_line && event.message.chars().count() <= 200, "{:?}", event.message);
    }
    let now = crate::clock::unix_time();
    shown.reconnects_within_day(now);
    shown.wan_downs_within_day(now);
}

/// What was shown is there after a kill, under the same numbers.
fn read_again(shown: &Snapshot, boot: &str) {
    let (queue, opened) = open(boot);
    assert_eq!(opened.notices, Vec::<String>::new());
    assert!(opened.same_boot && opened.memo.is_some_and(|memo| memo != Value::Null));
    let again = queue.published().borrow().clone();
    assert_eq!((&again.stream, again.next_seq), (&shown.stream, shown.next_seq));
    assert_eq!(again.events, shown.events);
    assert_eq!(again.first_readable, shown.first_readable);
}
