//! `/metrics`, in the format that the client prefers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::failure;
use crate::exporter::Views;
use crate::scrape::Format;

pub(super) async fn show(State(views): State<Arc<Views>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = negotiate(accept);
    let kind = match format {
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Format::Text => "text/plain; version=0.0.4; charset=utf-8",
    };
    match views.scrape.text(format) {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written"),
    }
}

/// OpenMetrics for who asks for it at least as much as for plain text; who asks for
/// neither, or for anything, gets the older format, which every tool reads.
fn negotiate<'a>(accept: impl Iterator<Item = &'a str>) -> Format {
    let (mut open_metrics, mut text) = (0.0, 0.0_f64);
    for range in accept.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f64>().unwrap_or(0.0));
        if kind.eq_ignore_ascii_case("application/openmetrics-text") {
            open_metrics = quality.max(open_metrics);
        } else if kind.eq_ignore_ascii_case("text/plain") {
            text = quality.max(text);
        }
    }
    if open_metrics > 0.0 && open_metrics >= text { Format::OpenMetrics } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(accept: &str, expected: Format) {
        assert_eq!(negotiate([accept].into_iter()), expected, "{accept}");
    }

    #[test]
    fn each_client_gets_what_it_prefers() {
        // Prometheus 2.42, then 3.x.
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2",
            Format::OpenMetrics,
        );
        check("*/*", Format::Text);
        check("text/plain", Format::Text);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text);
        check("application/openmetrics-text;q=0.2, text/plain;q=0.9", Format::Text);
        check("application/openmetrics-text;q=0", Format::Text);
        check("application/openmetrics-text;q=x", Format::Text);
        assert_eq!(negotiate([].into_iter()), Format::Text);
    }

    proptest! {
        #[test]
        fn any_header_gets_an_answer(accept in "[ -~]{0,80}") {
            negotiate([accept.as_str()].into_iter());
        }
    }
}
