//! Kills before the hour: they must cost no event.

use netmonitor_tests::bridge_storm::{self, Programs};
use netmonitor_tests::kill_storm;

use crate::Wanted;

/// Whether no kill has cost an event.
pub(super) fn survive(wanted: &Wanted) -> bool {
    if wanted.kills == 0 {
        return true;
    }
    let exporters = wanted.binaries.iter().map(|binary| {
        let told = kill_storm::run(binary, wanted.kills, wanted.seed).map(|report| {
            format!(
                "{} kills, {} of them while it wrote a file and {} between two files; {} \
                 events, none lost, doubled or changed",
                report.kills, report.while_writing, report.between_renames, report.events,
            )
        });
        (binary, told)
    });
    let bridges = wanted.bridge.iter().zip(&wanted.binaries).map(|(bridge, exporter)| {
        let programs = Programs { bridge, exporter };
        let told = bridge_storm::run(programs, wanted.kills, wanted.seed);
        (bridge, told.map(describe))
    });
    let mut survived = true;
    for (binary, outcome) in exporters.chain(bridges) {
        match outcome {
            Ok(told) => println!("{}: {told}", binary.display()),
            Err(error) => {
                eprintln!("{}: NOT met: no kill costs an event: {error:#}", binary.display());
                survived = false;
            }
        }
    }
    survived
}

fn describe(report: bridge_storm::Report) -> String {
    format!(
        "{} kills in {:.0} s, {} of the bridge ({} of them within a commit, {} with the power, \
         which cost {} commits) and {} of the routers, {} of which lost their queue; {} events \
         told, {} stored, each of them once, and none missing that could still be read",
        report.kills,
        report.took.as_secs_f64(),
        report.of_bridge,
        report.while_writing,
        report.power_cuts,
        report.commits_lost,
        report.of_exporter,
        report.streams_lost,
        report.told,
        report.stored,
    )
}
