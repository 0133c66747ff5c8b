//! The running program: which sensors, probes and collectors there are, and how they
//! hang together.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::collectors::Collector;
use crate::collectors::conntrack::Conntrack;
use crate::collectors::lcp_echo::LcpEcho;
use crate::collectors::link::Link;
use crate::collectors::loadavg::LoadAvg;
use crate::collectors::memory::Memory;
use crate::collectors::netdev::{self, Counters, NetDev};
use crate::collectors::optical::{self, Optical};
use crate::collectors::pppoe::Pppoe;
use crate::collectors::process::Process;
use crate::collectors::sensor::{self, Latest, Sensor};
use crate::collectors::thermal::{self, Thermal};
use crate::collectors::time::Time;
use crate::collectors::wan::{self, Wan};
use crate::config::Live;
use crate::events::intake::Intake;
use crate::events::listener::{self, Listener};
use crate::events::metrics::EventMetrics;
use crate::http::connections::Connections;
use crate::http::events::Polls;
use crate::http::request_counts::RequestCounts;
use crate::http::{self, connections};
use crate::outages::metrics::OutageMetrics;
use crate::outages::watch::Watch;
use crate::probes::dns::Dns;
use crate::probes::ping::{Pinger, Pings, Targets};
use crate::roots::Roots;
use crate::scrape::Scrape;
use crate::slow_io::SlowIo;

/// What the views read.
pub(crate) struct Views {
    pub(crate) roots: Roots,
    pub(crate) config: Live,
    pub(crate) identity: Identity,
    pub(crate) wan: Arc<Latest<wan::Sample>>,
    pub(crate) thermal: Arc<Latest<thermal::Sample>>,
    pub(crate) optical: Arc<Latest<optical::Sample>>,
    pub(crate) targets: Targets,
    pub(crate) events: Polls,
    pub(crate) outages: Arc<Intake>,
    pub(crate) scrape: Scrape,
}

/// Which run this is.
pub(crate) struct Identity {
    /// The kernel's name for the time since the router started.
    pub(crate) boot_id: Option<String>,
    /// Since 1970.
    pub(crate) started_at: Duration,
}

impl Views {
    pub(crate) fn wan_state(&self) -> wan::State {
        self.wan.sample().map_or(wan::State::Unknown, |wan| wan.state)
    }

    /// Returns once every sensor has been read and every target has had its first ping.
    pub(crate) async fn first_readings(&self) {
        self.wan.begun().await;
        self.thermal.begun().await;
        self.optical.begun().await;
        self.targets.first_fates().await;
    }

    /// Counters of the lower device, which has the cable.
    pub(crate) fn wan_counters(&self) -> Option<Counters> {
        netdev::read(&self.roots, self.wan.last_known()?.device.as_ref()?)
    }
}

/// Everything, with its tasks running.
pub(crate) struct Exporter {
    pub(crate) views: Arc<Views>,
    config: Live,
    counts: RequestCounts,
    intake: Arc<Intake>,
    tasks: JoinSet<()>,
}

