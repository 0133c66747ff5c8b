//! The pollers: one task of each router, kept to the list of routers as it changes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::Router;
use super::poller::{Poller, Services};
use super::watched::{List, Routers, Watched};
use crate::config::RoutersFile;

/// The list and the token files it names are read so often: cheaper than watching each of
/// them, and right on every file system and behind every symbolic link.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Fleet {
    routers: Routers,
    services: Services,
    pollers: JoinSet<()>,
    stops: HashMap<String, AbortHandle>,
}

impl Fleet {
    /// Nothing is polled yet. The list is also seen through `routers`.
    pub(crate) fn new(routers: Routers, services: Services) -> Self {
        Self { routers, services, pollers: JoinSet::new(), stops: HashMap::new() }
    }

    /// Polls these, and no others. A router that is as it was is not disturbed; one that
    /// changed begins anew, from the place that the store knows.
    pub(crate) fn poll(&mut self, routers: Vec<Router>) {
        let before = self.routers.list();
        let mut all = Vec::with_capacity(routers.len());
        for router in routers {
            match before.named(&router.name).filter(|known| known.router == router) {
                Some(known) => all.push(Arc::clone(known)),
                None => all.push(self.start(router)),
            }
        }
        let list = List::new(all);
        for gone in before.all().iter().filter(|known| list.named(&known.router.name).is_none()) {
            let name = &gone.router.name;
            info!(router = name, "{name} is polled no more");
            if let Some(stop) = self.stops.remove(name) {
                stop.abort();
            }
            self.services.metrics.end(name);
        }
        self.routers.replace(list);
    }

    fn start(&mut self, router: Router) -> Arc<Watched> {
        let name = router.name.clone();
        self.services.metrics.begin(&router);
        let (watched, asked) = Watched::new(router);
        let services = self.services.clone();
        let poller = Poller { watched: Arc::clone(&watched), asked, services };
        // What the one before has handed to the store is stored; the rest is read again.
        if let Some(before) = self.stops.insert(name, self.pollers.spawn(poller.run())) {
            before.abort();
        }
        watched
    }

