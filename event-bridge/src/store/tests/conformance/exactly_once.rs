//! Whatever is told again, in whatever order: the same rows.

use proptest::prelude::*;

use super::*;

async fn stored(store: &Store) -> Vec<(Option<u64>, Millis, String, String)> {
    let events = rows(store.events(all_events())).await;
    events.into_iter().map(|row| (row.seq, row.at, row.kind, row.message)).collect()
}

#[tokio::test]
async fn a_time_that_is_guessed_anew_with_each_answer_is_the_same_event() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let answer = |at| Event {
        seq: None,
        detail: Some(serde_json::json!({ "router_time": "1970-01-01 00:03:07" })),
        ..event(1, at, "down")
    };
    for later in 0..3 {
        let stored = store.put_unnumbered(router, vec![answer(NOW + later * 60_000)], NOW).await;
        assert_eq!(stored.unwrap().new, u64::from(later == 0));
    }
    assert_eq!(rows(store.events(all_events())).await.len(), 1);
}

#[tokio::test]
async fn a_batch_told_again_changes_nothing() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let first = store.put_events(router, batch(1..6, 0), NOW).await.unwrap();
    assert_eq!(first, Stored { new: 5, corrected: 0, missed: 0 });
    let before = stored(&store).await;
    for again in [batch(1..6, 0), batch(3..6, 0), batch(1..2, 0)] {
        let none = store.put_events(router, again, NOW + 1).await.unwrap();
        assert_eq!(none, Stored::default());
    }
    assert_eq!(stored(&store).await, before);
    let cursor = Cursor { stream: "b7c1".to_owned(), after: 5, revision: 0 };
    assert_eq!(store.cursor(router).await.unwrap(), Some(cursor));
    assert_eq!(store.health().events_stored, 5);
}

#[tokio::test]
async fn corrected_times_update_the_same_rows() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_events(router, batch(1..4, 0), NOW).await.unwrap();
    let ids = |rows: &[EventRecord]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let before = rows(store.events(all_events())).await;
    let corrected = store.put_events(router, batch(1..5, 1), NOW + 1).await.unwrap();
    assert_eq!(corrected, Stored { new: 1, corrected: 3, missed: 0 });
    let after = rows(store.events(all_events())).await;
    assert_eq!(ids(&after)[1..], ids(&before));
    assert!(after[1..].iter().zip(&before).all(|(new, old)| new.at == old.at + 1_000_000));
    assert!(after[1..].iter().all(|row| row.received == NOW), "when it was first had");
    // An answer that was overtaken.
    let late = store.put_events(router, batch(1..5, 0), NOW + 2).await.unwrap();
    assert_eq!(late, Stored::default());
    assert_eq!(rows(store.events(all_events())).await, after);
    assert_eq!(store.cursor(router).await.unwrap().unwrap().revision, 1);
}

#[tokio::test]
async fn lost_events_are_counted_once() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_events(router, batch(1..4, 0), NOW).await.unwrap();
    let hole = EventBatch { missed: Some(6), ..batch(10..12, 0) };
    let told = store.put_events(router, hole.clone(), NOW).await.unwrap();
    assert_eq!(told, Stored { new: 2, corrected: 0, missed: 6 });
    // Asked again from where the first answer began, and one more has gone meanwhile.
    for again in [hole, EventBatch { missed: Some(7), ..batch(11..13, 0) }] {
        assert_eq!(store.put_events(router, again, NOW + 5).await.unwrap().missed, 0);
    }
    let kind = Some("events_lost".to_owned());
    let lost = rows(store.events(EventQuery { rows: all(), kind })).await;
    assert_eq!(lost.len(), 1);
    let detail = serde_json::json!({"count": "6", "first_seq": "4", "last_seq": "9"});
    assert_eq!(lost[0].detail, Some(detail));
    assert_eq!(store.health().events_missed, [("gw".into(), 6)].into());
}

#[tokio::test]
async fn unreadable_events_between_others_are_lost_until_they_can_be_read() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let mut some = EventBatch { unreadable: vec![4..=5], ..batch(1..9, 0) };
    some.events.retain(|event| event.seq.is_none_or(|seq| !(4..=5).contains(&seq)));
    for expected in [2, 0] {
        let told = store.put_events(router, some.clone(), NOW).await.unwrap();
        assert_eq!(told.missed, expected);
    }
    let kind = Some("events_lost".to_owned());
    let lost = rows(store.events(EventQuery { rows: all(), kind: kind.clone() })).await;
    let detail = serde_json::json!({"count": "2", "first_seq": "4", "last_seq": "5"});
    assert_eq!((lost.len(), &lost[0].detail), (1, &Some(detail)));
    // A bridge that can read them has been installed.
    store.put_events(router, batch(1..9, 1), NOW).await.unwrap();
    assert!(rows(store.events(EventQuery { rows: all(), kind })).await.is_empty());
    assert_eq!(stored(&store).await.len(), 8);
}

