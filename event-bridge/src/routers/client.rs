//! Asks a router over HTTP: one request, one typed answer, never without an end.
//!
//! Called by the poller and by what fetches at once. Follows no redirect, uses no proxy,
//! decompresses nothing, speaks plain HTTP/1 only, and reads no more than an agent would
//! send. What the old shell agent sends (`HTTP/1.1 200 OK` with LF alone, no length, the
//! request not even read, the connection reset after the body) is an answer all the same.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue,
};
use reqwest::{RequestBuilder, Response, Url, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Router;
use super::events_answer::{EventsAnswer, parse_events};
pub use super::fetch_error::{FetchError, Problem};
use super::names::{NameNotFound, Names};
use super::status_answer::{NotAnAnswer, StatusAnswer, parse_status};
use crate::record::{Cursor, Millis};

/// Ours has some 30 kB with 200 events; with MAX_EVENTS 10000, and long details, some MB.
const MAX_STATUS_BYTES: usize = 8 << 20;
/// 1000 events of ours have some 200 kB; with long details four times as much.
const MAX_EVENTS_BYTES: usize = 4 << 20;
/// Ours has some 40 kB; this is a hundred targets with histograms.
const MAX_METRICS_BYTES: usize = 4 << 20;
/// A longer body is read by a thread of its own, and only so many at once: what many
/// routers send together has a bound, too.
const LARGE_BYTES: usize = 256 << 10;
const LARGE_AT_ONCE: usize = 16;
/// The exporter answers a longer wait after a minute anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Of the time to connect: a look-up that ends sooner is told from a router that is silent.
const LOOKUP_SHARE: f64 = 0.8;
/// The exporter closes an idle connection after 10 s: ours goes first, so that no request
/// is sent into a connection that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(5);
/// One for the long poll, which is busy, one for the status.
const POOL_PER_ROUTER: usize = 1;

/// How long is long enough.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Name and connection.
    pub connect: Duration,
    /// The whole answer, with the connection; of a long poll, beyond its wait.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        // Two lost first packets (1 s + 2 s); the shell agent pings for two seconds or more
        // before it answers, on a busy router for longer.
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(10) }
    }
}

/// Asks routers; one for the whole program.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    timeouts: Timeouts,
    clock: fn() -> Millis,
    large: Arc<Semaphore>,
}

/// What came of asking for events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventsFetch {
    /// The next part.
    Answer(EventsAnswer),
    /// An agent without `/net/events`: its events are those of its status.
    NotThere,
}

/// One request.
struct Question {
    url: Url,
    accept: HeaderValue,
    /// For all of it.
    total: Duration,
    max_bytes: usize,
}

