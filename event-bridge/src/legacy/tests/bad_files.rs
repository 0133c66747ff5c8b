//! Files that cannot be imported: said in one line, and left as they are.

use std::fs;

use super::old_file::SCHEMA;
use super::*;

/// Runs an import, which must fail, and gives what it says. Nothing has been made or changed.
#[track_caller]
fn refused(place: &Place) -> String {
    let names = || {
        let entries = fs::read_dir(place.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, bytes) = (names(), fs::read(place.path("old.db")).ok());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(place.run()).unwrap_err();
    assert_eq!(names(), before);
    assert_eq!(fs::read(place.path("old.db")).ok(), bytes);
    let text = format!("{:#}", anyhow::Error::from(error));
    assert!(text.contains("old.db") && !text.contains('\n'), "{text}");
    text
}

#[track_caller]
fn check(make: impl FnOnce(&Place), expected: &str) {
    let place = Place::new();
    make(&place);
    let text = refused(&place);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_is_no_file_of_the_old_client_is_refused() {
    let write = |place: &Place, bytes: &[u8]| fs::write(place.path("old.db"), bytes).unwrap();
    check(|_| {}, "there is no such file");
    check(|place| fs::create_dir(place.path("old.db")).unwrap(), "is no file");
    check(|place| write(place, b""), "is empty");
    check(|place| write(place, b"[[router]]\nname = \"home\"\n"), "is no SQLite database");
    check(|place| write(place, &[0; 4096]), "is no SQLite database");
    check(|place| write(place, b"SQLite format 3\0 and no more"), "is no SQLite database");
}

#[test]
fn tables_and_columns_that_are_missing_are_named() {
    let make = |sql: &'static str| {
        move |place: &Place| {
            let connection = Connection::open(place.path("old.db")).unwrap();
            connection.execute_batch(sql).unwrap();
        }
    };
    check(
        make("CREATE TABLE notes (id)"),
        "no table network_status, table ping_results, table network_events",
    );
    check(
        |place| {
            let connection = Connection::open(place.path("old.db")).unwrap();
            connection.execute_batch(SCHEMA).unwrap();
            let sql = "ALTER TABLE ping_results DROP COLUMN loss;
                       ALTER TABLE hourly_stats RENAME COLUMN max_cpu_temp TO hottest;";
            connection.execute_batch(sql).unwrap();
        },
        "no column ping_results.loss, column hourly_stats.max_cpu_temp",
    );
}

#[test]
fn half_a_file_is_refused() {
    check(
        |place| {
            place.old_file().two_days();
            let bytes = fs::read(place.path("old.db")).unwrap();
            fs::write(place.path("old.db"), &bytes[..bytes.len() / 2]).unwrap();
        },
        "is damaged or cut off",
    );
}

#[test]
fn our_own_database_is_refused() {
    check(
        |place| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let store = Store::open(&place.path("old.db"), NOW).unwrap().0;
            runtime.block_on(store.close());
        },
        "restore",
    );
}

#[test]
fn the_file_cannot_be_its_own_target() {
    check(
        |place| {
            drop(place.old_file());
            fs::hard_link(place.path("old.db"), place.path("new.db")).unwrap();
        },
        "is SQLITE_DB itself",
    );
}

#[test]
fn a_file_that_is_being_written_is_waited_for_and_then_refused() {
    let place = Place::new();
    let old = place.old_file();
    old.do_it("BEGIN EXCLUSIVE");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(place.run()).unwrap_err();
    assert!(error.to_string().contains("stop the old client"), "{error}");
}

#[test]
fn what_was_not_closed_is_named() {
    let unfinished = |mode: &'static str, kept: &'static [&'static str]| {
        move |place: &Place| {
            let old = OldFile::new(&place.path("writing.db"));
            old.do_it(&format!("PRAGMA journal_mode = {mode}; PRAGMA cache_size = 1; BEGIN"));
            for second in 0..60 {
                for minute in 0..60 {
                    old.status(&format!("2025-10-20 10:{minute:02}:{second:02}"), "up");
                }
            }
            if mode == "WAL" {
                old.do_it("COMMIT");
            }
            // As a kill leaves them.
            for suffix in ["", "-wal", "-journal"].iter().filter(|suffix| kept.contains(suffix)) {
                let from = place.path(&format!("writing.db{suffix}"));
                fs::copy(from, place.path(&format!("old.db{suffix}"))).unwrap();
            }
            old.do_it(if mode == "WAL" { "SELECT 1" } else { "ROLLBACK" });
        }
    };
    check(unfinished("WAL", &["", "-wal"]), "old.db-wal");
    check(unfinished("DELETE", &["", "-journal"]), "old.db-journal");
}

#[tokio::test]
async fn nothing_is_left_beside_a_file_in_wal_mode() {
    let place = Place::new();
    let old = place.old_file();
    old.do_it("PRAGMA journal_mode = WAL");
    old.two_days();
    // While the old client has it open, and what it wrote is in the WAL.
    assert_eq!(place.run().await.unwrap().samples.stored, 1440);
    old.connection.close().unwrap();
    assert_eq!(place.run().await.unwrap().samples.known(), 1440);
    for suffix in ["-wal", "-shm", "-journal"] {
        assert!(!place.path(&format!("old.db{suffix}")).exists(), "{suffix}");
    }
}
