//! Files that are of no use: none makes the start fail, hang or grow.

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// A folder in which three events were written and settled, and their stream.
fn place_of_three() -> (Place, String) {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 3);
    commit(&mut queue);
    assert_eq!(queue.settle(&json!(3)), Outcome::Durable);
    let stream = shown(&queue).stream.clone();
    (place, stream)
}

/// This in the queue file is set aside, for this reason; the stream goes on without it.
#[track_caller]
fn check_queue_file(text: impl AsRef<[u8]>, reason: &str) {
    let (place, stream) = place_of_three();
    place.put("", &text);
    place.put(".bad", "an earlier one");
    let (mut queue, opened) = place.open(10);
    assert_eq!(opened.notices.len(), 1, "{:?}", opened.notices);
    let notice = &opened.notices[0];
    assert!(notice.contains(reason), "{notice}");
    assert!(notice.contains("events.json.bad"), "{notice}");
    assert!(fs::read(place.path(".bad")).unwrap() == text.as_ref());
    assert_eq!(opened.memo, Some(json!(3)));
    assert_eq!((shown(&queue).stream.as_str(), seqs(&queue)), (stream.as_str(), vec![]));
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert_eq!(place.seqs_in_file(), [4]);
    drop(queue);
    assert_eq!(seqs(&place.opened(10)), [4]);
}

fn event(seq: u64) -> String {
    format!("{{\"type\":\"test\",\"message\":\"m\",\"seq\":{seq},\"ts\":1739327400.5}}")
}

#[test]
fn an_unreadable_queue_file_is_set_aside() {
    check_queue_file("no json", "not a list of events: expected");
    check_queue_file([0xFF, 0xFE, 0x00], "not a list of events");
    check_queue_file(format!("[\n{},\n{{\"type\":", event(1)), "EOF while parsing");
    check_queue_file("{}", "expected a sequence");
    check_queue_file("[".repeat(100_000), "not a list of events");
    check_queue_file(format!("[{},{}]", event(2), event(1)), "event 1 comes after event 2");
    check_queue_file(format!("[{},{}]", event(2), event(2)), "event 2 comes after event 2");
    check_queue_file(format!("[{}]", event(4)), "event 4, the state file ends before 4");
    check_queue_file(event(1).replace("test", "from_the_future"), "expected a sequence");
    let unknown = format!("[{}]", event(1).replace("test", "from_the_future"));
    check_queue_file(unknown, "\"from_the_future\" is not known to this version");
    check_queue_file(format!("[{}]", event(1).replace("seq", "number")), "missing field `seq`");
    check_queue_file(format!("[{}]", event(1).replace("1739327400.5", "-1")), "out of range");
    check_queue_file(format!("[{}]", event(1).replace("1739327400.5", "1e300")), "out of range");
}

#[test]
fn a_huge_queue_file_is_set_aside() {
    check_queue_file(vec![b' '; (file::MAX_FILE_BYTES + 1) as usize], "larger than 16777216 bytes");
}

/// With this state file there is a new stream, and both old files are set aside.
#[track_caller]
fn check_state_file(text: &str, reason: &str) {
    let (place, stream) = place_of_three();
    place.put(".state", text);
    let (mut queue, opened) = place.open(10);
    assert_eq!(opened.notices.len(), 2, "{:?}", opened.notices);
    assert!(opened.notices[0].contains(reason), "{:?}", opened.notices);
    assert!(opened.notices[1].contains("state file is gone"), "{:?}", opened.notices);
    assert_eq!(place.text(".state.bad"), text);
    assert!(place.path(".bad").exists());
    assert_eq!((opened.memo, opened.same_boot), (None, false));
    assert_ne!(shown(&queue).stream, stream);
    assert!(queue.is_dirty());
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert_eq!(seqs(&queue), [1]);
}

