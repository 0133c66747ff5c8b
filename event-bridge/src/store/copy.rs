//! One database into another of any engine, table by table in the order of their keys. Whoever
//! ends it early begins it again with the same words: it goes on behind the last row.

use super::database::Database;
use super::error::StoreError;
use super::facts;
use super::health::Shared;
use super::open;
use super::slices;
use super::sql::{Connection, Result as SqlResult, Row, Value};
use super::tables::{Kind, TABLES, Table};
use crate::record::Millis;

/// Rows read at once, and in one transaction of the target.
const PAGE: usize = 2000;

/// Rows in one statement: of the widest table far fewer values than any engine takes.
const ROWS_AT_ONCE: usize = 100;

/// Says in the target that it is not complete, and of which state of the source it is.
const COPYING: &str = "copying";

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which table is copied now.
    pub table: &'static str,
    /// Rows of it in the target.
    pub rows: u64,
    /// Rows of it in the source.
    pub of: u64,
}

/// What a copy has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// In all tables.
    pub rows: u64,
}

/// A value as it is between the engines.
enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
}

impl<'a> From<&'a Cell> for Value<'a> {
    fn from(cell: &'a Cell) -> Self {
        match cell {
            Cell::Int(number) => Self::Int(*number),
            Cell::Text(text) => Self::Text(text.as_deref()),
        }
    }
}

/// Copies all that is in `from` into `to`, which is empty or from an attempt before. Nobody can
/// write to the source meanwhile: routers keep their events so long.
///
/// # Errors
/// Either cannot be opened or used; the target has something else in it; the source was written
/// since the attempt before. What has been copied stays for the next attempt.
pub fn copy(
    from: &Database,
    to: &Database,
    now: Millis,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Copied, StoreError> {
    // Connections to servers wait in a runtime of their own, which no other one allows.
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let (from, to) = (Shared::new(from.clone(), now), Shared::new(to.clone(), now));
            Copy::open(&from, &to)?.run(&mut progress)
        });
        copying.join().unwrap_or_else(|_| Err(StoreError::Closed { database: to.clone() }))
    })
}

/// Is there a copy into it that was never finished?
pub(super) fn is_unfinished(connection: &Connection) -> SqlResult<bool> {
    Ok(facts::select(connection, COPYING)?.is_some())
}

struct Copy<'a> {
    source: Connection,
    from: &'a Database,
    target: Connection,
    to: &'a Database,
}

impl<'a> Copy<'a> {
    fn open(from: &'a Shared, to: &'a Shared) -> Result<Self, StoreError> {
        let source = open::existing(from)?;
        let target = open::to_write(to)?;
        source.take_time().map_err(StoreError::by(&from.database))?;
        target.take_time().map_err(StoreError::by(&to.database))?;
        Ok(Self { source, from: &from.database, target, to: &to.database })
    }

    fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<Copied, StoreError> {
        let (read, written) = (StoreError::by(self.from), StoreError::by(self.to));
        if is_unfinished(&self.source).map_err(&read)? {
            return Err(StoreError::Unfinished { database: self.from.clone() });
        }
        self.source.begin().map_err(&read)?;
        let state = state(&self.source).map_err(&read)?;
        // Nobody writes between the look and the mark.
        self.target.begin().map_err(&written)?;
        match facts::select(&self.target, COPYING).map_err(&written)? {
            Some(begun) if begun == state => {}
            Some(_) => return Err(StoreError::Changed { database: self.from.clone() }),
            None if self.has_rows().map_err(&written)? => {
                return Err(StoreError::NotEmpty { database: self.to.clone() });
            }
            None => facts::put(&self.target, COPYING, state).map_err(&written)?,
        }
        self.target.commit().map_err(&written)?;
        let mut copied = Copied::default();
        for table in TABLES {
            copied.rows += self.table(table, progress)?;
        }
        for fact in [facts::ROWS_SINCE, facts::CLEANED] {
            if let Some(value) = facts::select(&self.source, fact).map_err(&read)? {
                facts::put(&self.target, fact, value).map_err(&written)?;
            }
        }
        self.target.number_on(TABLES).map_err(&written)?;
        slices::rebuild(&self.target).map_err(&written)?;
        facts::delete(&self.target, COPYING).map_err(&written)?;
        self.source.roll_back().map_err(&read)?;
        Ok(copied)
    }