    /// Polls for ever, and reads the list again and again, if it is in a file.
    ///
    /// # Errors
    /// When a poller ends by itself.
    pub(crate) async fn run(mut self, file: Option<RoutersFile>) -> Result<Infallible> {
        let mut ticks = interval(READ_AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hangups = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                _ = ticks.tick(), if file.is_some() => {}
                _ = hangups.recv() => {}
                Some(ended) = self.pollers.join_next() => match ended {
                    Err(error) if error.is_cancelled() => continue,
                    ended => {
                        ended.context("a poller failed")?;
                        bail!("a poller ended by itself");
                    }
                },
            }
            if let Some(file) = file.clone() {
                let read = spawn_blocking(move || file.read()).await;
                self.take_over(read.context("the list of routers could not be read")?);
            }
        }
    }

    /// A list with a mistake is not taken over, not even in parts.
    fn take_over(&mut self, read: Result<Vec<Router>, Vec<String>>) {
        match read {
            Ok(routers) => {
                let list = self.routers.list();
                let is_same = list.all().iter().map(|known| &known.router).eq(&routers);
                if !is_same {
                    info!("the list of routers has changed: {} routers", routers.len());
                    self.poll(routers);
                } else if self.routers.problem().is_some() {
                    self.routers.set_problem(None);
                }
            }
            Err(problems) => {
                let problem = problems.join("; ");
                if self.routers.problem().as_ref() != Some(&problem) {
                    warn!("the list of routers stays as it was: {problem}");
                    self.routers.set_problem(Some(problem));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::path::Path;

    use tokio::net::TcpListener;

    use super::super::client::{Client, Timeouts};
    use super::*;
    use crate::clock;
    use crate::config::{Layers, load};
    use crate::keeper::ClockWitness;
    use crate::metrics::Metrics;
    use crate::store::Store;

    /// A router that only takes calls.
    struct Silent {
        listener: TcpListener,
        address: SocketAddr,
    }

    impl Silent {
        async fn start() -> Self {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            Self { address: listener.local_addr().unwrap(), listener }
        }

        /// Waits until somebody asks.
        async fn is_asked(&self) {
            self.listener.accept().await.unwrap();
        }

        fn entry(&self, name: &str) -> String {
            format!("[[router]]\nname = \"{name}\"\nurl = \"http://{}\"\n", self.address)
        }
    }

    fn fleet(folder: &Path) -> (Fleet, Routers) {
        let (store, _) = Store::open(&folder.join("netmonitor.db"), clock::now()).unwrap();
        let client = Client::new(Timeouts::default(), clock::now).unwrap();
        let routers = Routers::default();
        let (metrics, witness) = (Metrics::new(), ClockWitness::new(None));
        let services = Services { client, store, metrics, witness };
        (Fleet::new(routers.clone(), services), routers)
    }

    fn file(folder: &Path, text: &str) -> RoutersFile {
        let path = folder.join("routers.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let flags = BTreeMap::from([("ROUTERS_FILE", path)]);
        load(&Layers { flags, ..Layers::default() }).unwrap().config.routers_file.unwrap()
    }

    fn names(routers: &Routers) -> Vec<String> {
        routers.list().all().iter().map(|watched| watched.router.name.clone()).collect()
    }

    #[tokio::test]
    async fn a_changed_list_is_taken_over_while_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, new) = (Silent::start().await, Silent::start().await);
        let gone = Silent::start().await;
        let (mut fleet, routers) = fleet(folder.path());
        let list = file(folder.path(), &(kept.entry("kept") + &gone.entry("gone")));
        fleet.poll(list.read().unwrap());
        kept.is_asked().await;
        let before = Arc::clone(routers.list().named("kept").unwrap());

        let list = file(folder.path(), &(new.entry("new") + &kept.entry("kept")));
        fleet.take_over(list.read());
        new.is_asked().await;
        assert_eq!(names(&routers), ["new", "kept"]);
        assert!(Arc::ptr_eq(&before, routers.list().named("kept").unwrap()), "undisturbed");
        assert_eq!(fleet.stops.len(), 2);
    }

    #[tokio::test]
    async fn a_changed_address_is_polled_instead_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (Silent::start().await, Silent::start().await);
        let (mut fleet, routers) = fleet(folder.path());
        fleet.poll(file(folder.path(), &old.entry("home")).read().unwrap());
        old.is_asked().await;
        fleet.take_over(file(folder.path(), &new.entry("home")).read());
        new.is_asked().await;
        assert_eq!(names(&routers), ["home"]);
        // Of the one that was stopped nothing is left but its end.
        let ended = fleet.pollers.join_next().await.unwrap();
        assert!(ended.unwrap_err().is_cancelled());
        assert_eq!(fleet.pollers.len(), 1);
    }

    #[tokio::test]
    async fn a_list_with_a_mistake_changes_nothing_and_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let silent = Silent::start().await;
        let (mut fleet, routers) = fleet(folder.path());
        let list = file(folder.path(), &silent.entry("home"));
        fleet.poll(list.read().unwrap());
        let other = Silent::start().await;
        for text in [
            "[[router]".to_owned(),
            String::new(),
            "[[router]]\nname = \"x\"\nurl = \"ftp://x\"\n".to_owned(),
            silent.entry("home") + &other.entry("home"),
            silent.entry("home") + &other.entry("HOME"),
            silent.entry("home") + &silent.entry("other"),
            silent.entry("home") + "labels = { job = \"x\" }\n",
        ] {
            std::fs::write(folder.path().join("routers.toml"), &text).unwrap();
            fleet.take_over(list.read());
            assert_eq!(names(&routers), ["home"]);
            assert!(routers.problem().unwrap().contains("routers.toml"), "{text}");
        }
        std::fs::write(folder.path().join("routers.toml"), silent.entry("home")).unwrap();
        fleet.take_over(list.read());
        assert_eq!(routers.problem(), None);
    }
}