#[test]
fn an_unreadable_state_file_is_set_aside_and_the_stream_is_new() {
    let good = {
        let (place, _) = place_of_three();
        place.text(".state")
    };
    check_state_file("", "is not the state of a queue");
    check_state_file("garbage", "is not the state of a queue");
    check_state_file(&good[..good.len() / 2], "is not the state of a queue");
    check_state_file(&good.replace("\"version\":1", "\"version\":2"), "has version 2");
    for (field, mad) in [("next_seq\":4", "next_seq\":0"), ("boot_from\":1", "boot_from\":9")] {
        assert!(good.contains(field), "{good}");
        check_state_file(&good.replace(field, mad), "contradict each other");
    }
    // What is counted from there on would be refused at the next start.
    for (field, name) in [("next_seq\":4", "next_seq"), ("revision\":0", "revision")] {
        assert!(good.contains(field), "{good}");
        for endless in [u64::MAX, 1 << 53, (1 << 52) + 1] {
            let endless = good.replace(field, &format!("{name}\":{endless}"));
            check_state_file(&endless, "contradict each other");
        }
    }
}

#[test]
fn without_a_state_file_an_old_queue_file_is_of_an_unknown_stream() {
    let (place, stream) = place_of_three();
    fs::remove_file(place.path(".state")).unwrap();
    let (queue, opened) = place.open(10);
    assert_eq!(opened.notices.len(), 1);
    assert_ne!(shown(&queue).stream, stream);
    assert_eq!(shown(&queue).next_seq, 1);
    assert!(place.text(".bad").contains("it was test"));
    drop(queue);

    place.put("", "[]");
    place.opened(10);
    let place = Place::new();
    // As the old agent wrote it.
    place.put("", "[{\"time\":\"2025-02-12 10:30:00\",\"type\":\"wan_up\",\"message\":\"up\"}]");
    let (_, opened) = place.open(10);
    assert!(opened.notices[0].contains("missing field `seq`"), "{:?}", opened.notices);
}

/// What is no file is neither opened nor replaced.
#[track_caller]
fn check_left_alone(place: &Place, suffix: &str, what: &str) {
    let kind = fs::symlink_metadata(place.path(suffix)).unwrap().file_type();
    let (mut queue, opened) = place.open(10);
    let notice = format!("events.json{suffix}: is {what}, not a file; it is left alone");
    assert!(opened.notices[0].contains(&notice), "{:?}", opened.notices);
    push_tests(&mut queue, 1);
    let outcome = queue.commit(&json!(null));
    let Outcome::MemoryOnly { reason: Some(reason) } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains(what), "{reason}");
    assert_eq!(seqs(&queue), [1]);
    assert_eq!(fs::symlink_metadata(place.path(suffix)).unwrap().file_type(), kind);
}

#[test]
fn a_folder_and_a_pipe_are_left_alone() {
    for suffix in ["", ".state"] {
        let place = Place::new();
        fs::create_dir(place.path(suffix)).unwrap();
        check_left_alone(&place, suffix, "a folder");
        let place = Place::new();
        mknodat(CWD, place.path(suffix), FileType::Fifo, Mode::RUSR, 0).unwrap();
        check_left_alone(&place, suffix, "a pipe");
        let place = Place::new();
        std::os::unix::net::UnixListener::bind(place.path(suffix)).unwrap();
        check_left_alone(&place, suffix, "a socket");
    }
    assert!(file::set_aside(Path::new("/dev/null"), "is a device").contains("left alone"));
    assert_eq!(file::read(Path::new("/dev/zero")), Err("is a device, not a file".into()));
}

#[test]
fn links_are_read_through_and_replaced() {
    let (place, stream) = place_of_three();
    let elsewhere = place.0.path().join("elsewhere");
    fs::rename(place.path(""), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.path("")).unwrap();
    let mut queue = place.opened(10);
    assert_eq!((seqs(&queue), shown(&queue).stream.as_str()), (vec![1, 2, 3], stream.as_str()));
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert!(fs::symlink_metadata(place.path("")).unwrap().is_file());
    drop(queue);

    fs::remove_file(place.path("")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.path("")).unwrap();
    let (queue, opened) = place.open(10);
    assert!(opened.notices[0].contains("is a device, not a file; not used, and set aside"));
    assert_eq!(seqs(&queue), [0; 0]);
    assert!(Path::new("/dev/zero").exists());
}
