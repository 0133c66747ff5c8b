//! The old Flask client's database and logs beside what is new.

use std::fs;
use std::path::Path;

use crate::machine::{Machine, in_each_shell, tool};

/// As SQLAlchemy makes it.
const OLD: &str = "CREATE TABLE network_status (id INTEGER NOT NULL, timestamp DATETIME, \
    wan_state VARCHAR(10), PRIMARY KEY (id)); \
    CREATE TABLE network_events (id INTEGER NOT NULL, message TEXT, PRIMARY KEY (id));";
/// What matters of ours: the mark in the head, tables, and views with the old names.
const OURS: &str = "PRAGMA application_id = 1313686130; CREATE TABLE streams (id INTEGER); \
    CREATE TABLE events (message TEXT); CREATE VIEW network_status AS SELECT 1;";

fn database(file: &Path, sql: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::remove_file(file).ok();
    let output = tool("sqlite3").arg("-batch").arg(file).arg(sql).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Whether the file is offered to be taken over, by a start.
#[track_caller]
fn is_offered(machine: &Machine, file: &Path) -> bool {
    let output = machine.well(&["--router", "192.168.1.1"]);
    let is_named = output.stderr.contains("is the old client's database");
    let folder = fs::canonicalize(file.parent().unwrap()).unwrap();
    let command = output.stderr.lines().find_map(|line| line.split_once("import-legacy \""));
    let command = command.map(|(_, file)| Path::new(file.trim_end_matches('"')));
    assert_eq!(is_named, command.is_some(), "{output:?}");
    if let Some(named) = command {
        assert_eq!(fs::canonicalize(named.parent().unwrap()).unwrap(), folder);
    }
    is_named
}

#[test]
fn it_is_found_beside_the_new_one_and_named_with_the_command() {
    in_each_shell(|machine| {
        for place in ["data", "../data"] {
            let file = machine.path(place).join("netmonitor.db");
            database(&file, OLD);
            assert!(is_offered(&machine, &file), "{place}");
            fs::remove_file(&file).unwrap();
        }
        // Where the command is given.
        let old = machine.home().join("old");
        database(&old.join("data/netmonitor.db"), OLD);
        fs::create_dir(old.join("logs")).unwrap();
        let script = machine.path("deploy.sh").display().to_string();
        let output = machine.run_as(&script, &old, &["--router", "192.168.1.1"]);
        assert!(output.stderr.contains("old/data/netmonitor.db is the old client's"), "{output:?}");
        assert!(output.stderr.contains("old/logs is of the old client too"), "{output:?}");
    });
}

#[test]
fn an_old_one_is_known_whatever_is_in_it() {
    in_each_shell(|machine| {
        let file = machine.path("data/netmonitor.db");
        let rows =
            "INSERT INTO network_events (message) VALUES ('CREATE TABLE streams ('), ('NMBr');";
        // Renamed by somebody: SQLite puts the name into quotes.
        let renamed = "CREATE TABLE t (id INTEGER); ALTER TABLE t RENAME TO network_status;";
        for sql in [
            format!("{OLD}{rows}"),
            format!("PRAGMA page_size = 512; {OLD}"),
            format!("PRAGMA journal_mode = WAL; {OLD}"),
            format!("PRAGMA user_version = 7; CREATE TABLE a (b); {OLD}"),
            OLD.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").to_lowercase(),
            renamed.to_owned(),
        ] {
            database(&file, &sql);
            assert!(is_offered(&machine, &file), "{sql}");
        }
    });
}

#[test]
fn one_of_ours_is_no_old_one() {
    in_each_shell(|machine| {
        let file = machine.path("data/netmonitor.db");
        let row = "INSERT INTO events VALUES ('CREATE TABLE network_status (id)');";
        for sql in
            [OURS.to_owned(), format!("PRAGMA journal_mode = WAL; {OURS}"), format!("{OURS}{row}")]
        {
            database(&file, &sql);
            assert!(!is_offered(&machine, &file), "{sql}");
        }
        fs::write(&file, format!("{OLD} in a text")).unwrap();
        assert!(!is_offered(&machine, &file));
        database(&file, "CREATE TABLE photos (note TEXT)");
        assert!(!is_offered(&machine, &file));
        fs::write(&file, "").unwrap();
        assert!(!is_offered(&machine, &file));
    });
}

/// A program that runs has tables in the log beside the file only.
#[test]
fn the_log_beside_it_counts_as_well() {
    in_each_shell(|machine| {
        let file = machine.path("data/netmonitor.db");
        for (sql, is_old) in [(OLD, true), (OURS, false)] {
            fs::remove_dir_all(machine.path("data")).ok();
            let kept = machine.path("data/kept.db");
            database(&kept, "PRAGMA journal_mode = WAL;");
            // The shell takes the log in when it ends: copied while it is open.
            let copy = format!(
                ".shell cp \"{0}\" \"{1}\"\n.shell cp \"{0}-wal\" \"{1}-wal\"\n",
                kept.display(),
                file.display()
            );
            let script = machine.path("data/script");
            fs::write(&script, format!("{sql}\n{copy}")).unwrap();
            let input = fs::File::open(&script).unwrap();
            assert!(tool("sqlite3").arg(&kept).stdin(input).status().unwrap().success());
            let text = fs::read(&file).unwrap();
            assert!(!text.windows(12).any(|part| part == b"CREATE TABLE"), "not in the log");
            assert_eq!(is_offered(&machine, &file), is_old, "{sql}");
        }
    });
}

#[test]
fn it_is_handed_over_with_what_is_in_its_log() {
    in_each_shell(|machine| {
        machine.well(&["--router", "192.168.1.1"]);
        let old = machine.home().join("old client");
        database(&old.join("data/netmonitor.db"), OLD);
        fs::write(old.join("data/netmonitor.db-wal"), "of it").unwrap();
        let before = fs::read(old.join("data/netmonitor.db")).unwrap();
        machine.notes();
        let script = machine.path("deploy.sh").display().to_string();
        let words = ["import-legacy", "data/netmonitor.db", "--zone", "Asia/Shanghai"];
        let output = machine.run_as(&script, &old, &words);
        assert_eq!(output.code, Some(0), "{output:?}");
        let imported = fs::read_to_string(machine.engine("imported")).unwrap();
        let files: Vec<_> =
            imported.lines().filter(|line| line.starts_with("-rw-r--r--")).collect();
        assert!(files.len() == 2 && files[1].ends_with(" netmonitor.db-wal"), "{imported}");
        let notes = machine.notes();
        let end = "bridge import-legacy /old/netmonitor.db --zone Asia/Shanghai";
        assert!(notes.iter().any(|note| note.ends_with(end)), "{notes:?}");
        assert_eq!(fs::read(old.join("data/netmonitor.db")).unwrap(), before);
        assert_eq!(machine.list("backups"), [""; 0]);
        machine.refuses(2, &["import-legacy", "nowhere.db"], &["nowhere.db is not there"]);
    });
}
