//! Where a reader of `/net/events` stands, and what it wants. Pure; `docs/http.md` has the
//! contract.

use std::time::Duration;

const LONGEST_WAIT: Duration = Duration::from_secs(60);
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cursor {
    pub(super) stream: Option<String>,
    pub(super) after: u64,
    pub(super) revision: Option<u64>,
    pub(super) limit: usize,
    pub(super) wait: Duration,
}

impl Cursor {
    /// From the query of a request; the error is for its sender.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut cursor =
            Self { stream: None, after: 0, revision: None, limit: MAX_LIMIT, wait: Duration::ZERO };
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let number = || value.parse::<u64>().map_err(|_| format!("{name}: expected a number"));
            match name {
                "stream" => cursor.stream = Some(value.to_owned()).filter(|name| !name.is_empty()),
                "after" => cursor.after = number()?,
                "revision" => cursor.revision = Some(number()?),
                "limit" => {
                    let limit = usize::try_from(number()?).unwrap_or(MAX_LIMIT);
                    cursor.limit = limit.clamp(1, MAX_LIMIT);
                }
                "wait" => {
                    let seconds = value.parse().ok();
                    let wait = seconds.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
                    cursor.wait =
                        wait.ok_or("wait: expected seconds, at most 60")?.min(LONGEST_WAIT);
                }
                _ => {}
            }
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read() {
        let cursor = Cursor::parse("stream=ab&after=41&revision=3&limit=5&wait=2.5&x=y").unwrap();
        let wait = Duration::from_millis(2500);
        let stream = Some("ab".to_owned());
        assert_eq!(cursor, Cursor { stream, after: 41, revision: Some(3), limit: 5, wait });
        assert_eq!(Cursor::parse("wait=1e9").unwrap().wait, LONGEST_WAIT);
        assert_eq!(Cursor::parse("limit=0").unwrap().limit, 1);
        assert_eq!(Cursor::parse("limit=99999").unwrap().limit, MAX_LIMIT);
        assert_eq!(Cursor::parse("stream=").unwrap().stream, None);
        for bad in ["after=x", "after=-1", "wait=-1", "wait=soon", "limit=", "wait=NaN"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
