//! What a fuzzer calls with what `/api/v1` is asked and told.

use axum::http::HeaderMap;

use super::ask::Ask;
use super::time::Utc;
use super::{cursor, time};
use crate::api::parameters::Parameters;
use crate::record::Millis;
use crate::store::{Alert, Key};

/// Lists whose cursors are told apart.
const LISTS: [&str; 3] = ["events", "pings", "alerts"];

/// What Alertmanager posts.
///
/// # Panics
/// When an alert is out of bounds, or is not the same when it is told again.
pub fn webhook(bytes: &[u8]) {
    let Ok(alerts) = super::webhook::parse(bytes) else { return };
    for alert in &alerts {
        assert!((1..=128).contains(&alert.fingerprint.len()), "{alert:?}");
        assert!(alert.ends_at.is_none_or(|at| at > 0), "{alert:?}");
        for words in [&alert.labels, &alert.annotations] {
            assert!(words.values().all(serde_json::Value::is_string), "{alert:?}");
        }
        for at in [alert.starts_at].into_iter().chain(alert.ends_at) {
            assert!(Utc(at).to_string().ends_with('Z'), "{alert:?}");
        }
    }
    if let Some(told) = told(&alerts) {
        assert_eq!(super::webhook::parse(told.as_bytes()), Ok(alerts));
    }
}

/// As Alertmanager would write it, to the millisecond; `None`: there is a time of the last
/// second that can be written, whose milliseconds are refused.
fn told(alerts: &[Alert]) -> Option<String> {
    let alerts: Option<Vec<serde_json::Value>> = alerts
        .iter()
        .map(|alert| {
            let status = match alert.status {
                crate::store::AlertStatus::Firing => "firing",
                crate::store::AlertStatus::Resolved => "resolved",
            };
            let at = |at| Some(jiff::Timestamp::from_millisecond(at).ok()?.to_string());
            let ends_at = match alert.ends_at {
                Some(ends_at) => Some(at(ends_at)?),
                None => None,
            };
            Some(serde_json::json!({
                "status": status, "labels": alert.labels, "annotations": alert.annotations,
                "startsAt": at(alert.starts_at)?, "endsAt": ends_at,
                "fingerprint": alert.fingerprint,
            }))
        })
        .collect();
    Some(serde_json::json!({ "version": "4", "alerts": alerts? }).to_string())
}

/// What every list may be asked.
pub(in crate::api) fn asked(parameters: Parameters, headers: &HeaderMap, now: Millis) {
    let Ok(ask) = Ask::of(parameters, headers, now) else { return };
    if let Ok(Some(limit)) = ask.limit() {
        assert!((1..=1000).contains(&limit), "{limit}");
    }
    for list in LISTS {
        let Ok(query) = ask.rows(list) else { continue };
        assert!(query.from <= query.until, "{query:?}");
        if let Some(key) = query.before {
            let Key { at, id } = key;
            assert_eq!(cursor::read(list, &cursor::write(list, Key { at, id })), Some(key));
            let is_others = |other: &str| {
                ask.text("cursor")
                    .is_ok_and(|text| cursor::read(other, text.unwrap_or("")).is_some())
            };
            assert!(LISTS.iter().all(|other| *other == list || !is_others(other)));
        }
    }
    for name in ["from", "to", "cursor"] {
        let Ok(Some(text)) = ask.text(name) else { continue };
        if let Some(name) = cursor::read_name("routers", text) {
            let again = cursor::read_name("routers", &cursor::write_name("routers", &name));
            assert_eq!(again.as_deref(), Some(name.as_str()));
        }
        if let Some(at) = time::parse(text, now) {
            let written = Utc(at).to_string();
            let is_writable = at >= time::FIRST;
            assert!(!is_writable || time::parse(&written, now) == Some(at), "{text}: {written}");
        }
    }
}
