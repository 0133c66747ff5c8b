//! The bridge's samples of the past, written through its own store, in a thread of its own:
//! the routers are played meanwhile.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use netmonitor_bridge::record::{EventBatch, Millis, Ping, Sample, WanState};
use netmonitor_bridge::store::Store;
use tokio::task::JoinSet;

use super::answers;
use super::metrics::LIGHT_SENT;
use super::pings::{GATEWAY, TARGETS};
use super::scenario;
use super::state::State;

/// Of one router; the store makes few transactions of what is handed over together.
const BATCH: usize = 1000;
const BATCHES_AHEAD: usize = 4;
const HOURS_AT_ONCE: u64 = 1000;

type Batch = (usize, Vec<Sample>);

/// What is being written.
pub(super) struct KeptSamples {
    /// Of each router.
    waiting: Vec<Vec<Sample>>,
    to: Option<SyncSender<Batch>>,
    thread: JoinHandle<Result<()>>,
}

impl KeptSamples {
    /// Of routers with these names and streams of events.
    pub(super) fn open(database: &Path, names: Vec<(String, String)>) -> Result<Self> {
        let (to, from) = sync_channel(BATCHES_AHEAD);
        let waiting = vec![Vec::new(); names.len()];
        let database = database.to_owned();
        let thread = std::thread::Builder::new().name("database".to_owned());
        let thread = thread.spawn(move || write(&database, &names, &from))?;
        Ok(Self { waiting, to: Some(to), thread })
    }

    /// A poll of the router of this index.
    pub(super) fn add(
        &mut self,
        index: usize,
        at: Millis,
        state: &mut State,
        now: Duration,
    ) -> Result<()> {
        let waiting = &mut self.waiting[index];
        waiting.push(sample(at, state, now));
        if waiting.len() == BATCH {
            let batch = std::mem::take(waiting);
            return self.send((index, batch));
        }
        Ok(())
    }

    fn send(&self, batch: Batch) -> Result<()> {
        let to = self.to.as_ref().context("it is closed")?;
        to.send(batch).map_err(|_| anyhow!("the bridge's database cannot be written"))
    }

    /// Writes what is waiting, and what hours add up to.
    pub(super) fn finish(mut self) -> Result<()> {
        for (index, batch) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            // If it cannot be written, the thread says why.
            self.send((index, batch)).ok();
        }
        self.to = None;
        self.thread.join().map_err(|_| anyhow!("the thread has panicked"))?
    }
}

fn write(database: &Path, names: &[(String, String)], from: &Receiver<Batch>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut last = 0;
    let (store, _) = Store::open(database, i64::try_from(crate::clock::unix_ms())?)?;
    let put = async {
        let mut routers = Vec::new();
        for (name, stream) in names {
            let router = store.router(name).await?;
            store.put_events(router, nothing_told(stream), 0).await?;
            routers.push(router);
        }
        for (index, samples) in from {
            last = samples.last().map_or(last, |sample| last.max(sample.at));
            let put = samples.into_iter().map(|sample| {
                let (store, router) = (store.clone(), routers[index]);
                async move { store.put_sample(router, sample).await }
            });
            let mut put: JoinSet<_> = put.collect();
            while let Some(stored) = put.join_next().await {
                stored??;
            }
        }
        while store.roll_up(last, HOURS_AT_ONCE).await? > 0 {}
        store.close().await;
        Ok(())
    };
    runtime.block_on(put)
}

/// The router numbers its events, so it tells its outages itself: else the bridge would conclude
/// some from the samples. All its events are still to be read.
fn nothing_told(stream: &str) -> EventBatch {
    EventBatch {
        stream: stream.to_owned(),
        revision: 0,
        events: Vec::new(),
        next_seq: 1,
        missed: Some(0),
        unreadable: Vec::new(),
    }
}

/// As the bridge makes it of `/net/status`.
fn sample(at: Millis, state: &mut State, now: Duration) -> Sample {
    state.settle(now);
    let (state, line) = (&*state, state.line());
    let pings = TARGETS[..GATEWAY].iter().enumerate().map(|(index, (target, _))| {
        let ping = state.readings.ping(index, &line);
        Ping {
            target: (*target).to_owned(),
            rtt_ms: ping.rtt,
            loss_percent: Some(ping.loss),
            sent_total: Some(ping.sent_total),
            lost_total: Some(ping.lost_total),
        }
    });
    let has = state.equipment;
    let count = |count: usize| Some(count as u64);
    Sample {
        at,
        wan_state: match state.wan() {
            scenario::WanState::Up => WanState::Up,
            scenario::WanState::Down => WanState::Down,
            scenario::WanState::Unknown => WanState::Unknown,
        },
        pings: pings.collect(),
        rx_errors: Some(answers::rx_errors(state)),
        tx_errors: Some(answers::tx_errors(state, now)),
        rx_dropped: Some(0),
        tx_dropped: Some(0),
        optical_rx_dbm: state.light(),
        optical_tx_dbm: has.optics.then_some(LIGHT_SENT),
        cpu_celsius: has.temperature.then(|| state.readings.temperature()),
        pppoe_reconnects_24h: count(answers::reconnects(state, now)),
        wan_downs_24h: count(state.drops_of_day(now)),
    }
}
