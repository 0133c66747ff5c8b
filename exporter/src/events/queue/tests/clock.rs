//! The wall clock is set, and the router starts anew.

use super::*;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[test]
fn setting_the_clock_corrects_what_happened_since_the_start_of_the_router() {
    let place = Place::new();
    let mut queue = place.opened(10);
    // The router started in 1970.
    let wrong = Moment { unix: UPTIME, boot: Some(UPTIME) };
    queue.push(Told::new(Kind::WanDown, "down"), wrong);
    queue.push(Told::new(Kind::Test, "when?"), Moment { unix: START, boot: None });
    commit(&mut queue);
    assert_eq!(shown(&queue).wan_downs_within_day(START), 0);

    assert!(queue.correct(seconds(1_739_327_300)));
    assert_eq!(shown(&queue).revision, 0, "not seen before it is on disk");
    assert_eq!(shown(&queue).events[0].at.unix, UPTIME);
    commit(&mut queue);
    let corrected = shown(&queue);
    assert_eq!(corrected.revision, 1);
    assert_eq!(corrected.events[0].at.unix.as_secs_f64(), 1_739_327_423.456);
    assert_eq!(corrected.events[0].seq, 1);
    assert_eq!(corrected.events[1].at.unix, START, "nobody knows when it happened");
    assert_eq!(corrected.wan_downs_within_day(START), 1);
    let newest = corrected.last_by_kind[Kind::WanDown as usize];
    assert_eq!(newest.unwrap().as_secs(), 1_739_327_423);
    assert!(place.text("").contains("2025-02-12 10:30:23"));

    assert!(!queue.correct(seconds(1_739_327_300)), "it is right already");
    assert!(!queue.is_dirty());
    assert!(queue.correct(seconds(-1000)), "and back, to before 1970");
    commit(&mut queue);
    assert_eq!((shown(&queue).revision, shown(&queue).events[0].at.unix), (2, Duration::ZERO));
}

#[test]
fn events_that_were_never_seen_are_shown_with_the_right_time_at_once() {
    let place = Place::new();
    let mut queue = place.opened(10);
    queue.push(Told::new(Kind::Test, "x"), Moment { unix: UPTIME, boot: Some(UPTIME) });
    queue.correct(seconds(1_739_327_300));
    commit(&mut queue);
    assert_eq!(shown(&queue).events[0].at.unix.as_secs(), 1_739_327_423);
}

#[test]
fn a_new_start_of_the_router_keeps_the_stream_and_old_times() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push(&mut queue, &[Kind::WanDown]);
    commit(&mut queue);
    let stream = shown(&queue).stream.clone();
    drop(queue);

    for boot_id in [Some("boot-2"), None] {
        let (mut queue, opened) = open_at(&place.path(""), 10, boot_id);
        assert!(!opened.same_boot);
        assert_eq!(shown(&queue).stream, stream);
        assert_eq!(shown(&queue).events[0].at, Moment { unix: START, boot: None });
        assert!(!queue.correct(seconds(5)), "only what is of this start");
        // Killed between the renames: the queue file still has the old boot times.
        let old = fs::read(place.path("")).unwrap();
        commit(&mut queue);
        place.put("", old);
        drop(queue);
        let (mut queue, opened) = open_at(&place.path(""), 10, boot_id);
        assert_eq!(opened.same_boot, boot_id.is_some());
        assert!(!queue.correct(seconds(5)));
        assert_eq!(shown(&queue).wan_downs_within_day(START), 1);
    }
}

#[test]
fn times_beyond_all_reason_stay_readable() {
    let place = Place::new();
    let mut queue = place.opened(10);
    let mad = Moment { unix: Duration::MAX, boot: Some(Duration::MAX) };
    queue.push(Told::new(Kind::WanDown, "x"), mad);
    queue.correct(SignedDuration::MAX);
    queue.correct(SignedDuration::MIN);
    queue.push(Told::new(Kind::WanDown, "x"), mad);
    commit(&mut queue);
    let before = shown(&queue);
    drop(queue);
    assert_eq!(shown(&place.opened(10)).events, before.events);
}
