//! What was found, and what of it must hold.

use std::fmt::{self, Display};

use anyhow::Result;
use netmonitor_tests::clock;
use netmonitor_tests::figures::short;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::running::Running;
use netmonitor_tests::table::Table;

/// Of all faults.
pub(crate) struct Report {
    table: Table<5>,
    broken: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self { table: Table::new(["figure", "fault", "found", "goal", ""]), broken: 0 }
    }
}

impl Report {
    pub(crate) fn all_hold(&self) -> bool {
        self.broken == 0
    }

    /// Rows of one fault.
    pub(crate) fn about(&mut self, fault: &'static str) -> About<'_> {
        About { report: self, fault }
    }

    /// A fault that could not be played to its end, or a promise broken on the way.
    pub(crate) fn fails(&mut self, fault: &'static str, error: &anyhow::Error) {
        eprintln!("{fault}: NOT met: {error:#}");
        self.broken += 1;
        let cells = ["to the end", fault, "no", "yes", "NOT met"];
        self.table.push(cells.map(str::to_owned));
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}

/// Rows of one fault.
pub(crate) struct About<'r> {
    report: &'r mut Report,
    fault: &'static str,
}

impl About<'_> {
    /// For information.
    pub(crate) fn shown(&mut self, figure: &str, found: f64) {
        self.must_be(figure, found, Goal::None);
    }

    /// There must be none of these.
    pub(crate) fn none(&mut self, figure: &str, found: usize) {
        self.must_be(figure, found as f64, Goal::Exactly(0.0));
    }

    pub(crate) fn must_be(&mut self, figure: &str, found: f64, goal: Goal) {
        self.report.broken += usize::from(!goal.is_met(found));
        let [goal, verdict] = goal.cells(found);
        let (figure, fault) = (figure.to_owned(), self.fault.to_owned());
        self.report.table.push([figure, fault, short(found), goal, verdict]);
    }
}

/// What a program holds, before and after.
pub(crate) struct Holdings<'p> {
    program: &'p Running,
    rss_kb: u64,
    files: usize,
    most_sockets: usize,
}

/// Readers of a database, which are opened at the first use: each has the file, its log, and its
/// shared memory.
const MORE_FILES: usize = 4 * 3;
/// What it listens at, the answers under way, pings.
const SOCKETS_OF_ITS_OWN: usize = 16;
/// For samples and for events.
const SOCKETS_PER_ROUTER: usize = 2;

impl<'p> Holdings<'p> {
    /// Now, of one that has so many routers to ask.
    pub(crate) fn of(program: &'p Running, routers: usize) -> Result<Self> {
        Ok(Self {
            program,
            rss_kb: program.usage.memory()?.rss_kb,
            files: files(program)?,
            most_sockets: SOCKETS_OF_ITS_OWN + SOCKETS_PER_ROUTER * routers,
        })
    }

    fn more_files(&self) -> Result<usize> {
        Ok(files(self.program)?.saturating_sub(self.files))
    }

    /// Rows on what it held at most, and holds in the end, when it has closed what others have
    /// left. `most_mb`: of resident memory.
    pub(crate) fn compare(&self, about: &mut About<'_>, most_mb: f64) -> Result<()> {
        let megabytes = |kb: u64| kb as f64 * 1024.0 / 1e6;
        let peak = megabytes(self.program.usage.peak_rss_kb()?);
        about.shown("resident memory before, MB", megabytes(self.rss_kb));
        about.must_be("resident memory, at most, MB", peak, Goal::Below(most_mb));
        let sockets = || self.program.usage.sockets();
        // Whether it does is the matter of the next rows.
        clock::until("connections are closed", || Ok(sockets()? <= self.most_sockets)).ok();
        about.must_be("sockets at the end", sockets()? as f64, most(self.most_sockets));
        about.must_be("other files more than before", self.more_files()? as f64, most(MORE_FILES));
        Ok(())
    }
}

/// Open ones that are no sockets.
fn files(program: &Running) -> Result<usize> {
    let usage = &program.usage;
    Ok(usage.open_files()?.saturating_sub(usage.sockets()?))
}

fn most(count: usize) -> Goal {
    Goal::AtMost(count as f64)
}
