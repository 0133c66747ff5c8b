//! Judges what the PPPoE laboratory left: `lab-check FOLDER`. `tests/pppoe-lab/run.sh` fills
//! the folder, `make test-lab` calls both.
//!
//! Prints a table for each scenario and fails when anything in it is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use netmonitor_tests::lab::answers::Saved;
use netmonitor_tests::lab::check::Played;
use netmonitor_tests::lab::expected;
use netmonitor_tests::lab::finding::Finding;
use netmonitor_tests::lab::truth::Truth;
use netmonitor_tests::table::Table;

/// How often the machine is started: a second time after a power cut.
const STARTS: usize = 2;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("lab-check FOLDER: target/lab-vm/CPU/results");
        return ExitCode::from(2);
    };
    match run(&folder) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!(
                "lab-check: {wrong} findings are wrong; what was done and said is in {}",
                folder.display()
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("lab-check: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many findings are wrong.
fn run(folder: &Path) -> Result<usize> {
    let mut wrong = 0;
    let mut last: Vec<Saved> = Vec::new();
    for number in 1..=STARTS {
        let (found, saved) = start(&folder.join(number.to_string()))?;
        wrong += found;
        last.push(saved);
    }
    // A start is another one, and what was in memory is gone.
    let is_other = last[0].events.boot_id != last[1].events.boot_id
        && last[0].events.stream != last[1].events.stream;
    let both = Finding::word("start and stream of events", "others", is_other.then_some("others"));
    wrong += show("the second start", &[both]);
    Ok(wrong)
}

/// One start of the machine: how many findings are wrong, and what was said last.
fn start(folder: &Path) -> Result<(usize, Saved)> {
    let path = folder.join("truth");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let truth = Truth::parse(&text)?;
    let mut wrong = 0;
    let mut before: Option<Saved> = None;
    for scenario in truth.scenarios()? {
        let expected = expected::of(scenario.name)
            .with_context(|| format!("nobody knows what is true of {}", scenario.name))?;
        let within = folder.join(format!("{}_within", scenario.name));
        let within = within.is_dir().then(|| Saved::read(&within)).transpose()?;
        let after = Saved::read(&folder.join(scenario.name))?;
        let played = Played {
            truth: &truth,
            scenario,
            before: before.as_ref(),
            within: within.as_ref(),
            after: &after,
        };
        wrong += show(scenario.name, &played.check(expected));
        before = Some(after);
    }
    let last = before.context("no scenario was played")?;
    Ok((wrong, last))
}

/// How many are wrong.
fn show(name: &str, findings: &[Finding]) -> usize {
    let wrong = findings.iter().filter(|finding| !finding.is_right).count();
    let mut table = Table::new([name, "expected", "found", ""]);
    for finding in findings {
        let verdict = if finding.is_right { "" } else { "WRONG" };
        table.push([
            finding.about.clone(),
            finding.expected.clone(),
            finding.found.clone(),
            verdict.to_owned(),
        ]);
    }
    println!("{table}");
    wrong
}
