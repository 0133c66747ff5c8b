//! The routers that are watched, and what is known of each poll.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::Router;
use crate::record::Millis;

/// Between two polls that somebody asks for.
const ASKED_PAUSE: Duration = Duration::from_secs(5);
/// Requests to poll now that wait for the one under way.
const MAX_ASKED: usize = 4;

/// The outcome of a poll goes back to whoever asked for it.
pub(crate) type Asked = oneshot::Sender<Result<(), String>>;

/// A router, and how it is doing.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) router: Router,
    asked: mpsc::Sender<Asked>,
    last_asked: Mutex<Option<Instant>>,
    state: Mutex<PollState>,
}

/// What the last polls said.
#[derive(Debug, Clone, Default)]
pub(crate) struct PollState {
    /// When a sample was stored last.
    pub(crate) last_success: Option<Millis>,
    /// Why the last poll failed; `None`: it did not.
    pub(crate) failure: Option<String>,
    /// The `wan_state` of the last sample.
    pub(crate) wan_state: Option<crate::record::WanState>,
}

impl Watched {
    /// With what is asked of it, for its poller.
    pub(super) fn new(router: Router) -> (Arc<Self>, mpsc::Receiver<Asked>) {
        let (asked, receiver) = mpsc::channel(MAX_ASKED);
        let (last_asked, state) = (Mutex::default(), Mutex::default());
        (Arc::new(Self { router, asked, last_asked, state }), receiver)
    }

    pub(crate) fn state(&self) -> PollState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut PollState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// May somebody have it polled now? Counts as done if so.
    pub(crate) fn may_poll_now(&self, now: Instant) -> bool {
        let mut last = self.last_asked.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| now.saturating_duration_since(last) >= ASKED_PAUSE);
        if may {
            *last = Some(now);
        }
        may
    }

    /// Polls it now.
    ///
    /// # Errors
    /// Why the poll failed.
    pub(crate) async fn poll_now(&self) -> Result<(), String> {
        let (answer, outcome) = oneshot::channel();
        let is_sent = self.asked.try_send(answer).is_ok();
        let stopped = || "the program is stopping or busy".to_owned();
        if !is_sent {
            return Err(stopped());
        }
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Host and port of its address.
    pub(crate) fn address(&self) -> (String, Option<u16>) {
        let url = &self.router.url;
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host.to_owned(), port.parse().ok()),
            _ => (authority.to_owned(), None),
        }
    }
}

/// All routers, in the order of the settings.
#[derive(Debug, Default)]
pub(crate) struct List {
    all: Vec<Arc<Watched>>,
    by_name: BTreeMap<String, usize>,
}

impl List {
    pub(super) fn new(all: Vec<Arc<Watched>>) -> Self {
        let names = all.iter().enumerate().map(|(at, one)| (one.router.name.clone(), at));
        let by_name = names.collect();
        Self { all, by_name }
    }

    pub(crate) fn all(&self) -> &[Arc<Watched>] {
        &self.all
    }

    /// The first of the settings.
    pub(crate) fn first(&self) -> Option<&Arc<Watched>> {
        self.all.first()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Watched>> {
        Some(&self.all[*self.by_name.get(name)?])
    }
}

/// The list as it is now; clones see the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routers {
    now: Arc<RwLock<Now>>,
}

#[derive(Debug, Default)]
struct Now {
    list: Arc<List>,
    problem: Option<String>,
}

impl Routers {
    /// For those who only read the list.
    #[cfg(test)]
    pub(crate) fn of(routers: Vec<Router>) -> Self {
        let known = Self::default();
        let watched = routers.into_iter().map(|router| Watched::new(router).0);
        known.replace(List::new(watched.collect()));
        known
    }

    /// Who holds the list is not held up by a change, and keeps what it has.
    pub(crate) fn list(&self) -> Arc<List> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).list)
    }

    /// Why the list is older than its file; `None`: it is not.
    pub(crate) fn problem(&self) -> Option<String> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    pub(super) fn replace(&self, list: List) {
        let now = Now { list: Arc::new(list), problem: None };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(super) fn set_problem(&self, problem: Option<String>) {
        self.now.write().unwrap_or_else(PoisonError::into_inner).problem = problem;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn watched(url: &str) -> Arc<Watched> {
        let router = Router {
            name: "home".to_owned(),
            url: url.to_owned(),
            token: None,
            labels: BTreeMap::new(),
            poll_interval: Duration::from_secs(60),
        };
        Watched::new(router).0
    }

    #[test]
    fn an_address_has_host_and_port() {
        let address = |url| watched(url).address();
        assert_eq!(address("http://192.0.2.1:8321"), ("192.0.2.1".to_owned(), Some(8321)));
        assert_eq!(address("http://[fd00::1]:80/x"), ("[fd00::1]".to_owned(), Some(80)));
        assert_eq!(address("https://router.lan"), ("router.lan".to_owned(), None));
        assert_eq!(address("http://[fd00::1]"), ("[fd00::1]".to_owned(), None));
    }

    #[test]
    fn polls_on_request_keep_a_distance() {
        let watched = watched("http://x");
        let now = clock::monotonic();
        assert!(watched.may_poll_now(now));
        assert!(!watched.may_poll_now(now + Duration::from_secs(4)));
        assert!(watched.may_poll_now(now + Duration::from_secs(5)));
    }
}
