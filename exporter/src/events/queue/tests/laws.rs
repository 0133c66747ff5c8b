//! Laws that hold for anything that can happen.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_survives_in_valid_json(
        message in ".{0,300}",
        values in proptest::collection::vec(("\\PC{1,9}", ".{0,200}"), 0..4),
        unix_ms in 0_u64..4_000_000_000_000,
        boot_ms in proptest::option::of(0_u64..4_000_000_000),
    ) {
        let place = Place::new();
        let mut queue = place.opened(10);
        let mut told = Told::new(Kind::PppoeAcError, message);
        told.detail = values.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let at = Moment {
            unix: Duration::from_millis(unix_ms),
            boot: boot_ms.map(Duration::from_millis),
        };
        queue.push(told, at);
        commit(&mut queue);
        let before = shown(&queue);
        prop_assert_eq!(before.events[0].at, at);
        let text = place.text("");
        prop_assert_eq!(text.lines().count(), 3, "one event a line: {}", text);
        serde_json::from_str::<Value>(&text).unwrap();
        drop(queue);
        let queue = place.opened(10);
        prop_assert_eq!(&shown(&queue).events, &before.events);
    }

    #[test]
    fn no_bytes_make_a_start_fail(queue in ".{0,60}", state in ".{0,60}") {
        let place = Place::new();
        place.put("", queue);
        place.put(".state", state);
        let (mut queue, _) = place.open(10);
        push_tests(&mut queue, 1);
        commit(&mut queue);
        prop_assert_eq!(seqs(&queue), [1]);
    }
}

/// Where a kill hits the write that is under way, by its two renames.
#[derive(Debug, Clone, Copy)]
enum Point {
    Before,
    Between,
    After,
}

#[derive(Debug, Clone)]
enum Step {
    /// So many lines of the log are told.
    Tell(usize),
    Commit,
    Settle,
    Correct(i64),
    Capacity(usize),
    /// Kill during a commit, and start again.
    Kill(Point),
    /// The folder is away for the commits until it is back.
    Away,
    Back,
}

fn step() -> impl Strategy<Value = Step> {
    let point = prop_oneof![Just(Point::Before), Just(Point::Between), Just(Point::After)];
    prop_oneof![
        4 => (0_usize..6).prop_map(Step::Tell),
        4 => Just(Step::Commit),
        2 => Just(Step::Settle),
        1 => (1_000_000_000_i64..1_000_000_003).prop_map(Step::Correct),
        1 => (1_usize..40).prop_map(Step::Capacity),
        3 => point.prop_map(Step::Kill),
        1 => Just(Step::Away),
        2 => Just(Step::Back),
    ]
}

/// A log whose lines are told in order, a queue that is killed now and then, and a reader
/// that has noted all it was ever shown.
struct World {
    place: Place,
    folder: PathBuf,
    capacity: usize,
    /// What the queue seen may still hold.
    shown_capacity: usize,
    queue: Queue,
    /// The line that is told next.
    line: usize,
    is_away: bool,
    /// By stream and number: which line.
    seen: BTreeMap<(String, u64), String>,
    /// Of the stream seen last: its name, the last number and revision.
    cursor: (String, u64),
    /// Something was shown from memory, so the log tells it again after a kill.
    was_away: bool,
}

