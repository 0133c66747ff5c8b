//! One router that others ask: its state, its plan, and who waits for news of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::answers;
use super::arrivals::Arrivals;
use super::cursor::Cursor;
use super::ledger::Ledger;
use super::metrics;
use super::plan::Plan;
use super::request::Request;
use super::scenario::{Action, Agent, Endpoint, FaultKind, OtherPaths};
use super::settings::{Run, Settings};
use super::shell_agent;
use super::state::State;
use crate::clock;

/// The exporter's.
const MAX_LONG_POLLS: usize = 16;
/// A plan without an end looks again now and then.
const IDLE: Duration = Duration::from_secs(3600);

/// What was asked of a router.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Asked {
    /// Requests for `/net/status`.
    pub status: u64,
    /// Requests for `/net/events`.
    pub events: u64,
    /// Others.
    pub others: u64,
    /// Without the token, or with another.
    pub refused: u64,
    /// Redirects that were followed.
    pub followed: u64,
    /// Between two requests for `/net/status`, at most.
    pub longest_pause: Duration,
    last_status: Option<Duration>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: &'static str,
    pub(super) content_type: &'static str,
    /// Of an old agent: the head too.
    pub(super) body: Vec<u8>,
    pub(super) agent: Agent,
    /// Once it is written, an old agent's reader has this stream's events up to here.
    pub(super) shows: Option<(String, u64)>,
}

