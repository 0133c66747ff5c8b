//! The tables, for what is done with all of them alike: copied and counted.

/// A table of ours.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// So many of the columns, the first ones, tell its rows apart.
    pub(super) key: usize,
    pub(super) columns: &'static [Column],
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn table(name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, key, columns }
}

/// All but `facts` and `slices`, whose rows are a database's own; each after those that it refers to.
pub(super) const TABLES: &[Table] = &[
    table("routers", 1, &[int("id"), text("name")]),
    table("targets", 1, &[int("id"), int("router"), text("name")]),
    table("streams", 1, &[int("id"), int("router"), text("name")]),
    table("cursors", 1, &[int("router"), int("stream"), int("after"), int("revision")]),
    table(
        "samples",
        1,
        &[
            int("id"),
            int("router"),
            int("at"),
            int("wan_state"),
            int("rx_errors"),
            int("tx_errors"),
            int("rx_dropped"),
            int("tx_dropped"),
            int("optical_rx"),
            int("optical_tx"),
            int("cpu_temp"),
            int("pppoe_reconnects_24h"),
            int("wan_downs_24h"),
        ],
    ),
    table(
        "pings",
        2,
        &[int("sample"), int("target"), int("rtt"), int("loss"), int("sent"), int("lost")],
    ),
    table(
        "events",
        1,
        &[
            int("id"),
            int("router"),
            int("stream"),
            int("seq"),
            int("revision"),
            int("at"),
            int("received"),
            text("kind"),
            text("message"),
            text("detail"),
            text("told"),
        ],
    ),
    table("gaps", 2, &[int("router"), int("start"), int("until")]),
    table(
        "hours",
        2,
        &[
            int("router"),
            int("hour"),
            int("samples"),
            int("samples_up"),
            int("observed"),
            int("outage"),
            int("loss_sum"),
            int("loss_count"),
            int("cpu_sum"),
            int("cpu_count"),
            int("cpu_max"),
            int("optical_rx_sum"),
            int("optical_rx_count"),
            int("optical_rx_min"),
            int("optical_tx_sum"),
            int("optical_tx_count"),
            int("rx_errors"),
            int("tx_errors"),
            int("rx_dropped"),
            int("tx_dropped"),
            int("pppoe_events"),
            int("wan_events"),
            int("pppoe_ups"),
            int("wan_downs"),
        ],
    ),
    table(
        "hour_pings",
        2,
        &[
            int("target"),
            int("hour"),
            int("rtt_sum"),
            int("rtt_count"),
            int("rtt_min"),
            int("rtt_max"),
            int("rtt_p95"),
            int("loss_sum"),
            int("loss_count"),
            int("sent"),
            int("lost"),
        ],
    ),
    table("hours_due", 2, &[int("hour"), int("router")]),
    table(
        "drops",
        1,
        &[
            int("id"),
            int("router"),
            text("name"),
            int("stream"),
            int("start"),
            int("is_told"),
            int("until"),
            text("cause"),
            text("side"),
            text("evidence"),
        ],
    ),
    table("boots", 3, &[int("router"), int("stream"), int("seq"), int("at")]),
    table(
        "alerts",
        1,
        &[
            int("id"),
            text("fingerprint"),
            text("status"),
            int("starts_at"),
            int("ends_at"),
            int("received"),
            text("name"),
            text("router"),
            text("labels"),
            text("annotations"),
        ],
    ),
];

impl Table {
    /// Has the engine given its rows their numbers?
    pub(super) fn is_numbered(&self) -> bool {
        self.columns.first().is_some_and(|column| column.name == "id")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::schema;
    use super::*;

    #[test]
    fn they_are_those_of_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let file = schema::open_to_write(&folder.path().join("netmonitor.db")).unwrap();
        let mut statement = file
            .prepare(
                "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t,
                 pragma_table_info(t.name) AS c
                 WHERE t.type = 'table' AND t.name NOT IN ('facts', 'sqlite_sequence')",
            )
            .unwrap();
        let found = statement.query_map([], |row| {
            let kind = if row.get::<_, String>(2)? == "TEXT" { Kind::Text } else { Kind::Int };
            Ok(((row.get(0)?, row.get(1)?), (kind == Kind::Text, row.get::<_, i64>(3)?)))
        });
        let found: BTreeMap<(String, String), _> = found.unwrap().map(Result::unwrap).collect();
        let listed = TABLES.iter().flat_map(|table| {
            table.columns.iter().zip(1..).map(|(column, place)| {
                let name = (table.name.to_owned(), column.name.to_owned());
                let key = if place <= table.key as i64 { place } else { 0 };
                (name, (column.kind == Kind::Text, key))
            })
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), found);
    }
}
