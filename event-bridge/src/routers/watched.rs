//! The routers that are watched, and what is known of each poll.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    fn new(router: Router) -> (Arc<Self>, mpsc::Receiver<Asked>) {
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
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    all: Vec<Arc<Watched>>,
    by_name: BTreeMap<String, usize>,
}

impl Routers {
    /// With what is asked of each, for its poller.
    pub(crate) fn new(routers: Vec<Router>) -> (Self, Vec<mpsc::Receiver<Asked>>) {
        let (all, asked): (Vec<_>, Vec<_>) = routers.into_iter().map(Watched::new).unzip();
        let names = all.iter().enumerate().map(|(at, one)| (one.router.name.clone(), at));
        let by_name = names.collect();
        (Self { all, by_name }, asked)
    }

    pub(crate) fn all(&self) -> &[Arc<Watched>] {
        &self.all
    }

    /// The first of the settings; there is at least one.
    pub(crate) fn first(&self) -> &Arc<Watched> {
        &self.all[0]
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Watched>> {
        Some(&self.all[*self.by_name.get(name)?])
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