    /// Anything but what every database has from the first?
    fn has_rows(&self) -> SqlResult<bool> {
        for table in TABLES {
            let own = u64::from(table.name == "routers");
            if count(&self.target, table)? > own {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives how many rows the table has now.
    fn table(
        &self,
        table: &'static Table,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64, StoreError> {
        let (read, written) = (StoreError::by(self.from), StoreError::by(self.to));
        let of = count(&self.source, table).map_err(&read)?;
        let mut rows = count(&self.target, table).map_err(&written)?;
        let mut last = last_key(&self.target, table).map_err(&written)?;
        progress(Progress { table: table.name, rows, of });
        loop {
            let page = self.page(table, last.as_deref()).map_err(&read)?;
            let Some(end) = page.last() else { break };
            last = Some(end.iter().take(table.key).map(number).collect());
            self.store(table, &page).map_err(&written)?;
            rows += page.len() as u64;
            progress(Progress { table: table.name, rows, of });
        }
        // Whatever has happened before: no row is missing.
        if rows == of { Ok(rows) } else { Err(StoreError::Changed { database: self.from.clone() }) }
    }

    /// The next rows after a key.
    fn page(&self, table: &Table, after: Option<&[i64]>) -> SqlResult<Vec<Vec<Cell>>> {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let keys = names[..table.key].join(", ");
        let beyond = after.map(|_| format!("WHERE {}", beyond(&names[..table.key], 1)));
        let sql = format!(
            "SELECT {} FROM {} {} ORDER BY {keys} LIMIT {PAGE}",
            names.join(", "),
            table.name,
            beyond.unwrap_or_default(),
        );
        let values: Vec<Value<'_>> =
            after.unwrap_or_default().iter().map(|key| Value::from(*key)).collect();
        self.source.query(&sql, &values, |row| {
            let columns = table.columns.iter().enumerate();
            columns.map(|(index, column)| cell(row, index, column.kind)).collect()
        })
    }

    /// All are behind the last that is there.
    fn store(&self, table: &Table, page: &[Vec<Cell>]) -> SqlResult<()> {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        self.target.begin()?;
        for rows in page.chunks(ROWS_AT_ONCE) {
            let row = |first: usize| {
                let places: Vec<String> =
                    (1..=names.len()).map(|place| format!("?{}", first + place)).collect();
                format!("({})", places.join(", "))
            };
            let places: Vec<String> = (0..rows.len()).map(|at| row(at * names.len())).collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES {}",
                table.name,
                names.join(", "),
                places.join(", "),
            );
            let values: Vec<Value<'_>> = rows.iter().flatten().map(Value::from).collect();
            self.target.execute(&sql, &values)?;
        }
        self.target.commit()
    }
}

/// `a >= ?1 AND (a > ?1 OR b > ?2)`: every engine finds the place by the index of the key.
fn beyond(keys: &[&str], place: usize) -> String {
    match keys {
        [] => "FALSE".to_owned(),
        [key] => format!("{key} > ?{place}"),
        [key, rest @ ..] => format!(
            "{key} >= ?{place} AND ({key} > ?{place} OR {key} = ?{place} AND {})",
            beyond(rest, place + 1)
        ),
    }
}

fn cell(row: &Row<'_>, index: usize, kind: Kind) -> SqlResult<Cell> {
    Ok(match kind {
        Kind::Int => Cell::Int(row.get(index)?),
        Kind::Text => Cell::Text(row.get(index)?),
    })
}

/// Keys are numbers.
fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Int(number) => number.unwrap_or(i64::MIN),
        Cell::Text(_) => i64::MIN,
    }
}

pub(super) fn count(connection: &Connection, table: &Table) -> SqlResult<u64> {
    let sql = format!("SELECT count(*) FROM {}", table.name);
    connection.query_one(&sql, &[], |row| row.get(0)).map(super::samples::unsigned)
}

/// Of the row that was stored last.
fn last_key(connection: &Connection, table: &Table) -> SqlResult<Option<Vec<i64>>> {
    let names: Vec<&str> = table.columns[..table.key].iter().map(|column| column.name).collect();
    let order: Vec<String> = names.iter().map(|name| format!("{name} DESC")).collect();
    let (keys, order) = (names.join(", "), order.join(", "));
    let sql = format!("SELECT {keys} FROM {} ORDER BY {order} LIMIT 1", table.name);
    connection.query_optional(&sql, &[], |row| (0..table.key).map(|at| row.get(at)).collect())
}

/// A number that is another when anything was written: in each way in which it can be.
fn state(connection: &Connection) -> SqlResult<i64> {
    const TELLING: [&str; 10] = [
        "SELECT max(id) FROM samples",
        "SELECT max(id) FROM events",
        "SELECT max(id) FROM alerts",
        "SELECT max(id) FROM drops",
        "SELECT CAST(sum(revision) AS BIGINT) FROM events",
        "SELECT CAST(sum(coalesce(until - start, -1)) AS BIGINT) FROM drops",
        "SELECT CAST(sum(until - start) AS BIGINT) FROM gaps",
        "SELECT count(*) FROM hours",
        "SELECT CAST(sum(samples + observed) AS BIGINT) FROM hours",
        "SELECT CAST(sum(hour) AS BIGINT) FROM hours_due",
    ];
    TELLING.iter().try_fold(0_i64, |state, sql| {
        let number: Option<i64> = connection.query_one(sql, &[], |row| row.get(0))?;
        // So that two that change against each other do not cancel out.
        Ok(state.wrapping_mul(1_000_003).wrapping_add(number.unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_after_a_key_of_several_columns() {
        assert_eq!(beyond(&["id"], 1), "id > ?1");
        assert_eq!(
            beyond(&["a", "b", "c"], 1),
            "a >= ?1 AND (a > ?1 OR a = ?1 AND b >= ?2 AND (b > ?2 OR b = ?2 AND c > ?3))"
        );
    }
}
