//! Two bridges on one database, by mistake or on purpose.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_store_nothing_twice() {
    for place in [Place::new(), Place::on(Engine::Postgres), Place::on(Engine::MariaDb)] {
        let bridges = [place.open(), place.open()];
        let mut tasks = tokio::task::JoinSet::new();
        for bridge in bridges.clone() {
            tasks.spawn(async move {
                let (new, old) = tokio::join!(bridge.router("new"), bridge.router("old"));
                let (new, old) = (new.unwrap(), old.unwrap());
                for seq in 1..40 {
                    bridge.put_events(new, batch(seq..seq + 2, 0), NOW).await.unwrap();
                    let at = NOW + i64::try_from(seq).unwrap() * 1000;
                    let told = vec![unnumbered(at, "up"), unnumbered(at, "up")];
                    bridge.put_unnumbered(old, told, NOW).await.unwrap();
                    bridge.roll_up(NOW + 9_000_000, 1).await.unwrap();
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        for bridge in &bridges {
            let events = rows(bridge.events(all_events())).await;
            let numbered = events.iter().filter(|event| event.seq.is_some()).count();
            assert_eq!((numbered, events.len()), (40, 40 + 78), "{:?}", place.database);
            assert_eq!(bridge.routers().await.unwrap().len(), 2);
        }
        let counted: u64 = bridges.iter().map(|bridge| bridge.health().events_stored).sum();
        assert_eq!(counted, 40 + 78, "each is new to one of them");
    }
}

#[tokio::test]
async fn of_two_bridges_that_poll_one_stores_and_the_other_takes_over() {
    for place in [Place::new(), Place::on(Engine::Postgres), Place::on(Engine::MariaDb)] {
        let (one, other) = (place.open(), place.open());
        let router = one.router("gw").await.unwrap();
        assert_eq!(other.router("gw").await.unwrap(), router);
        let poll = async |bridge: &Store, seconds: Millis| {
            bridge.put_sample(router, sample(NOW + seconds * 1000)).await.unwrap();
        };
        let stored = async || -> Vec<Millis> {
            let samples = rows(one.samples(all())).await;
            samples.iter().rev().map(|sample| (sample.at - NOW) / 1000).collect()
        };
        // Each 10 s; the first poll of a bridge is always kept.
        for turn in 0..4 {
            poll(&one, turn * 10).await;
            poll(&other, turn * 10 + 4).await;
        }
        let of_both = stored().await;
        let near = of_both[2..].windows(2).any(|pair| pair[1] - pair[0] < 10);
        assert!(of_both.len() <= 5 && !near, "{of_both:?}");
        let last = *of_both.last().unwrap();
        // The one that stores is gone: the other one notices at its second poll.
        let left = if last % 10 == 0 { &other } else { &one };
        let offset = if last % 10 == 0 { 4 } else { 0 };
        for turn in 4..8 {
            poll(left, turn * 10 + offset).await;
        }
        assert_eq!(stored().await[of_both.len()..].len(), 3, "{:?}", stored().await);
    }
}

#[test]
fn two_bridges_may_be_the_first_at_once() {
    for engine in ENGINES {
        for _ in 0..4 {
            let database = engine.database();
            let together = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                let open = || {
                    together.wait();
                    Store::open(&database, NOW).map(|_| ())
                };
                let both = [scope.spawn(open), scope.spawn(open)];
                for bridge in both {
                    bridge.join().unwrap().unwrap();
                }
            });
        }
    }
}
