//! Kills at any moment cost no event: what was told once stays told, and is stored once. The
//! storms check it after each kill, and end with an error when it is not so.

use anyhow::Result;
use netmonitor_tests::database_server::Engine;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::{bridge_storm, kill_storm};

use crate::Wanted;
use crate::held::About;

/// A storm that never met one of these proves little.
const SOME: Goal = Goal::AtLeast(1.0);

/// While it follows a log and somebody reads its events.
pub(super) fn exporter(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let found = kill_storm::run(&wanted.exporter, wanted.kills, wanted.seed)?;
    about.shown("kills", f64::from(found.kills));
    about.must_be("of them while it wrote a file", f64::from(found.while_writing), SOME);
    about.shown("of them between two files", f64::from(found.between_renames));
    about.shown("events, each told once and for good", found.events as f64);
    Ok(())
}

/// With routers that are killed as well, and power that is cut.
pub(super) fn bridge(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let programs = bridge_storm::Programs { bridge: &wanted.bridge, exporter: &wanted.exporter };
    let found = bridge_storm::run(programs, wanted.kills, wanted.seed)?;
    about.shown("kills", f64::from(found.kills));
    about.must_be("of them of the bridge", f64::from(found.of_bridge), SOME);
    // So short that a storm of a few kills may miss it.
    about.shown("of those within a commit", f64::from(found.while_writing));
    about.must_be("of those with the power", f64::from(found.power_cuts), SOME);
    about.must_be("of them of routers", f64::from(found.of_exporter), SOME);
    about.must_be("of those with what they had to tell", f64::from(found.streams_lost), SOME);
    about.shown("events told", found.told as f64);
    about.shown("events stored, each once", found.stored as f64);
    Ok(())
}

/// The same kills with a database server, which is killed, too.
pub(super) fn bridge_on_postgres(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    bridge_on(Engine::Postgres, wanted, about)
}

/// As above.
pub(super) fn bridge_on_mariadb(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    bridge_on(Engine::MariaDb, wanted, about)
}

fn bridge_on(engine: Engine, wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let programs = bridge_storm::Programs { bridge: &wanted.bridge, exporter: &wanted.exporter };
    let found = bridge_storm::run_on(engine, programs, wanted.kills, wanted.seed)?;
    about.shown("kills", f64::from(found.kills));
    about.must_be("of them of the bridge", f64::from(found.of_bridge), SOME);
    about.must_be("of those with the server", f64::from(found.of_server), SOME);
    about.must_be("of them of routers", f64::from(found.of_exporter), SOME);
    about.shown("events told", found.told as f64);
    about.shown("events stored, each once", found.stored as f64);
    Ok(())
}
