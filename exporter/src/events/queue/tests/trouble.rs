//! Files that cannot be written.

use super::*;

/// A folder that is missing for a while: no rights bite the administrator.
struct Away {
    /// Removed with everything in it at the end.
    _place: Place,
    folder: PathBuf,
    moved: PathBuf,
}

impl Away {
    fn new() -> Self {
        let place = Place::new();
        let (folder, moved) = (place.0.path().join("run"), place.0.path().join("away"));
        fs::create_dir(&folder).unwrap();
        Self { _place: place, folder, moved }
    }

    fn open(&self) -> Queue {
        let (queue, opened) = open_at(&self.folder.join("events.json"), 10, Some("boot-1"));
        assert_eq!(opened.notices, Vec::<String>::new());
        queue
    }

    fn leave(&self) {
        fs::rename(&self.folder, &self.moved).unwrap();
    }

    fn come_back(&self) {
        fs::rename(&self.moved, &self.folder).unwrap();
    }
}

#[track_caller]
fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::MemoryOnly { reason } => reason.expect("a reason"),
        other => panic!("{other:?}"),
    }
}

const SILENT: Outcome = Outcome::MemoryOnly { reason: None };

#[test]
fn without_a_place_to_write_memory_goes_on_under_a_new_stream() {
    let away = Away::new();
    let mut queue = away.open();
    push_tests(&mut queue, 2);
    commit(&mut queue);
    let durable = shown(&queue);
    away.leave();

    push_tests(&mut queue, 1);
    let reason = reason(queue.commit(&json!(1)));
    assert!(reason.contains("events.json.state.new: cannot be written: No such file"), "{reason}");
    assert!(!queue.is_settled() && !queue.is_dirty());
    let memory = shown(&queue);
    assert_ne!(memory.stream, durable.stream);
    assert_eq!(seqs(&queue), [1, 2, 3], "all is shown");
    assert_eq!((memory.first_readable, memory.write_errors), (3, 1));
    let read: Vec<u64> = memory.after(0, 10).map(|event| event.seq).collect();
    assert_eq!(read, [3], "the others have been read under the old stream");

    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!(2)), SILENT, "said once");
    assert_eq!(queue.settle(&json!(2)), SILENT);
    assert_eq!(queue.settle(&json!(2)), SILENT);
    assert_eq!(
        (shown(&queue).stream.clone(), shown(&queue).write_errors),
        (memory.stream.clone(), 4)
    );
    assert_eq!(shown(&queue).first_readable, 3);

    away.come_back();
    assert_eq!(queue.settle(&json!(2)), Outcome::DurableAgain);
    assert_eq!(queue.settle(&json!(2)), Outcome::Durable);
    drop(queue);
    let queue = away.open();
    let again = shown(&queue);
    assert_eq!((again.stream.as_str(), again.first_readable), (memory.stream.as_str(), 3));
    assert_eq!(seqs(&queue), [1, 2, 3, 4]);
}

#[test]
fn each_time_writing_fails_there_is_a_new_stream() {
    let away = Away::new();
    let mut queue = away.open();
    let mut streams = vec![];
    for round in 1..=3 {
        push_tests(&mut queue, 1);
        commit_again(&mut queue);
        streams.push(shown(&queue).stream.clone());
        away.leave();
        push_tests(&mut queue, 1);
        assert!(reason(queue.commit(&json!(0))).contains("No such file"));
        streams.push(shown(&queue).stream.clone());
        assert_eq!(shown(&queue).first_readable, round * 2);
        away.come_back();
    }
    streams.dedup();
    assert_eq!(streams.len(), 4);
}

fn commit_again(queue: &mut Queue) {
    let outcome = queue.commit(&json!(0));
    assert!(matches!(outcome, Outcome::Durable | Outcome::DurableAgain), "{outcome:?}");
}

