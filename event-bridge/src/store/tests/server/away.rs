//! Servers that go and come back, or cannot be written for a while.

use super::*;

#[tokio::test]
async fn a_server_that_is_restarted_is_used_again_and_nothing_is_lost() {
    for engine in ENGINES {
        let mut server = Own::start(engine);
        let database = server.database();
        let (store, _) = Store::open(&database, NOW).unwrap();
        assert_eq!(put(&store, 1).await.unwrap(), 1);
        assert_eq!(seqs(&store).await, [1]);
        server.stop();
        let told = put(&store, 2).await.unwrap_err();
        assert!(matches!(told, StoreError::Unreachable { .. }), "{told}");
        let reason = store.health().writable.unwrap_err();
        assert!(reason.contains("cannot be reached"), "{reason}");
        let read = store.routers().await.unwrap_err();
        assert!(matches!(read, StoreError::Unreachable { .. }), "{read}");
        server.start_again();
        put_at_last(&store, 2).await;
        assert_eq!(store.health().writable, Ok(()));
        assert_eq!(seqs(&store).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_server_that_starts_later_than_the_bridge_is_waited_for() {
    for engine in ENGINES {
        let mut server = Own::start(engine);
        let database = server.database();
        server.stop();
        let (store, opened) = Store::open(&database, NOW).unwrap();
        assert!(opened.notices[0].contains("cannot be reached"), "{:?}", opened.notices);
        assert!(put(&store, 1).await.is_err());
        server.start_again();
        put_at_last(&store, 1).await;
        assert_eq!(seqs(&store).await, [1]);
    }
}

#[tokio::test]
async fn what_is_read_only_is_read_and_written_when_it_may_be() {
    for engine in ENGINES {
        let server = Own::start(engine);
        let administrator = server.database();
        let name = administrator.to_string().rsplit('/').next().unwrap().to_owned();
        let (make, lock, unlock) = match engine {
            Engine::Postgres => (
                "CREATE ROLE bridge LOGIN; GRANT ALL ON SCHEMA public TO bridge".to_owned(),
                format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
                format!("ALTER DATABASE {name} RESET default_transaction_read_only"),
            ),
            Engine::MariaDb => (
                format!("CREATE USER bridge; GRANT ALL ON {name}.* TO bridge"),
                "SET GLOBAL read_only = 1".to_owned(),
                "SET GLOBAL read_only = 0".to_owned(),
            ),
        };
        tell(&administrator, &make);
        let database = server.address_of("bridge", &name);
        drop(Store::open(&database, NOW).unwrap());
        tell(&administrator, &lock);
        let (store, _) = Store::open(&database, NOW).unwrap();
        let told = put(&store, 1).await.unwrap_err();
        assert!(matches!(told, StoreError::NotWritable { .. }), "{told}");
        assert!(told.to_string().contains("read-only"), "{told}");
        assert_eq!(seqs(&store).await, [] as [u64; 0]);
        match engine {
            // Whoever is not bound by it lifts it.
            Engine::Postgres => {
                tell(&administrator, &format!("SET transaction_read_only = off; {unlock}"));
            }
            Engine::MariaDb => tell(&administrator, &unlock),
        }
        put_at_last(&store, 1).await;
        assert_eq!(seqs(&store).await, [1]);
    }
}

#[tokio::test]
async fn a_server_that_is_full_loses_nothing_and_is_written_when_there_is_room() {
    // Its one file ends at a size; PostgreSQL has no such limit but its disk's.
    let with_room = |megabytes: u32| {
        let file = format!("--innodb-data-file-path=ibdata1:12M:autoextend:max:{megabytes}M");
        vec!["--innodb-file-per-table=0".to_owned(), file]
    };
    let mut server = Own::start_with(Engine::MariaDb, with_room(40));
    let database = server.database();
    let (store, _) = Store::open(&database, NOW).unwrap();
    let router = store.router("gw").await.unwrap();
    tell(&database, "CREATE TABLE ballast (text MEDIUMTEXT)");
    let fill = "INSERT INTO ballast VALUES (repeat('x', 100000))";
    while with(&database, |connection| Ok(connection.command(fill).is_ok())) {}
    let mut stored = 0;
    let told = loop {
        let text = "y".repeat(400);
        let events = (1..200).map(|n| event(stored * 200 + n, NOW, &format!("{n} {text}")));
        let batch = EventBatch { events: events.collect(), ..batch(1..1, 0) };
        match store.put_events(router, batch, NOW).await {
            Ok(new) => stored += u64::from(new.new > 0),
            Err(error) => break error,
        }
    };
    assert!(matches!(told, StoreError::NotWritable { .. }), "{told}");
    assert!(told.to_string().contains("is full"), "{told}");
    assert_eq!(seqs(&store).await.len() as u64, stored * 199, "all or nothing of an answer");
    server.stop();
    server.start_again_with(with_room(80));
    put_at_last(&store, 1_000_000).await;
    assert_eq!(seqs(&store).await.len() as u64, stored * 199 + 1);
}

#[tokio::test]
async fn a_server_that_is_slow_is_told_and_tried_again() {
    for engine in ENGINES {
        let place = Place::on(engine);
        let store = place.open();
        put(&store, 1).await.unwrap();
        // Somebody holds what every bridge needs.
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let database = place.database.clone();
        let holder = std::thread::spawn(move || {
            with(&database, move |connection| {
                connection.begin()?;
                ready.send(()).unwrap();
                ended.recv().unwrap_err();
                connection.roll_back()
            });
        });
        is_ready.recv().unwrap();
        let told = put(&store, 2).await.unwrap_err();
        assert!(matches!(told, StoreError::Busy { .. }), "{told}");
        assert_eq!(seqs(&store).await, [1], "reading goes on");
        drop(end);
        holder.join().unwrap();
        put_at_last(&store, 2).await;
        assert_eq!(seqs(&store).await, [1, 2]);
    }
}

#[tokio::test]
async fn another_database_in_its_place_is_not_taken_for_it() {
    for engine in ENGINES {
        let mut server = Own::start(engine);
        let database = server.database();
        let (store, _) = Store::open(&database, NOW).unwrap();
        put(&store, 1).await.unwrap();
        server.stop();
        assert!(put(&store, 2).await.is_err());
        server.start_again();
        tell(
            &database,
            "DELETE FROM cursors; DELETE FROM hours_due; DELETE FROM events;
                         DELETE FROM streams; UPDATE routers SET name = 'other' WHERE name = 'gw'",
        );
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                let told = put(&store, 2).await.unwrap_err();
                if !matches!(told, StoreError::Unreachable { .. }) {
                    return told.to_string();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let told = told.await.unwrap();
        assert!(told.contains("router gw is not in its place; restart"), "{told}");
    }
}

#[tokio::test]
async fn connections_that_the_server_has_ended_cost_nothing() {
    for engine in ENGINES {
        let place = Place::on(engine);
        let store = place.open();
        put(&store, 1).await.unwrap();
        assert_eq!(seqs(&store).await, [1]);
        servers::with(&place.database, |connection| match connection {
            sql::Connection::Postgres(server) => server.batch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            ),
            _ => {
                let others = "SELECT id FROM information_schema.processlist
                              WHERE db = database() AND id <> connection_id()";
                let ids: Vec<i64> = connection.query(others, &[], |row| row.get(0))?;
                assert!(ids.len() >= 2, "one to write, one to read");
                ids.iter().try_for_each(|id| connection.command(&format!("KILL {id}")))
            }
        });
        assert_eq!(seqs(&store).await, [1]);
        assert_eq!(put(&store, 2).await.unwrap(), 1);
        assert_eq!(seqs(&store).await, [1, 2]);
    }
}
