//! `/`: the state of every router, and links; relative ones, since a proxy may put all of this
//! below a path of its own.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Views;
use super::records::wan_state;
use crate::clock;
use crate::routers::watched::Watched;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:44rem;\
    padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;\
    padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8884}.up{color:#187a2f}\
    .down{color:#b3261e;font-weight:bold}@media(prefers-color-scheme:dark){body{background:#111;\
    color:#ddd}a{color:#8ab4f8}.up{color:#6fcf7f}.down{color:#ff8a80}}";

/// What a person reads; the rest is in `/metrics`.
const SHOWN_ROUTERS: usize = 200;

pub(super) async fn show(State(views): State<Arc<Views>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, page(&views)).into_response()
}

fn page(views: &Views) -> String {
    let list = views.routers.list();
    let all = list.all();
    let mut rows = String::new();
    for watched in all.iter().take(SHOWN_ROUTERS) {
        row(&mut rows, watched, views);
    }
    if all.len() > SHOWN_ROUTERS {
        // Writing to a String cannot fail.
        write!(rows, "<tr><td colspan=3>and {} more", all.len() - SHOWN_ROUTERS).ok();
    }
    let store = match views.store.health().writable {
        Ok(()) => "<span class=up>everything is stored</span>".to_owned(),
        Err(reason) => {
            format!("<span class=down>nothing can be stored: {}</span>", escaped(&reason))
        }
    };
    let list_problem = views.routers.problem().map_or(String::new(), |problem| {
        format!("<p class=down>the list of routers was not taken over: {}", escaped(&problem))
    });
    let grafana = views
        .config
        .grafana_url
        .as_deref()
        .map_or(String::new(), |url| format!("<a href=\"{}\">Grafana</a> · ", escaped(url)));
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>netmonitor bridge</title><style>{STYLE}</style><h1>netmonitor bridge</h1>\
         <p>{store}{list_problem}<table><tr><th>Router<th>WAN<th>Last sample{rows}</table>\
         <p>{grafana}<a href=api/history>history</a> · <a href=api/events>events</a> · \
         <a href=api/stats/summary>summary</a> · <a href=metrics>metrics</a>\
         <p>Version {} ({})</html>",
        env!("CARGO_PKG_VERSION"),
        crate::REVISION,
    )
}

fn row(rows: &mut String, watched: &Watched, views: &Views) {
    let state = watched.state();
    let wan = state.wan_state.map_or("unknown", wan_state);
    let last = match (state.last_success, state.failure) {
        (_, Some(failure)) => escaped(&failure),
        (Some(at), None) => clock::iso(at, &views.zone),
        (None, None) => "not yet".to_owned(),
    };
    // Writing to a String cannot fail.
    write!(rows, "<tr><td>{}<td class={wan}>{wan}<td>{last}", escaped(&watched.router.name)).ok();
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}
