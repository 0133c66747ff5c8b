//! The table of the module: files as a kill at each point leaves them.

use super::*;

/// The two files at one moment; `None`: not there.
#[derive(Clone, Debug)]
struct Files {
    queue: Option<Vec<u8>>,
    state: Option<Vec<u8>>,
}

impl Files {
    fn of(place: &Place) -> Self {
        let read = |suffix| fs::read(place.path(suffix)).ok();
        Self { queue: read(""), state: read(".state") }
    }

    /// A kill while `new` took the place of `old`: between the two renames.
    fn between(old: &Self, new: &Self) -> Self {
        Self { queue: old.queue.clone(), state: new.state.clone() }
    }

    /// As a person leaves the queue file who wants it empty.
    fn emptied(&self, with: Option<&str>) -> Self {
        Self { queue: with.map(|text| text.as_bytes().to_vec()), state: self.state.clone() }
    }

    /// A folder with these files, and the beginnings of new ones.
    fn placed(&self) -> Place {
        let place = Place::new();
        for (suffix, bytes) in [("", &self.queue), (".state", &self.state)] {
            if let Some(bytes) = bytes {
                place.put(suffix, bytes);
            }
            place.put(&format!("{suffix}.new"), "[\n{\"time\":\"2025-02");
        }
        place
    }
}

/// Three commits of one event each, the last one not settled.
struct Story {
    stream: String,
    /// Before the last commit: settled, and not.
    settled: Files,
    unsettled: Files,
    /// After the last commit, and after settling that.
    committed: Files,
    done: Files,
}

impl Story {
    fn new() -> Self {
        let place = Place::new();
        let mut queue = place.opened(10);
        let commit = |queue: &mut Queue, memo: u64| {
            push_tests(queue, 1);
            assert_eq!(queue.commit(&json!(memo)), Outcome::Durable);
        };
        commit(&mut queue, 1);
        commit(&mut queue, 2);
        let unsettled = Files::of(&place);
        assert_eq!(queue.settle(&json!(2)), Outcome::Durable);
        let settled = Files::of(&place);
        commit(&mut queue, 3);
        let committed = Files::of(&place);
        assert_eq!(queue.settle(&json!(3)), Outcome::Durable);
        let stream = shown(&queue).stream.clone();
        Self { stream, settled, unsettled, committed, done: Files::of(&place) }
    }
}

/// Starts on these files: shows these events, has this memo, and gives this number next;
/// and again after a further kill, and after the first commit.
#[track_caller]
fn check(what: &str, files: &Files, stream: &str, expected: &[u64], memo: u64, next: u64) {
    let place = files.placed();
    for round in ["first", "killed again"] {
        let (queue, opened) = place.open(10);
        assert_eq!(opened.notices, Vec::<String>::new(), "{what}, {round}");
        assert_eq!(opened.memo, Some(json!(memo)), "{what}, {round}");
        assert_eq!(shown(&queue).stream, stream, "{what}, {round}");
        assert_eq!(seqs(&queue), expected, "{what}, {round}");
        assert!(!place.path(".new").exists() && !place.path(".state.new").exists());
    }
    let mut queue = place.opened(10);
    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!(memo + 1)), Outcome::Durable, "{what}");
    let mut expected = expected.to_vec();
    expected.push(next);
    assert_eq!(seqs(&queue), expected, "{what}");
    assert_eq!(place.seqs_in_file(), expected, "{what}");
    drop(queue);
    assert_eq!(seqs(&place.opened(10)), expected, "{what}, after a restart");
}

#[test]
fn a_kill_at_any_point_loses_nothing_and_doubles_nothing() {
    let story = Story::new();
    let Story { stream, settled, unsettled, committed, done } = &story;
    check("before the renames", settled, stream, &[1, 2], 2, 3);
    check("before the renames, unsettled", unsettled, stream, &[1, 2], 2, 3);
    let between = Files::between(settled, committed);
    check("between the renames", &between, stream, &[1, 2, 3], 3, 4);
    check("after both", committed, stream, &[1, 2, 3], 3, 4);
    check("settled", done, stream, &[1, 2, 3], 3, 4);
}