#[derive(Debug)]
pub(super) struct Router {
    pub(super) name: String,
    token: Option<String>,
    came: Instant,
    /// What was over by then.
    behind: Duration,
    state: Mutex<State>,
    plan: Mutex<Plan>,
    asked: Mutex<Asked>,
    arrivals: Option<Arc<Arrivals>>,
    /// The state may have changed.
    changes: watch::Sender<()>,
    replanned: Notify,
    long_polls: Semaphore,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Router {
    pub(super) fn new(
        settings: &Settings,
        number: usize,
        run: Run,
        ledger: Arc<Mutex<Ledger>>,
        arrivals: Option<Arc<Arrivals>>,
    ) -> Self {
        let (state, plan) = settings.cast(number, run, ledger);
        let router = Self {
            name: settings.name(number),
            token: settings.token.clone(),
            came: clock::now(),
            behind: run.behind,
            state: Mutex::new(state),
            plan: Mutex::new(plan),
            asked: Mutex::default(),
            arrivals,
            changes: watch::Sender::new(()),
            replanned: Notify::new(),
            long_polls: Semaphore::new(MAX_LONG_POLLS),
        };
        // What is true from the beginning is true before anybody asks.
        router.catch_up();
        router
    }

    fn now(&self) -> Duration {
        self.behind + clock::now().saturating_duration_since(self.came)
    }

    /// Follows the plan; never ends.
    pub(super) async fn play(&self) {
        loop {
            let pause = self.catch_up();
            tokio::select! {
                () = sleep(pause) => {}
                () = self.replanned.notified() => {}
            }
        }
    }

    /// Does what is due; tells when more will be.
    fn catch_up(&self) -> Duration {
        let now = self.now();
        let mut plan = locked(&self.plan);
        while let Some((at, deed)) = plan.take_due(now) {
            locked(&self.state).perform(at, deed);
            self.changes.send_replace(());
        }
        plan.next_due().map_or(IDLE, |due| due.saturating_sub(now))
    }

    pub(super) fn act(&self, action: &Action) {
        self.catch_up();
        let now = self.now();
        let deed = locked(&self.plan).begin(now, action);
        locked(&self.state).perform(now, deed);
        self.changes.send_replace(());
        self.replanned.notify_one();
    }

    pub(super) fn forget_scenario(&self) {
        locked(&self.plan).forget_lines();
    }

    pub(super) fn is_reachable(&self) -> bool {
        locked(&self.state).is_reachable()
    }

    /// Returns once the router can be reached, or cannot any more.
    pub(super) async fn becomes_reachable(&self, wanted: bool) {
        let mut changes = self.changes.subscribe();
        while self.is_reachable() != wanted {
            // The sender lives as long as we do.
            changes.changed().await.ok();
        }
    }

    pub(super) fn asked(&self) -> Asked {
        *locked(&self.asked)
    }

    pub(super) fn count(&self, request: &Request) {
        let now = self.now();
        let mut asked = locked(&self.asked);
        match request.endpoint() {
            Some(Endpoint::Status) => {
                if let Some(arrivals) = &self.arrivals {
                    arrivals.add(&self.name);
                }
                asked.status += 1;
                if let Some(last) = asked.last_status.replace(now) {
                    asked.longest_pause = asked.longest_pause.max(now - last);
                }
            }
            Some(Endpoint::Events) => asked.events += 1,
            _ if request.path.starts_with("/elsewhere/") => asked.followed += 1,
            Some(Endpoint::Metrics) | None => asked.others += 1,
        }
    }

    pub(super) fn take_faults(&self, request: &Request) -> (Duration, Option<FaultKind>) {
        locked(&self.state).faults.take(self.now(), request.endpoint())
    }

    /// The right answer, once there is one.
    pub(super) async fn respond(&self, request: &Request) -> Response {
        let agent = locked(&self.state).agent;
        if let Agent::Shell(others) = agent {
            return self.respond_as_shell(request, others);
        }
        if request.path == "/healthz" {
            return Response::new("200 OK", "text/plain; charset=utf-8", b"ok\n".to_vec());
        }
        if self.token.is_some() && request.token != self.token {
            locked(&self.asked).refused += 1;
            return Response::failure("401 Unauthorized", "the token is missing or wrong");
        }
        if request.method != "GET" && request.method != "HEAD" {
            return Response::failure(
                "405 Method Not Allowed",
                "only GET and HEAD are answered here",
            );
        }
        if request.has_body {
            return Response::failure("413 Payload Too Large", "a request has no body here");
        }
        match request.endpoint() {
            Some(Endpoint::Status) => {
                let now = self.now();
                Response::json(answers::status(&mut locked(&self.state), now))
            }
            Some(Endpoint::Events) => match Cursor::parse(&request.query) {
                Ok(cursor) => self.respond_with_events(&cursor).await,
                Err(reason) => Response::failure("400 Bad Request", &reason),
            },
            Some(Endpoint::Metrics) => {
                let now = self.now();
                let text = metrics::samples(&mut locked(&self.state), now).text();
                Response::new("200 OK", "text/plain; version=0.0.4; charset=utf-8", text.into())
            }
            None if request.path == "/" => {
                let text = format!("{}: a fake router\n", self.name);
                Response::new("200 OK", "text/plain; charset=utf-8", text.into())
            }
            None => Response::failure("404 Not Found", "there is no such path"),
        }
    }

    fn respond_as_shell(&self, request: &Request, others: OtherPaths) -> Response {
        let now = self.now();
        let mut state = locked(&self.state);
        let is_status = request.endpoint() == Some(Endpoint::Status);
        let body = if is_status || others == OtherPaths::Status {
            shell_agent::status(&mut state, now)
        } else {
            shell_agent::not_found()
        };
        let queue = &state.queue;
        let shows = is_status.then(|| (queue.stream.clone(), queue.next_seq - 1));
        Response { agent: Agent::Shell(others), shows, ..Response::new("200 OK", "", body) }
    }

    async fn respond_with_events(&self, cursor: &Cursor) -> Response {
        locked(&self.state).queue.take_note(cursor);
        if let Ok(_place) = self.long_polls.try_acquire() {
            let mut changes = self.changes.subscribe();
            let news = async {
                while !locked(&self.state).queue.has_news(cursor) {
                    changes.changed().await.ok();
                }
            };
            // When the time is over, there is what there is.
            timeout(cursor.wait, news).await.ok();
        }
        let now = self.now();
        Response::json(answers::events(&locked(&self.state), cursor, now))
    }

    /// The answer has been written to its end.
    pub(super) fn note_written(&self, response: &Response) {
        if let Some((stream, up_to)) = &response.shows {
            locked(&self.state).queue.mark_shown(stream, *up_to);
        }
    }
}

impl Response {
    pub(super) fn new(status: &'static str, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, body, agent: Agent::Exporter, shows: None }
    }

    pub(super) fn failure(status: &'static str, reason: &str) -> Self {
        let body = serde_json::json!({ "error": reason }).to_string();
        Self::new(status, "application/json", body.into())
    }

    fn json(body: serde_json::Result<Vec<u8>>) -> Self {
        match body {
            Ok(body) => Self::new("200 OK", "application/json", body),
            Err(error) => Self::failure("500 Internal Server Error", &error.to_string()),
        }
    }

    /// As it goes over the wire; without its body for HEAD.
    pub(super) fn bytes(&self, keep_alive: bool, is_head: bool) -> Vec<u8> {
        if self.agent != Agent::Exporter {
            return self.body.clone();
        }
        let mut bytes = self.head(keep_alive, "").into_bytes();
        if !is_head {
            bytes.extend(&self.body);
        }
        bytes
    }

    pub(super) fn head(&self, keep_alive: bool, further: &str) -> String {
        let Self { status, content_type, body, .. } = self;
        let length = body.len();
        let offer = match *status {
            "401 Unauthorized" => "WWW-Authenticate: Bearer, Basic realm=\"netmonitor\"\r\n",
            "405 Method Not Allowed" => "Allow: GET,HEAD\r\n",
            _ => "",
        };
        let close = if keep_alive { "" } else { "Connection: close\r\n" };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{offer}{further}{close}\r\n"
        )
    }
}