/// As much of a body as came.
struct Body {
    /// As the router says.
    media_type: String,
    bytes: Vec<u8>,
    /// Why there is no more.
    broken: Option<String>,
    /// Among the large ones.
    place: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// With the wall clock, which tells when an answer arrived.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new(timeouts: Timeouts, clock: fn() -> Millis) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("netmonitor-bridge/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(Names::new(timeouts.connect.mul_f64(LOOKUP_SHARE)))
            .connect_timeout(timeouts.connect)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_PER_ROUTER)
            .build()?;
        Ok(Self { http, timeouts, clock, large: Arc::new(Semaphore::new(LARGE_AT_ONCE)) })
    }

    /// Asks for `/net/status`.
    ///
    /// # Errors
    /// When there is no answer, or none that a router gives.
    pub async fn fetch_status(&self, router: &Router) -> Result<StatusAnswer, FetchError> {
        let url = url_of(router, "/net/status")?;
        let question = Question::json(&url, self.timeouts.answer, MAX_STATUS_BYTES);
        let read = async {
            let (body, now) = (self.ask(router, question).await?, (self.clock)());
            body.parse(move |bytes| parse_status(bytes, now)).await
        };
        read.await.map_err(|problem| failed(router, &url, problem))
    }

    /// The body of `/net/status` as the router gave it, for those who want to read it
    /// themselves.
    ///
    /// # Errors
    /// When there is no whole answer, or it is not JSON.
    pub async fn fetch_status_body(&self, router: &Router) -> Result<Vec<u8>, FetchError> {
        let url = url_of(router, "/net/status")?;
        let question = Question::json(&url, self.timeouts.answer, MAX_STATUS_BYTES);
        // The shell agent's answers end with a broken connection, and are whole all the same.
        let whole =
            self.ask(router, question).await.and_then(|body| {
                match serde_json::from_slice::<serde::de::IgnoredAny>(&body.bytes) {
                    Ok(_) => Ok(body.bytes),
                    Err(_) => Err(body
                        .broken
                        .map_or(Problem::NotAnAnswer(NotAnAnswer::OtherJson), Problem::Broken)),
                }
            });
        whole.map_err(|problem| failed(router, &url, problem))
    }

    /// Asks for the events after `cursor`, for up to `wait` (at most a minute) if there are
    /// none yet.
    ///
    /// # Errors
    /// When there is no answer, or none that an agent gives.
    pub async fn fetch_events(
        &self,
        router: &Router,
        cursor: Option<&Cursor>,
        wait: Duration,
    ) -> Result<EventsFetch, FetchError> {
        let wait = wait.min(LONGEST_WAIT);
        let mut url = url_of(router, "/net/events")?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(cursor) = cursor {
                query
                    .append_pair("stream", &cursor.stream)
                    .append_pair("after", &cursor.after.to_string())
                    .append_pair("revision", &cursor.revision.to_string());
            }
            query.append_pair("wait", &wait.as_secs_f64().to_string());
        }
        let total = wait + self.timeouts.answer;
        let question = Question::json(&url, total, MAX_EVENTS_BYTES);
        let cursor = cursor.cloned();
        let read = async {
            let (body, now) = (self.ask(router, question).await?, (self.clock)());
            body.parse(move |bytes| parse_events(bytes, cursor.as_ref(), now)).await
        };
        match read.await {
            Ok(answer) => Ok(EventsFetch::Answer(answer)),
            // The shell agent answers each path with its status.
            Err(Problem::NotFound | Problem::NotAnAnswer(NotAnAnswer::Status)) => {
                Ok(EventsFetch::NotThere)
            }
            Err(problem) => Err(failed(router, &url, problem)),
        }
    }

    /// The router's `/metrics`, for Prometheus through us: media type and body.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn fetch_metrics(
        &self,
        router: &Router,
        accept: Option<&str>,
    ) -> Result<(String, Vec<u8>), FetchError> {
        let url = url_of(router, "/metrics")?;
        let accept = accept.and_then(|accept| HeaderValue::from_str(accept).ok());
        let question = Question {
            url: url.clone(),
            accept: accept.unwrap_or(HeaderValue::from_static("*/*")),
            total: self.timeouts.answer,
            max_bytes: MAX_METRICS_BYTES,
        };
        let asked = self.ask(router, question).await;
        let whole = asked.and_then(|body| match body.broken {
            None => Ok((body.media_type, body.bytes)),
            Some(reason) => Err(Problem::Broken(reason)),
        });
        whole.map_err(|problem| failed(router, &url, problem))
    }

    async fn ask(&self, router: &Router, question: Question) -> Result<Body, Problem> {
        let Question { url, accept, total, max_bytes } = question;
        let request = self.http.get(url).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
        let request = authorized(request, router)?;
        let answer = async {
            let sent = request.send().await;
            let response = sent.map_err(|error| not_sent(&error, self.timeouts.connect))?;
            if response.status() != 200 {
                let status = response.status().as_u16();
                return Err(Problem::of_status(status, router.token.as_ref()));
            }
            read_body(response, max_bytes, &self.large).await
        };
        timeout(total, answer).await.unwrap_or(Err(Problem::TimedOut(total)))
    }
}

impl Question {
    fn json(url: &Url, total: Duration, max_bytes: usize) -> Self {
        let accept = HeaderValue::from_static("application/json");
        Self { url: url.clone(), accept, total, max_bytes }
    }
}