#[test]
fn a_restart_while_nothing_can_be_written_uses_no_number_twice_in_a_stream() {
    let away = Away::new();
    let mut queue = away.open();
    push_tests(&mut queue, 1);
    assert_eq!(queue.commit(&json!("old")), Outcome::Durable);
    let durable = shown(&queue);
    away.leave();
    push_tests(&mut queue, 2);
    assert!(!reason(queue.commit(&json!("new"))).is_empty());
    let memory = shown(&queue);
    drop(queue);

    away.come_back();
    let (mut queue, opened) = open_at(&away.folder.join("events.json"), 10, Some("boot-1"));
    assert_eq!(opened.memo, Some(json!("old")), "the logs are read again from there");
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert_eq!((shown(&queue).stream.clone(), seqs(&queue)), (durable.stream.clone(), vec![1, 2]));
    assert_ne!(memory.stream, durable.stream, "under which 2 was another event");
}

#[test]
fn a_kill_on_the_way_back_from_memory_loses_nothing() {
    let away = Away::new();
    let mut queue = away.open();
    push_tests(&mut queue, 1);
    commit(&mut queue);
    away.leave();
    push_tests(&mut queue, 2);
    assert!(!reason(queue.commit(&json!(null))).is_empty());
    away.come_back();
    let old = fs::read(away.folder.join("events.json")).unwrap();
    assert_eq!(queue.settle(&json!(null)), Outcome::DurableAgain);
    let memory = shown(&queue);
    drop(queue);
    fs::write(away.folder.join("events.json"), old).unwrap();
    let queue = away.open();
    assert_eq!((seqs(&queue), shown(&queue).first_readable), (vec![1, 2, 3], 2));
    assert_eq!(shown(&queue).stream, memory.stream);
}

#[test]
fn a_first_start_without_a_place_to_write_shows_everything() {
    let place = Place::new();
    place.put("", "");
    let inside_a_file = place.path("").join("events.json");
    let (mut queue, opened) = open_at(&inside_a_file, 10, None);
    assert_eq!(opened.notices, Vec::<String>::new());
    assert!(queue.is_dirty());
    push_tests(&mut queue, 2);
    assert!(reason(queue.commit(&json!(null))).contains("Not a directory"));
    let read: Vec<u64> = shown(&queue).after(0, 10).map(|event| event.seq).collect();
    assert_eq!(read, [1, 2]);
}

#[test]
fn when_only_the_queue_file_cannot_be_written_the_state_keeps_the_events() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 1);
    commit(&mut queue);
    let before = shown(&queue);
    fs::create_dir(place.path(".new")).unwrap();
    for _ in 0..2 {
        push_tests(&mut queue, 1);
        let outcome = queue.commit(&json!(null));
        assert!(matches!(outcome, Outcome::MemoryOnly { .. }), "{outcome:?}");
    }
    assert_eq!(
        (shown(&queue).stream.clone(), shown(&queue).write_errors),
        (before.stream.clone(), 2)
    );
    assert_eq!(seqs(&queue), [1, 2, 3]);
    drop(queue);
    let mut queue = place.opened(10);
    assert_eq!(
        (shown(&queue).stream.clone(), seqs(&queue)),
        (before.stream.clone(), vec![1, 2, 3])
    );
    assert!(reason(queue.commit(&json!(null))).contains("events.json.new: cannot be written"));
    fs::remove_dir(place.path(".new")).unwrap();
    assert_eq!(queue.settle(&json!(null)), Outcome::DurableAgain);
    assert_eq!(place.seqs_in_file(), [1, 2, 3]);
}

#[test]
fn a_failed_settling_leaves_the_stream_alone() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 1);
    commit(&mut queue);
    let stream = shown(&queue).stream.clone();
    fs::create_dir(place.path(".state.new")).unwrap();
    assert!(reason(queue.settle(&json!(5))).contains(".state.new"));
    assert_eq!((shown(&queue).stream.clone(), shown(&queue).write_errors), (stream.clone(), 1));
    assert_eq!(queue.settle(&json!(5)), SILENT, "nothing is shown that is not on disk");
    assert_eq!(shown(&queue).stream, stream);
    fs::remove_dir(place.path(".state.new")).unwrap();
    assert_eq!(queue.settle(&json!(5)), Outcome::DurableAgain);
    drop(queue);
    assert_eq!(place.open(10).1.memo, Some(json!(5)));
}

#[test]
fn a_temporary_file_is_never_written_through_a_link() {
    let place = Place::new();
    let mut queue = place.opened(10);
    let precious = place.0.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    for suffix in [".new", ".state.new"] {
        std::os::unix::fs::symlink(&precious, place.path(suffix)).unwrap();
    }
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
}