#[test]
fn what_a_person_emptied_stays_empty_in_the_same_stream() {
    let story = Story::new();
    let Story { stream, settled, unsettled, committed, done } = &story;
    for with in [None, Some(""), Some("[]"), Some(" \n"), Some("[ ]\n")] {
        let emptied = |files: &Files| files.emptied(with);
        check("before the renames", &emptied(settled), stream, &[], 2, 3);
        check("before the renames, unsettled", &emptied(unsettled), stream, &[], 2, 3);
        let between = Files::between(settled, committed);
        check("between the renames", &emptied(&between), stream, &[], 3, 4);
        check("after both", &emptied(committed), stream, &[], 3, 4);
        check("settled", &emptied(done), stream, &[], 3, 4);
    }
}

#[test]
fn the_very_first_event_survives_a_kill_between_the_renames() {
    let place = Place::new();
    let mut queue = place.opened(10);
    let nothing = Files::of(&place);
    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!(1)), Outcome::Durable);
    let between = Files::between(&nothing, &Files::of(&place));
    check("first", &between, &shown(&queue).stream, &[1], 1, 2);
}

#[test]
fn a_kill_between_the_renames_after_the_file_was_emptied_loses_nothing() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 2);
    commit(&mut queue);
    place.put("", "[]");
    let emptied = Files::of(&place);
    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!(3)), Outcome::Durable);
    let between = Files::between(&emptied, &Files::of(&place));
    // The running program puts back what it shows.
    check("emptied", &between, &shown(&queue).stream, &[1, 2, 3], 3, 4);
}

#[test]
fn recovered_events_survive_a_second_kill_between_the_renames() {
    let story = Story::new();
    let first = Files::between(&story.settled, &story.committed);
    let place = first.placed();
    let mut queue = place.opened(10);
    assert!(queue.is_dirty(), "the queue file lacks one");
    assert_eq!(shown(&queue).published_by_kind[Kind::Test as usize], 1, "nobody has seen it");
    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!(4)), Outcome::Durable);
    let second = Files::between(&first, &Files::of(&place));
    check("twice", &second, &story.stream, &[1, 2, 3, 4], 4, 5);
}

#[test]
fn evicted_events_are_counted_once_though_the_old_file_still_has_them() {
    let place = Place::new();
    let mut queue = place.opened(3);
    push_tests(&mut queue, 3);
    commit(&mut queue);
    let old = Files::of(&place);
    push_tests(&mut queue, 2);
    commit(&mut queue);
    let place = Files::between(&old, &Files::of(&place)).placed();
    let queue = place.opened(3);
    assert_eq!((seqs(&queue), shown(&queue).evicted), (vec![3, 4, 5], 2));
}

#[test]
fn a_queue_file_edited_by_hand_is_taken_as_it_is() {
    let story = Story::new();
    let edited = "[{\"type\":\"test\",\"message\":\"kept\",\"seq\":1,\"ts\":5}]";
    check("edited", &story.done.emptied(Some(edited)), &story.stream, &[1], 3, 4);
    check("edited", &story.committed.emptied(Some(edited)), &story.stream, &[1], 3, 4);
}

#[test]
fn a_correction_survives_a_kill_between_the_renames() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 2);
    commit(&mut queue);
    let old = Files::of(&place);
    let offset = SignedDuration::from_secs(1_800_000_000);
    assert!(queue.correct(offset));
    let at = Moment { unix: Duration::from_secs(1_900_000_000), boot: Some(UPTIME) };
    queue.push(Told::new(Kind::TimeStepped, "stepped"), at);
    commit(&mut queue);
    let new = Files::of(&place);
    for files in [Files::between(&old, &new), new] {
        let place = files.placed();
        let mut queue = place.opened(10);
        let times = |queue: &Queue| -> Vec<f64> {
            shown(queue).events.iter().map(|event| event.at.unix.as_secs_f64()).collect()
        };
        let expected = [1_800_000_123.456, 1_800_000_123.456, 1_900_000_000.0];
        assert_eq!((shown(&queue).revision, times(&queue)), (1, expected.to_vec()));
        assert!(queue.is_dirty());
        commit(&mut queue);
        assert_eq!(queue.settle(&json!(null)), Outcome::Durable);
        drop(queue);
        assert_eq!(times(&place.opened(10)), expected);
    }
}
