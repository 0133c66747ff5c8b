//! `import-legacy` as it is typed: exit codes, messages, kills, and a bridge that runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use rusqlite::{Connection, params};

use crate::program::{Bridge, NOBODY, command};

const POLLS: i64 = 20_000;

/// As SQLAlchemy makes it, with a poll a minute until a day ago.
fn old_file(path: &Path) {
    let old = Connection::open(path).unwrap();
    old.execute_batch(
        "PRAGMA synchronous = OFF;
         CREATE TABLE network_status (id INTEGER NOT NULL, timestamp DATETIME,
         wan_state VARCHAR(10), rx_errors INTEGER, tx_errors INTEGER, rx_dropped INTEGER,
         tx_dropped INTEGER, optical_rx FLOAT, optical_tx FLOAT, cpu_temp FLOAT,
         pppoe_reconnect_count INTEGER, wan_down_count INTEGER, PRIMARY KEY (id));
         CREATE TABLE ping_results (id INTEGER NOT NULL, timestamp DATETIME, target VARCHAR(50),
         rtt FLOAT, loss FLOAT, PRIMARY KEY (id));
         CREATE TABLE network_events (id INTEGER NOT NULL, timestamp DATETIME,
         event_time DATETIME, event_type VARCHAR(50), message TEXT, PRIMARY KEY (id));",
    )
    .unwrap();
    let time = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 day', ?2 || ' minutes')";
    let fill = |sql: &str| {
        let series = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n
                      WHERE i + 1 < ?1)";
        let sql = format!("{series} {}", sql.replace("TIME", &time.replace("?2", "(i - ?1)")));
        old.execute(&sql, params![POLLS]).unwrap();
    };
    fill("INSERT INTO network_status (timestamp, wan_state) SELECT TIME, 'up' FROM n");
    fill(
        "INSERT INTO ping_results (timestamp, target, rtt, loss) SELECT TIME, '1.1.1.1', 5, 0 FROM n",
    );
    old.close().unwrap();
}

fn import(folder: &Path, more: &[&str]) -> std::process::Command {
    let mut command = command();
    command.arg("import-legacy").arg(folder.join("old.db")).args(more);
    command.arg("--sqlite-db").arg(folder.join("netmonitor.db"));
    command
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn count(folder: &Path, table: &str) -> i64 {
    let database = Connection::open(folder.join("netmonitor.db")).unwrap();
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_killed_is_finished_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    old_file(&folder.path().join("old.db"));
    let router = ["--router", "gw", "--zone", "UTC"];
    let mut child = import(folder.path(), &router).stderr(Stdio::piped()).spawn().unwrap();
    // The first line of the progress is told after the first batch.
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told: Vec<String> = lines.take(2).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told[1].contains("of about 40000 rows"), "{told:?}");
    assert!(count(folder.path(), "samples") > 0);
    for _ in 0..2 {
        let (code, summary, error) = text(&import(folder.path(), &router).output().unwrap());
        assert_eq!(code, Some(0), "{error}");
        assert!(summary.starts_with("   ") && summary.contains("network_status"), "{summary}");
        let rows = ["samples", "pings"].map(|table| count(folder.path(), table));
        assert_eq!(rows, [POLLS, POLLS]);
        assert_eq!(count(folder.path(), "hours_due"), 0);
    }
}

#[test]
fn the_start_names_the_command_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.db");
    old_file(&old);
    let start = command().args(["--router-ip", "192.0.2.1", "--sqlite-db"]).arg(&old).output();
    let (code, _, error) = text(&start.unwrap());
    let asked = format!("`netmonitor-bridge import-legacy {}`", old.display());
    assert!(code == Some(1) && error.contains(&asked), "{error}");
    // As it stands there, the zone of TZ and the router of the settings are taken.
    let import = import(folder.path(), &["--router-ip", "192.0.2.1"]).output().unwrap();
    let (code, _, error) = text(&import);
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("as router 192.0.2.1; its times are those of zone "), "{error}");
}

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |more: &[&str], expected: &str| {
        let (code, _, error) = text(&import(folder.path(), more).output().unwrap());
        assert!(code == Some(1) && error.contains(expected), "{error}");
        assert!(!folder.path().join("netmonitor.db").exists());
    };
    check(&["--router", "gw"], "old.db: there is no such file");
    check(&["--router", "g w"], "--router \"g w\": expected 1 to 64 letters");
    check(&["--router", "gw", "--zone", "Mars/Olympus"], "--zone \"Mars/Olympus\"");
    let routers = folder.path().join("routers.toml");
    let list =
        ["a", "b"].map(|name| format!("[[router]]\nname = \"{name}\"\nurl = \"http://{name}\"\n"));
    std::fs::write(&routers, list.concat()).unwrap();
    check(&["--routers-file", routers.to_str().unwrap()], "--router NAME");
}

#[test]
fn a_bridge_that_runs_goes_on() {
    let bridge = Bridge::start(NOBODY, &["--poll-interval", "1"]);
    let folder = bridge.folder();
    old_file(&folder.join("old.db"));
    let (code, _, error) = text(&import(folder, &["--router-ip", "127.0.0.1"]).output().unwrap());
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(bridge.get("/readyz").status, 200);
    assert_eq!(bridge.stored("SELECT count(*) FROM samples"), POLLS);
    let history = bridge.get("/api/history?hours=720&limit=1").json();
    assert_eq!(history["total"], POLLS);
}