/// Where to ask. A URL with a path in front (of a proxy) keeps it.
fn url_of(router: &Router, path: &str) -> Result<Url, FetchError> {
    let bad = |reason: String| FetchError {
        router: router.name.clone(),
        url: path.to_owned(),
        problem: Problem::BadUrl(reason),
    };
    let mut url = Url::parse(&router.url).map_err(|error| bad(format!("its URL: {error}")))?;
    if url.scheme() != "http" {
        return Err(bad(format!("its URL begins with {}:, not with http:", url.scheme())));
    }
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn failed(router: &Router, url: &Url, problem: Problem) -> FetchError {
    FetchError { router: router.name.clone(), url: shown(url), problem }
}

/// Where a router is asked, without what may be secret.
///
/// # Errors
/// When its URL cannot be asked.
pub(crate) fn shown_url(router: &Router) -> Result<String, FetchError> {
    Ok(shown(&url_of(router, "")?).trim_end_matches('/').to_owned())
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    // Only fails for URLs without a host, which have no user either.
    let _ = (shown.set_username(""), shown.set_password(None));
    shown.into()
}

fn authorized(request: RequestBuilder, router: &Router) -> Result<RequestBuilder, Problem> {
    let Some(token) = &router.token else { return Ok(request) };
    let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
    let mut value = value.map_err(|_| Problem::BadToken)?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

/// Of a request to which no head of an answer came; `patience` is for the connection.
fn not_sent(error: &reqwest::Error, patience: Duration) -> Problem {
    let cause = deepest(error);
    let reason = cause.to_string();
    if cause.is::<NameNotFound>() {
        Problem::NameNotFound(reason)
    } else if !error.is_connect() {
        Problem::Broken(reason)
    } else if error.is_timeout() {
        Problem::NoAnswer(patience)
    } else {
        match cause.downcast_ref().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Problem::Refused(reason),
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                Problem::NoRoute(reason)
            }
            _ => Problem::Unreachable(reason),
        }
    }
}

/// The cause that all others only repeat in other words.
fn deepest<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

async fn read_body(
    mut response: Response,
    max_bytes: usize,
    large: &Arc<Semaphore>,
) -> Result<Body, Problem> {
    let encoding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if let Some(encoding) = encoding.filter(|name| !name.eq_ignore_ascii_case(b"identity")) {
        let name = String::from_utf8_lossy(&encoding[..encoding.len().min(32)]);
        return Err(Problem::Encoded(name.escape_debug().to_string()));
    }
    // What the router says of the length may only shorten the matter.
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(Problem::TooLong(max_bytes));
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().to_owned();
    let mut body = Body { media_type, bytes: Vec::new(), broken: None, place: None };
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.bytes.len() + chunk.len() > max_bytes => {
                return Err(Problem::TooLong(max_bytes));
            }
            Ok(Some(chunk)) => {
                if body.bytes.len() + chunk.len() > LARGE_BYTES && body.place.is_none() {
                    // They are never closed.
                    body.place = Arc::clone(large).acquire_owned().await.ok();
                }
                body.bytes.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(body),
            Err(error) => {
                body.broken = Some(deepest(&error).to_string());
                return Ok(body);
            }
        }
    }
}

impl Body {
    /// Whole bodies of broken connections count: the shell agent's end that way.
    async fn parse<T: Send + 'static>(
        self,
        read: impl FnOnce(&[u8]) -> Result<T, NotAnAnswer> + Send + 'static,
    ) -> Result<T, Problem> {
        let outcome = if self.bytes.len() > LARGE_BYTES {
            let Self { bytes, place, .. } = self;
            let reading = spawn_blocking(move || {
                let _place = place;
                read(&bytes)
            });
            reading.await.map_err(|error| Problem::Broken(error.to_string()))?
        } else {
            read(&self.bytes)
        };
        match (outcome, self.broken) {
            (Ok(answer), _) => Ok(answer),
            (Err(NotAnAnswer::Status), _) => Err(Problem::NotAnAnswer(NotAnAnswer::Status)),
            (Err(_), Some(reason)) => Err(Problem::Broken(reason)),
            (Err(why), None) => Err(Problem::NotAnAnswer(why)),
        }
    }
}
