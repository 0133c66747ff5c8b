//! The words in which the engines differ. Pure: text in, text out.
//!
//! Statements keep to what all have in common. What is left:
//!
//! | written (SQLite) | PostgreSQL | MySQL, MariaDB |
//! |---|---|---|
//! | `?1` | `$1` | `?`, each in its turn |
//! | `CROSS JOIN … ON`: in this order | `JOIN` | `STRAIGHT_JOIN` |
//! | `AS BIGINT` | the same | `AS SIGNED` |
//! | `ON CONFLICT (a) DO NOTHING` | the same | `ON DUPLICATE KEY UPDATE a = a` |
//! | `ON CONFLICT (a) DO UPDATE SET b = excluded.b` | the same | `ON DUPLICATE KEY UPDATE b = VALUES(b)` |

use std::sync::Arc;

/// A statement as one engine wants it.
pub(super) struct Statement {
    pub(super) text: Arc<str>,
    /// Which parameter each place takes, from 0.
    pub(super) order: Vec<usize>,
}

pub(super) fn postgres(sql: &str) -> Statement {
    let joined = sql.replace("CROSS JOIN", "JOIN");
    let mut most = 0;
    let text = each_parameter(&joined, |number| {
        most = most.max(number);
        format!("${number}")
    });
    Statement { text: text.into(), order: (0..most).collect() }
}

pub(super) fn mysql(sql: &str) -> Statement {
    let joined = sql.replace("CROSS JOIN", "STRAIGHT_JOIN").replace("AS BIGINT", "AS SIGNED");
    let upserted = on_duplicate_key(&joined);
    let mut order = Vec::new();
    let text = each_parameter(&upserted, |number| {
        order.push(number.saturating_sub(1));
        "?".to_owned()
    });
    Statement { text: text.into(), order }
}

/// No text within our statements has a question mark.
fn each_parameter(sql: &str, mut name: impl FnMut(usize) -> String) -> String {
    let mut parts = sql.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = part[..part.len() - rest.len()].parse().unwrap_or(0);
        text.push_str(&name(number));
        text.push_str(rest);
    }
    text
}

fn on_duplicate_key(sql: &str) -> String {
    let Some((insert, conflict)) = sql.split_once("ON CONFLICT (") else {
        return sql.to_owned();
    };
    let changes = match conflict.split_once("DO UPDATE SET") {
        Some((_, changes)) => excluded(changes),
        // `INSERT IGNORE` would ignore all other faults as well.
        None => {
            let first = conflict.split([',', ')']).next().unwrap_or_default();
            format!(" {first} = {first}")
        }
    };
    format!("{insert}ON DUPLICATE KEY UPDATE{changes}")
}

/// `excluded.b` is `VALUES(b)`.
fn excluded(changes: &str) -> String {
    let mut parts = changes.split("excluded.");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        text.push_str(&format!("VALUES({}){rest}", &part[..part.len() - rest.len()]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named_as_each_engine_does() {
        let sql = "SELECT a FROM b WHERE c = ?2 AND (?1 IS NULL OR d = ?1) LIMIT ?10";
        let to = postgres(sql);
        assert_eq!(&*to.text, "SELECT a FROM b WHERE c = $2 AND ($1 IS NULL OR d = $1) LIMIT $10");
        assert_eq!(to.order, (0..10).collect::<Vec<_>>());
        let to = mysql(sql);
        assert_eq!(&*to.text, "SELECT a FROM b WHERE c = ? AND (? IS NULL OR d = ?) LIMIT ?");
        assert_eq!(to.order, [1, 0, 0, 9]);
    }

    #[test]
    fn rows_that_are_there_are_met_as_each_engine_does() {
        let sql = "INSERT INTO t (a, b) VALUES (?1, ?2) ON CONFLICT (a, b) DO NOTHING";
        assert_eq!(
            &*mysql(sql).text,
            "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = a"
        );
        let sql = "INSERT INTO t (a, b, c) VALUES (?1, ?2, 0)
             ON CONFLICT (a) DO UPDATE SET b = excluded.b,
             c = CASE WHEN t.b > excluded.b THEN excluded.c ELSE t.c END";
        assert_eq!(
            &*mysql(sql).text,
            "INSERT INTO t (a, b, c) VALUES (?, ?, 0)
             ON DUPLICATE KEY UPDATE b = VALUES(b),
             c = CASE WHEN t.b > VALUES(b) THEN VALUES(c) ELSE t.c END"
        );
        assert!(postgres(sql).text.ends_with("THEN excluded.c ELSE t.c END"));
    }

    #[test]
    fn the_order_of_a_join_is_kept_where_it_can_be() {
        let sql = "SELECT CAST(sum(b.c) AS BIGINT) FROM a CROSS JOIN b ON b.a = a.id";
        assert_eq!(
            &*postgres(sql).text,
            "SELECT CAST(sum(b.c) AS BIGINT) FROM a JOIN b ON b.a = a.id"
        );
        assert_eq!(
            &*mysql(sql).text,
            "SELECT CAST(sum(b.c) AS SIGNED) FROM a STRAIGHT_JOIN b ON b.a = a.id"
        );
    }
}
