//! What goes into a statement and comes out of its rows: whole numbers and texts.

use rusqlite::types::{ToSqlOutput, ValueRef};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, TypeInfo, ValueRef as _};

use super::{Error, Result};

/// A parameter. Servers want to know of which kind it is, also when there is none.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Int(None) | Self::Text(None) => ValueRef::Null,
        }))
    }
}

/// The parameters of a statement, in the order of their numbers.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sql::Value::from($value)),*]
    };
}
pub(in crate::store) use params;

/// A row of an answer.
pub(in crate::store) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a PgRow),
    MySql(&'a MySqlRow),
}

impl Row<'_> {
    /// The column at `index`, from 0.
    pub(in crate::store) fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::of(self, index)
    }

    fn number(&self, index: usize) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => Ok(row.get(index)?),
            Self::MySql(row) => Ok(row.try_get_unchecked(index)?),
            Self::Postgres(row) => {
                // What is no column of ours has the type of its expression.
                let kind = row.try_get_raw(index)?.type_info().name().to_owned();
                Ok(match kind.as_str() {
                    "BOOL" => row.try_get::<Option<bool>, _>(index)?.map(i64::from),
                    "INT2" => row.try_get::<Option<i16>, _>(index)?.map(i64::from),
                    "INT4" => row.try_get::<Option<i32>, _>(index)?.map(i64::from),
                    _ => row.try_get(index)?,
                })
            }
        }
    }

    fn text(&self, index: usize) -> Result<Option<String>> {
        match self {
            Self::Sqlite(row) => Ok(row.get(index)?),
            Self::MySql(row) => Ok(row.try_get(index)?),
            Self::Postgres(row) => Ok(row.try_get(index)?),
        }
    }
}

/// What a column can be.
pub(in crate::store) trait Column: Sized {
    fn of(row: &Row<'_>, index: usize) -> Result<Self>;
}

impl Column for Option<i64> {
    fn of(row: &Row<'_>, index: usize) -> Result<Self> {
        row.number(index)
    }
}

impl Column for i64 {
    fn of(row: &Row<'_>, index: usize) -> Result<Self> {
        row.number(index)?.ok_or(Error::Null { column: index })
    }
}

impl Column for bool {
    fn of(row: &Row<'_>, index: usize) -> Result<Self> {
        row.get::<i64>(index).map(|number| number != 0)
    }
}

impl Column for Option<String> {
    fn of(row: &Row<'_>, index: usize) -> Result<Self> {
        row.text(index)
    }
}

impl Column for String {
    fn of(row: &Row<'_>, index: usize) -> Result<Self> {
        row.text(index)?.ok_or(Error::Null { column: index })
    }
}
