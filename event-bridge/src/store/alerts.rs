//! SQL of alerts: one row for each state of each alert, however often it is told.

use serde_json::{Map, Value};

use super::reader::{Select, Span};
use super::records::{Alert, AlertRecord, AlertStatus, Key, RouterId};
use super::sql::{Connection, Result, Row, params};
use crate::record::Millis;

/// Of all; the oldest give way. A line that is down ten times a day for ten years has fewer,
/// and without a token anybody may send them.
const MOST: i64 = 100_000;

/// What is asked of alerts besides their time.
pub(super) struct Filter {
    pub(super) router: Option<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<AlertStatus>,
}

fn word(status: AlertStatus) -> &'static str {
    match status {
        AlertStatus::Firing => "firing",
        AlertStatus::Resolved => "resolved",
    }
}

/// Gives how many were not known.
pub(super) fn insert_alerts(
    connection: &Connection,
    alerts: &[Alert],
    received: Millis,
) -> Result<u64> {
    let mut new = 0;
    for alert in alerts {
        // Looked up first: a server gives numbers to rows that it does not insert, too.
        let is_known = connection.exists(
            "SELECT 1 FROM alerts WHERE fingerprint = ?1 AND starts_at = ?2 AND status = ?3",
            params![&alert.fingerprint, alert.starts_at, word(alert.status)],
        )?;
        if is_known {
            continue;
        }
        let (labels, annotations) = (text(&alert.labels), text(&alert.annotations));
        new += connection.execute(
            "INSERT INTO alerts (fingerprint, status, starts_at, ends_at, received, name, router,
             labels, annotations) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                &alert.fingerprint,
                word(alert.status),
                alert.starts_at,
                alert.ends_at,
                received,
                &alert.name,
                alert.labels.get("router").and_then(Value::as_str),
                &labels,
                &annotations,
            ],
        )?;
    }
    if new > 0 {
        // Numbers are given in the order of arrival, and never again.
        connection.execute(
            "DELETE FROM alerts WHERE id <=
             (SELECT newest FROM (SELECT max(id) - ?1 AS newest FROM alerts) AS latest)",
            params![MOST],
        )?;
    }
    Ok(new)
}

fn text(words: &Map<String, Value>) -> String {
    serde_json::to_string(words).unwrap_or_default()
}

impl Select for AlertRecord {
    type Filter = Filter;

    fn select(connection: &Connection, span: &Span<'_>, filter: &Filter) -> Result<Vec<Self>> {
        let key = span.before.unwrap_or(Key { at: span.until, id: 0 });
        connection.query(
            "SELECT id, fingerprint, status, starts_at, ends_at, received, name, labels,
             annotations FROM alerts
             WHERE received >= ?1 AND received <= ?2 AND (received < ?2 OR id < ?3)
             AND (?4 IS NULL OR router = ?4) AND (?5 IS NULL OR name = ?5)
             AND (?6 IS NULL OR status = ?6)
             ORDER BY received DESC, id DESC LIMIT ?7 OFFSET ?8",
            params![
                span.from,
                key.at,
                key.id,
                filter.router.as_deref(),
                filter.name.as_deref(),
                filter.status.map(word),
                span.limit,
                span.offset
            ],
            alert_record,
        )
    }

    fn key(&self) -> Key {
        Key { at: self.received, id: self.id }
    }

    /// All of them are one: which router an alert is about is for its labels to say.
    fn select_sources(_: &Connection, _: Option<RouterId>) -> Result<Vec<(RouterId, String)>> {
        Ok(vec![(RouterId::BRIDGE, String::new())])
    }
}

fn alert_record(row: &Row<'_>) -> Result<AlertRecord> {
    let words = |column| -> Result<Map<String, Value>> {
        Ok(serde_json::from_str(&row.get::<String>(column)?).unwrap_or_default())
    };
    let is_firing = row.get::<String>(2)? == word(AlertStatus::Firing);
    Ok(AlertRecord {
        id: row.get(0)?,
        received: row.get(5)?,
        alert: Alert {
            fingerprint: row.get(1)?,
            status: if is_firing { AlertStatus::Firing } else { AlertStatus::Resolved },
            starts_at: row.get(3)?,
            ends_at: row.get(4)?,
            name: row.get(6)?,
            labels: words(7)?,
            annotations: words(8)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn the_oldest_alerts_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let file = schema::open_to_write(&folder.path().join("netmonitor.db")).unwrap();
        file.execute_batch("PRAGMA synchronous = OFF").unwrap();
        let connection = Connection::Sqlite(file);
        connection.begin().unwrap();
        let alerts: Vec<Alert> = (0..MOST + 5)
            .map(|starts_at| Alert {
                fingerprint: "f".to_owned(),
                status: AlertStatus::Firing,
                starts_at,
                ends_at: None,
                name: "WanDown".to_owned(),
                labels: Map::new(),
                annotations: Map::new(),
            })
            .collect();
        insert_alerts(&connection, &alerts, 0).unwrap();
        let sql = "SELECT count(*), min(starts_at) FROM alerts";
        let kept: (i64, i64) =
            connection.query_one(sql, &[], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(kept, (MOST, 5));
    }
}