impl Exporter {
    /// Starts sensors, probes and the event listener.
    pub(crate) fn start(roots: &Roots, config: &Live) -> Self {
        let slow = SlowIo::new(roots.clone());
        let mut tasks = JoinSet::new();
        let wan_changed = Arc::new(Notify::new());
        let wan = Wan::new(roots.clone(), config.clone(), Arc::clone(&wan_changed));
        let wan = watched(&mut tasks, config, wan);
        let link = Link::new(slow.clone(), config.clone(), Arc::clone(&wan));
        let link = watched(&mut tasks, config, link);
        let lcp_echo = LcpEcho::new(slow.for_another(), config.clone());
        let lcp_echo = watched(&mut tasks, config, lcp_echo);
        let thermal = Thermal::new(slow.for_another(), config.clone());
        let thermal = watched(&mut tasks, config, thermal);
        let light_wanted = Arc::new(Notify::new());
        let optical = Optical::new(
            slow.for_another(),
            config.clone(),
            Arc::clone(&wan),
            Arc::clone(&light_wanted),
        );
        let optical = watched(&mut tasks, config, optical);
        let pinger = Pinger::new(roots.clone(), config.clone(), Arc::clone(&wan));
        let targets = pinger.targets();
        tasks.spawn(pinger.run());
        let dns = Dns::new(config.clone(), Arc::clone(&wan));
        tasks.spawn(dns.clone().run());

        let identity = Identity {
            boot_id: roots
                .read("/proc/sys/kernel/random/boot_id")
                .ok()
                .map(|id| id.trim().to_owned()),
            started_at: clock::unix_time(),
        };
        let boot_id = identity.boot_id.as_deref();
        let listener = Listener::open(roots, config, &wan, wan_changed, boot_id);
        let (published, intake) = (listener.published(), listener.intake());
        let event_metrics = EventMetrics::new(published.clone(), listener.healths());
        tasks.spawn(listener.run());
        let watch = Watch {
            roots: roots.clone(),
            config: config.clone(),
            wan: Arc::clone(&wan),
            optical: Arc::clone(&optical),
            lcp_echo: Arc::clone(&lcp_echo),
            targets: targets.clone(),
            dns: dns.clone(),
            intake: Arc::clone(&intake),
            light_wanted,
        };
        tasks.spawn(watch.run());

        let collectors: Vec<Box<dyn Collector>> = vec![
            Box::new(Arc::clone(&wan)),
            Box::new(Pppoe::new(config.clone(), Arc::clone(&wan))),
            Box::new(NetDev::new(config.clone(), Arc::clone(&wan))),
            Box::new(link),
            Box::new(Arc::clone(&lcp_echo)),
            Box::new(Arc::clone(&optical)),
            Box::new(Arc::clone(&thermal)),
            Box::new(Pings::new(config.clone(), targets.clone())),
            Box::new(dns),
            Box::new(Conntrack),
            Box::new(Memory),
            Box::new(LoadAvg),
            Box::new(Time),
        ];
        let counts = RequestCounts::default();
        let scrape = Scrape::new(roots.clone(), config.clone(), collectors, Box::new(Process))
            .also(event_metrics)
            .also(OutageMetrics::new(Arc::clone(&intake)))
            .also(slow.hangs())
            .also(counts.clone());
        let views = Views {
            roots: roots.clone(),
            config: config.clone(),
            identity,
            wan,
            thermal,
            optical,
            targets,
            events: Polls::new(published),
            outages: Arc::clone(&intake),
            scrape,
        };
        Self { views: Arc::new(views), config: config.clone(), counts, intake, tasks }
    }

    /// Answers on `listeners` until `stop`.
    ///
    /// # Errors
    /// When one of the tasks ends by itself: nothing dies unseen.
    pub(crate) async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        stop: CancellationToken,
    ) -> Result<()> {
        let router = http::router(Arc::clone(&self.views), self.config.clone(), self.counts);
        let open = Connections::default();
        let mut servers = JoinSet::new();
        for listener in listeners {
            let (router, open, stop) = (router.clone(), open.clone(), stop.clone());
            servers.spawn(connections::serve(listener, router, open, stop));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = self.tasks.join_next() => return ended_early(ended),
            Some(ended) = servers.join_next() => return ended_early(ended),
        }
        self.views.events.close();
        // Each gives its connections a moment and ends.
        while let Some(ended) = servers.join_next().await {
            ended.context("a listener failed while stopping")?;
        }
        self.tasks.shutdown().await;
        listener::finish(&self.intake);
        Ok(())
    }
}

fn ended_early(ended: Result<(), tokio::task::JoinError>) -> Result<()> {
    ended.context("a task of the exporter failed")?;
    anyhow::bail!("a task of the exporter ended by itself")
}

fn watched<S: Sensor>(tasks: &mut JoinSet<()>, config: &Live, sensor: S) -> Arc<Latest<S::Sample>> {
    let latest = Latest::of::<S>();
    tasks.spawn(sensor::run(sensor, Arc::clone(&latest), config.clone()));
    latest
}