#[tokio::test]
async fn another_stream_begins_anew_and_other_routers_have_their_own() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let other = store.router("other").await.unwrap();
    store.put_events(router, batch(1..9, 3), NOW).await.unwrap();
    store.put_events(other, batch(1..3, 0), NOW).await.unwrap();
    let new = EventBatch { stream: "cafe".to_owned(), missed: None, ..batch(1..3, 0) };
    assert_eq!(store.put_events(router, new, NOW).await.unwrap().new, 2);
    let cursor = Cursor { stream: "cafe".to_owned(), after: 2, revision: 0 };
    assert_eq!(store.cursor(router).await.unwrap(), Some(cursor));
    assert_eq!(stored(&store).await.len(), 12);
    assert_eq!(store.cursor(other).await.unwrap().unwrap().after, 2);
}

#[tokio::test]
async fn events_without_numbers_are_one_row_each() {
    let place = place();
    let store = place.open();
    let router = store.router("old").await.unwrap();
    let answers: [&[Event]; 4] = [
        &[unnumbered(1, "up"), unnumbered(2, "up")],
        &[unnumbered(2, "up"), unnumbered(2, "up"), unnumbered(2, "down")],
        &[unnumbered(2, "up")],
        &[unnumbered(1, "up"), unnumbered(2, "up")],
    ];
    let mut new = Vec::new();
    for answer in answers {
        let stored = store.put_unnumbered(router, answer.to_vec(), NOW).await.unwrap();
        new.push(stored.new);
    }
    assert_eq!(new, [2, 2, 0, 0]);
    assert_eq!(stored(&store).await.len(), 4);
}

#[tokio::test]
async fn numbers_that_cannot_be_are_refused_alone() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let bad = EventBatch { events: vec![event(u64::MAX, NOW, "")], ..batch(1..2, 0) };
    let (refused, stored) = tokio::join!(
        store.put_events(router, bad, NOW),
        store.put_events(router, batch(1..3, 0), NOW)
    );
    let told = refused.unwrap_err().to_string();
    assert!(told.starts_with("seq: 18446744073709551615 is out of range"), "{told}");
    assert_eq!(stored.unwrap().new, 2);
    // So is a router that nobody has made, under its savepoint.
    let (unknown, stored) = tokio::join!(
        store.put_events(RouterId(99), batch(1..3, 0), NOW),
        store.put_events(router, batch(1..4, 0), NOW)
    );
    assert!(matches!(unknown.unwrap_err(), StoreError::Sql { .. }));
    assert_eq!(stored.unwrap().new, 1);
}

#[tokio::test]
async fn gaps_grow_from_their_beginning() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    for (from, until) in [(10, 20), (10, 30), (10, 25), (50, 60)] {
        store.put_gap(router, from, until).await.unwrap();
    }
    let gaps = store.gaps(all()).await.unwrap();
    let times: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.until)).collect();
    assert_eq!(times, [(50, 60), (10, 30)]);
    assert_eq!(store.routers().await.unwrap()[0].last_gap, Some((50, 60)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// Every batch at least once, then any of them again: as if each had come once, in order.
    #[test]
    fn any_order_and_repetition_of_batches_gives_the_same_rows(
        ranges in prop::collection::vec((1_u64..30, 1_u64..12, 0_u64..4), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let batches: Vec<EventBatch> = ranges
            .iter()
            .map(|&(first, count, revision)| batch(first..first + count, revision))
            .collect();
        let shuffled = order.iter().map(|index| index.get(&batches)).chain(&batches).cloned();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (one, other) = (place(), place());
            let (one, other) = (one.open(), other.open());
            let router = one.router("gw").await.unwrap();
            other.router("gw").await.unwrap();
            for batch in &batches {
                one.put_events(router, batch.clone(), NOW).await.unwrap();
            }
            for batch in shuffled {
                other.put_events(router, batch, NOW).await.unwrap();
            }
            assert_eq!(stored(&one).await, stored(&other).await);
            let cursors = (one.cursor(router).await.unwrap(), other.cursor(router).await.unwrap());
            assert_eq!(cursors.0, cursors.1);

        });
    }

    /// As many of each as the answer with the most has.
    #[test]
    fn unnumbered_events_are_a_multiset(
        answers in prop::collection::vec(prop::collection::vec((0_i64..3, 0_u8..2), 0..6), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let place = place();
            let store = place.open();
            let router = store.router("old").await.unwrap();
            let count = |answer: &[(i64, u8)], one| answer.iter().filter(|it| **it == one).count();
            for answer in &answers {
                let events = answer.iter().map(|(at, text)| unnumbered(*at, &text.to_string()));
                store.put_unnumbered(router, events.collect(), NOW).await.unwrap();
            }
            let found = stored(&store).await;
            for (at, text) in (0..3).flat_map(|at| [(at, 0), (at, 1)]) {
                let most = answers.iter().map(|answer| count(answer, (at, text))).max().unwrap();
                let text = text.to_string();
                let rows = found.iter().filter(|row| row.1 == at && row.3 == text).count();
                assert_eq!(rows, most);
            }

        });
    }
}