impl World {
    fn new() -> Self {
        let place = Place::new();
        let folder = place.0.path().join("run");
        fs::create_dir(&folder).unwrap();
        let (queue, _) = open_at(&folder.join("events.json"), 20, Some("boot-1"));
        let cursor = (String::new(), 0);
        let (line, is_away, was_away, seen) = (0, false, false, BTreeMap::new());
        let (capacity, shown_capacity) = (20, 20);
        Self {
            place,
            folder,
            capacity,
            shown_capacity,
            queue,
            line,
            is_away,
            seen,
            cursor,
            was_away,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Tell(lines) => {
                for _ in 0..lines {
                    let told = Told::new(Kind::Test, format!("line {}", self.line));
                    self.queue.push(told, moment(self.line as u64));
                    self.line += 1;
                }
            }
            Step::Commit => {
                drop(self.queue.commit(&json!(self.line)));
                self.shown_capacity = self.capacity;
            }
            Step::Settle => drop(self.queue.settle(&json!(self.line))),
            Step::Correct(seconds) => {
                self.queue.correct(SignedDuration::from_secs(seconds));
            }
            Step::Capacity(capacity) => {
                self.capacity = capacity;
                self.shown_capacity = self.shown_capacity.max(capacity);
                self.queue.set_capacity(capacity);
            }
            Step::Kill(point) => self.kill(point),
            Step::Away if !self.is_away => {
                fs::rename(&self.folder, self.place.0.path().join("away")).unwrap();
                self.is_away = true;
                self.was_away = true;
            }
            Step::Back if self.is_away => {
                fs::rename(self.place.0.path().join("away"), &self.folder).unwrap();
                self.is_away = false;
            }
            Step::Away | Step::Back => {}
        }
    }

    /// What is shown after the kill must agree with what was shown before it.
    fn kill(&mut self, point: Point) {
        if self.is_away {
            self.step(&Step::Back);
        }
        let [queue, state] = ["events.json", "events.json.state"].map(|n| self.folder.join(n));
        let old = [fs::read(&queue).ok(), fs::read(&state).ok()];
        drop(self.queue.commit(&json!(self.line)));
        let put = |path: &Path, bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap_or_default(),
        };
        match point {
            Point::Before => {
                put(&queue, &old[0]);
                put(&state, &old[1]);
            }
            Point::Between => put(&queue, &old[0]),
            Point::After => {}
        }
        fs::write(self.folder.join("events.json.new"), "[\n{").unwrap();
        let (queue, opened) = open_at(&queue, self.capacity, Some("boot-1"));
        assert_eq!(opened.notices, Vec::<String>::new());
        self.queue = queue;
        self.shown_capacity = self.capacity;
        self.line = opened.memo.and_then(|memo| memo.as_u64()).unwrap_or(0) as usize;
    }

    /// Looks at what is shown, as the status page and a reader with a cursor do.
    fn look(&mut self) {
        let shown = shown(&self.queue);
        let seqs: Vec<u64> = shown.events.iter().map(|event| event.seq).collect();
        assert!(seqs.is_sorted_by(|a, b| a + 1 == *b), "{seqs:?}");
        assert!(seqs.last().is_none_or(|last| last + 1 == shown.next_seq));
        assert!(seqs.len() <= self.shown_capacity, "as of the last commit");
        assert_eq!(
            shown.evicted + 1,
            seqs.first().copied().unwrap_or(shown.next_seq),
            "each was evicted once"
        );
        let (stream, last) = &self.cursor;
        let last = if *stream == shown.stream { *last } else { 0 };
        assert!(last < shown.next_seq, "what was shown has been lost: {last}");
        for event in shown.after(last, usize::MAX) {
            // A stream that comes back after memory alone went on is read from its start;
            // the reader knows those events by their numbers.
            let key = (shown.stream.clone(), event.seq);
            let first = self.seen.entry(key).or_insert_with(|| event.message.to_string());
            assert_eq!(*first, event.message, "number {} was used twice", event.seq);
        }
        self.cursor = (shown.stream.clone(), shown.next_seq - 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_seen_is_lost_doubled_or_renumbered(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.look();
        }
        world.step(&Step::Back);
        drop(world.queue.commit(&json!(world.line)));
        world.look();
        // A reader that follows the streams gets each line once, unless memory alone had
        // it when the program was killed, or it was evicted before it was seen.
        let mut told = BTreeMap::<&str, usize>::new();
        for message in world.seen.values() {
            *told.entry(message).or_default() += 1;
        }
        if !world.was_away {
            prop_assert!(told.values().all(|times| *times == 1), "{:?}", world.seen);
        }
        for event in &shown(&world.queue).events {
            prop_assert!(told.contains_key(&*event.message), "{} unseen", event.seq);
        }
    }
}
