//! What Alertmanager posts: its webhook, version 4. Unknown fields are ignored, as later
//! versions add some. Pure.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::store::{Alert, AlertStatus};

/// The version of the format, which has not changed since 2017.
const VERSION: &str = "4";
/// Alertmanager's are 16 digits.
const LONGEST_FINGERPRINT: usize = 128;

/// As Alertmanager's `webhook_configs` sends it; further fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Webhook {
    /// `4`.
    #[schema(pattern = "^4$")]
    version: String,
    /// May be empty.
    alerts: Vec<Posted>,
}

/// One alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Posted {
    status: PostedStatus,
    /// Strings; `alertname` is its name, `router` the router's.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: Map<String, Value>,
    /// Strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    annotations: Map<String, Value>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    starts_at: String,
    /// RFC 3339; of the year 1: not known.
    #[serde(default)]
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// Of the labels.
    #[schema(min_length = 1, max_length = 128)]
    fingerprint: String,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PostedStatus {
    Firing,
    Resolved,
}

/// The alerts of a body.
///
/// # Errors
/// What is wrong with it, for whoever set up the sender.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Alert>, String> {
    let webhook: Webhook = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if webhook.version != VERSION {
        let found: String = webhook.version.chars().take(20).collect();
        return Err(format!("version: expected \"{VERSION}\", found \"{found}\""));
    }
    let alerts = webhook.alerts.into_iter().enumerate();
    alerts.map(|(at, posted)| alert(posted).map_err(|why| format!("alerts[{at}].{why}"))).collect()
}

fn alert(posted: Posted) -> Result<Alert, String> {
    if posted.fingerprint.is_empty() || posted.fingerprint.len() > LONGEST_FINGERPRINT {
        return Err(format!("fingerprint: expected 1 to {LONGEST_FINGERPRINT} characters"));
    }
    for (field, words) in [("labels", &posted.labels), ("annotations", &posted.annotations)] {
        if let Some((name, _)) = words.iter().find(|(_, value)| !value.is_string()) {
            return Err(format!("{field}.{name}: expected a string"));
        }
    }
    let ends_at = posted.ends_at.as_deref().filter(|text| !text.is_empty());
    let ends_at = ends_at.map(|text| time("endsAt", text)).transpose()?;
    Ok(Alert {
        status: match posted.status {
            PostedStatus::Firing => AlertStatus::Firing,
            PostedStatus::Resolved => AlertStatus::Resolved,
        },
        starts_at: time("startsAt", &posted.starts_at)?.as_millisecond(),
        // Go's zero: no time was given.
        ends_at: ends_at.map(Timestamp::as_millisecond).filter(|at| *at > 0),
        name: posted.labels.get("alertname").and_then(Value::as_str).unwrap_or_default().to_owned(),
        fingerprint: posted.fingerprint,
        labels: posted.labels,
        annotations: posted.annotations,
    })
}

fn time(field: &str, text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("{field}: expected a time as of RFC 3339"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told() -> Value {
        json!({
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "notification_reason": "new",
            "alerts": [{
                "status": "firing", "fingerprint": "c4ab8a1b6f6f2b5e",
                "labels": { "alertname": "WanDown", "router": "home" },
                "annotations": { "summary": "…" },
                "startsAt": "2025-02-12T02:34:00.123456789Z", "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus/graph",
            }],
        })
    }

    #[test]
    fn what_alertmanager_sends_is_read() {
        let alerts = parse(told().to_string().as_bytes()).unwrap();
        assert_eq!(alerts[0].name, "WanDown");
        assert_eq!((alerts[0].starts_at, alerts[0].ends_at), (1_739_327_640_123, None));
        assert_eq!(alerts[0].labels["router"], "home");
    }

    #[test]
    fn what_is_needed_and_missing_is_named() {
        let check = |change: fn(&mut Value), expected: &str| {
            let mut body = told();
            change(&mut body);
            let reason = parse(body.to_string().as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{expected}: {reason}");
        };
        check(|body| body["version"] = "3".into(), "version: expected \"4\"");
        check(|body| *body = json!({ "version": "4" }), "`alerts`");
        check(|body| *body = json!([]), "invalid");
        check(|body| body["alerts"][0]["status"] = "odd".into(), "odd");
        check(|body| body["alerts"][0]["startsAt"] = "now".into(), "alerts[0].startsAt");
        check(|body| body["alerts"][0]["endsAt"] = "x".into(), "alerts[0].endsAt");
        check(|body| body["alerts"][0]["labels"]["x"] = 1.into(), "alerts[0].labels.x");
        check(|body| body["alerts"][0]["fingerprint"] = "".into(), "alerts[0].fingerprint");
        for field in ["status", "labels", "startsAt", "fingerprint"] {
            let mut body = told();
            body["alerts"][0].as_object_mut().unwrap().remove(field);
            let reason = parse(body.to_string().as_bytes()).unwrap_err();
            assert!(reason.contains(field), "{field}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes).ok();
        }
    }
}
