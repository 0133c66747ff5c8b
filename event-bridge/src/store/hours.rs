//! SQL of hours: which of them are due to be added up.

use rusqlite::{Connection, Result, params};

use super::records::RouterId;
use crate::history::hour::HOUR;
use crate::record::Millis;

/// Hours that one change may touch; an outage longer than a year is in no table of hours.
const MOST: i64 = 24 * 366;

/// What is stored of this time has changed.
pub(super) fn mark(connection: &Connection, router: RouterId, at: Millis) -> Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO hours_due (router, hour) VALUES (?1, ?2)")?
        .execute(params![router.0, at.div_euclid(HOUR)])?;
    Ok(())
}

/// What is stored of all the time from one to the other has changed.
pub(super) fn mark_all(
    connection: &Connection,
    router: RouterId,
    from: Millis,
    until: Millis,
) -> Result<()> {
    let last = until.div_euclid(HOUR);
    let first = from.div_euclid(HOUR).max(last.saturating_sub(MOST));
    (first..=last).try_for_each(|hour| mark(connection, router, hour.saturating_mul(HOUR)))
}
