//! `import-legacy`: the database of the old Flask client into ours, once or again.
//!
//! Rows go `source` → `rows`, `time` → `polls` → `Store::put_past`, in batches of whole hours,
//! each in one transaction: an interrupted run is run again and finds what is there. A bridge
//! may run meanwhile; between two batches it gets the lock. Nothing is ever written to the old
//! file. Called by `cli`.

mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod polls;
mod rows;
mod source;
mod tally;
#[cfg(test)]
mod tests;
mod time;
mod work;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::sleep;

pub use self::error::LegacyError;
pub use self::tally::{Rows, Tally};
use self::work::Work;
use crate::clock;
use crate::progress::Progress;
use crate::record::Millis;
use crate::store::Database;

/// Between two transactions: a bridge that waits for the lock looks for it now and then, and
/// would not find it free for seconds.
const TURN: Duration = Duration::from_millis(8);

/// The same between hours that are added up, where nothing has to be read in between.
const LONG_TURN: Duration = Duration::from_millis(20);

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// Of the old client.
    pub file: PathBuf,
    /// Ours; made if there is none.
    pub database: Database,
    /// Under which name the router is polled.
    pub router: String,
    /// Of the old host.
    pub zone: TimeZone,
    /// By the clock of this host.
    pub now: Millis,
    /// Rows from before it are going to be deleted.
    pub kept_since: Millis,
}

/// Imports all of it.
///
/// # Errors
/// The old file cannot be used, or ours cannot be written. What was stored stays.
pub async fn run<W: Write>(
    import: &Import,
    progress: &mut Progress<W>,
) -> Result<Tally, LegacyError> {
    let mut work = Work::open(import).await?;
    let about = work.about()?;
    // That nobody sees the progress any more is no reason to stop.
    while work.step().await? {
        // The total is a guess, and rows may be added meanwhile.
        let done = work.tally().read();
        let percent = (done * 100).checked_div(about.max(done)).unwrap_or(100);
        let line = || format!("{done} of about {} rows ({percent} %)", about.max(done));
        progress.tell(clock::monotonic(), line).unwrap_or_default();
        sleep(TURN).await;
    }
    while work.add_up().await? {
        let hours = work.tally().added_up;
        let line = || format!("all rows are read; {hours} hours added up");
        progress.tell(clock::monotonic(), line).unwrap_or_default();
        sleep(LONG_TURN).await;
    }
    let tally = work.finish().await?;
    progress.end().unwrap_or_default();
    Ok(tally)
}
