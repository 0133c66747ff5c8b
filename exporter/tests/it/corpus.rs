//! Saved logs through the shipped `replay`: our own, and where `NETMONITOR_CORPUS` names
//! their folder, those that were gathered from many routers and a real pppd. Not one of
//! their lines is in this repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::program::{command, fixture};

/// How a log is to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wan {
    interfaces: String,
    /// `-`: none.
    pppoe: String,
}

impl Wan {
    fn new(interfaces: &str, pppoe: &str) -> Self {
        Self { interfaces: interfaces.to_owned(), pppoe: pppoe.to_owned() }
    }
}

/// What `replay` prints for a log.
fn replay(log: &str, wan: &Wan, flags: &[&str]) -> String {
    let mut child = command()
        .arg("replay")
        .args(["--wan-iface", &wan.interfaces, "--pppoe-iface", &wan.pppoe])
        .args(flags)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let log = log.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(log.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{wan:?} {flags:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Rows of a table of tab-separated fields, without its head.
fn rows(table: &str, fields: usize) -> Vec<Vec<String>> {
    let rows = table.split('\n').skip(1).filter(|row| !row.is_empty());
    rows.map(|row| row.splitn(fields, '\t').map(str::to_owned).collect()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of the gathered logs.
#[expect(clippy::disallowed_methods, reason = "the test's own switch, not the program's")]
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var("NETMONITOR_CORPUS").ok().filter(|folder| !folder.is_empty());
    if folder.is_none() {
        eprintln!("skipped: NETMONITOR_CORPUS does not name the folder of the corpus");
    }
    folder.map(PathBuf::from)
}

#[test]
fn our_own_logs_tell_what_they_should() {
    let folder = fixture("logs");
    let mut wrong = String::new();
    for row in rows(&read(&folder.join("CONFIG.tsv")), 4) {
        let [name, interfaces, pppoe, initial] = row.as_slice() else { panic!("{row:?}") };
        let log = read(&folder.join(format!("{name}.log")));
        let told = replay(&log, &Wan::new(interfaces, pppoe), &["--initial", initial, "--derived"]);
        if told != read(&folder.join(format!("{name}.expected"))) {
            writeln!(wrong, "{name} tells:\n{told}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn labelled_lines_have_their_types() {
    let Some(folder) = corpus() else { return };
    let mut lines: BTreeMap<Wan, Vec<[String; 2]>> = BTreeMap::new();
    for row in rows(&read(&folder.join("labelled.tsv")), 5) {
        let [kind, interfaces, pppoe, _source, line] = row.as_slice() else { panic!("{row:?}") };
        let of_wan = lines.entry(Wan::new(interfaces, pppoe)).or_default();
        of_wan.push([kind.clone(), line.clone()]);
    }
    let mut wrong = String::new();
    for (wan, lines) in lines {
        let mut compare = |part: &[[String; 2]], how: &str| {
            let log: String = part.iter().map(|[_, line]| format!("{line}\n")).collect();
            let told = replay(&log, &wan, &["--per-line"]);
            assert_eq!(told.lines().count(), part.len(), "one answer for each line");
            for (told, [kind, line]) in told.lines().zip(part) {
                if told != kind {
                    writeln!(wrong, "{how}: {told}, not {kind}: {line}").unwrap();
                }
            }
        };
        compare(&lines, "in its log");
        lines.chunks(1).for_each(|line| compare(line, "alone"));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn gathered_sequences_tell_each_outage_once() {
    let Some(folder) = corpus().map(|folder| folder.join("sequences")) else { return };
    let mut wrong = String::new();
    for row in rows(&read(&folder.join("CONFIG.tsv")), 4) {
        let [name, interfaces, pppoe, initial] = row.as_slice() else { panic!("{row:?}") };
        let log = read(&folder.join(format!("{name}.log")));
        let told =
            times_and_types(&replay(&log, &Wan::new(interfaces, pppoe), &["--initial", initial]));
        let expected = read(&folder.join(format!("{name}.expected")));
        if told.trim_end() != expected.trim_end() {
            writeln!(wrong, "{name} tells\n{told}and not\n{expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// `HH:MM:SS type` of lines `DATE HH:MM:SS type message`.
fn times_and_types(told: &str) -> String {
    let shortened = told.lines().map(|line| {
        let mut words = line.split(' ').skip(1);
        format!("{} {}\n", words.next().unwrap_or_default(), words.next().unwrap_or_default())
    });
    shortened.collect()
}

/// The scenarios of the lab by their numbers, and what the client's log tells of each: how
/// the session ended, for all but those that never had one after it was up.
const LAB: [(&str, &str); 17] = [
    ("01", "pppoe_up pppoe_local_term pppoe_down"),
    ("02", "pppoe_up pppoe_local_term pppoe_lcp_term pppoe_down"),
    ("03", "pppoe_up pppoe_lcp_echo_timeout pppoe_down"),
    ("05", "pppoe_up pppoe_down"),
    ("07", "pppoe_up pppoe_down"),
    ("08", "pppoe_auth_fail pppoe_down"),
    ("10", "pppoe_padi_timeout pppoe_discovery_timeout pppoe_down"),
    ("11", "pppoe_up pppoe_lcp_echo_timeout pppoe_down"),
    ("12", "pppoe_up pppoe_down"),
    ("14", "pppoe_up pppoe_lcp_echo_timeout pppoe_down"),
    ("15", "pppoe_up pppoe_lcp_echo_timeout pppoe_down"),
    ("16", "pppoe_up pppoe_local_term pppoe_down"),
    ("17", "pppoe_up pppoe_local_term pppoe_down"),
    ("19", "pppoe_up pppoe_lcp_term pppoe_down"),
    ("20", "pppoe_negotiation_timeout pppoe_down"),
    ("21", "pppoe_up pppoe_local_term pppoe_down"),
    ("23", "pppoe_padi_timeout pppoe_discovery_timeout pppoe_down"),
];

#[test]
fn a_real_pppd_is_understood() {
    let Some(folder) = corpus().map(|folder| folder.join("../pppoe-lab")) else { return };
    let mut told = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".client.log") {
            let wan = Wan::new("wan,vc0", "pppoe-wan");
            let events = replay(&read(&path), &wan, &["--initial", "boot"]);
            let types = times_and_types(&events);
            let types: Vec<&str> =
                types.lines().filter_map(|line| line.split(' ').nth(1)).collect();
            told.insert(name[..2].to_owned(), types.join(" "));
        }
    }
    let expected: BTreeMap<String, String> =
        LAB.into_iter().map(|(number, types)| (number.to_owned(), types.to_owned())).collect();
    assert_eq!(told, expected);
}
