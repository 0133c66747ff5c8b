//! Ten thousand events in a second, far more than the queue keeps: none may go uncounted.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cores::Cores;
use crate::event_reader::EventReader;
use crate::http_client::Client;
use crate::router::{Log, LogKind, Router};
use crate::router_log::{Events, Subject};
use crate::visibility::wait_for_boot;
use crate::{clock, samples};

/// Events written.
pub const EVENTS: usize = 10_000;
/// Within this time.
pub const LENGTH: Duration = Duration::from_secs(1);
const BATCHES: usize = 200;
/// `MAX_EVENTS` by default.
pub const KEPT: usize = 200;
/// Before the burst: the router was started, and the line is up.
const FIRST: usize = 2;

/// What the exporter says afterwards.
pub struct Burst {
    /// How long writing took.
    pub written_in: Duration,
    /// From the first line until a reader sees the last event.
    pub counted_in: Duration,
    /// By `netmonitor_events_total`, of the two types that were written.
    pub counted: f64,
    /// `netmonitor_event_queue_length`
    pub queue_length: f64,
    /// `netmonitor_events_evicted_total`
    pub evicted: f64,
    /// Number of the event to come.
    pub next_seq: f64,
    /// `/net/status`: in the last 24 hours.
    pub reconnects: f64,
    /// The same of the WAN.
    pub wan_downs: f64,
    /// Resident memory before, and at most.
    pub rss_kb: [u64; 2],
}

/// As much of `/net/status`.
#[derive(Deserialize)]
struct Status {
    summary: Summary,
    queue: Queue,
}

#[derive(Deserialize)]
struct Summary {
    pppoe_reconnect_count_24h: f64,
    wan_down_count_24h: f64,
}

#[derive(Deserialize)]
struct Queue {
    next_seq: f64,
}

impl Burst {
    /// With the first `up`.
    pub const COUNTED: usize = EVENTS + 1;
    /// What must be left: events evicted, and the number of the event to come.
    pub const EVICTED: usize = FIRST + EVENTS - KEPT;
    /// See above.
    pub const NEXT_SEQ: usize = FIRST + EVENTS + 1;

    /// Lets the line go down and up.
    ///
    /// # Errors
    /// When the exporter does not answer, or the last event does not come.
    pub fn measure(
        binary: &Path,
        cores: Option<&Cores>,
        kind: LogKind,
        subject: Subject,
    ) -> Result<Self> {
        let router = Router::new(kind)?;
        let exporter = router.start(binary, cores, None)?;
        let program = &exporter.running;
        let mut log = router.log()?;
        let mut reader = EventReader::connect(program.address, 0)?;
        wait_for_boot(&mut reader)?;
        let mut events = Events::of(subject);
        log.write_all(events.first_up(clock::unix_ms()).text.as_bytes())?;
        ensure!(reader.read_to(FIRST as u64)?, "the first event does not come");
        let rss_before = program.usage.memory()?.rss_kb;

        // Everything but the last one is news to this reader only when the last one is.
        let last = (FIRST + EVENTS) as u64;
        let mut reader = EventReader::connect(program.address, last - 1)?;
        let start = clock::now();
        let (written_in, counted_in) = std::thread::scope(|scope| {
            let counted = scope.spawn(|| reader.read_to(last).map(|came| (came, start.elapsed())));
            let written = write_events(&mut log, &mut events).map(|()| start.elapsed());
            (written, counted.join())
        });
        let written_in = written_in?;
        let (came, counted_in) = counted_in.ok().context("the reader failed")??;
        ensure!(came, "event {last} does not come");

        let mut client = Client::connect(program.address)?;
        let status: Status =
            serde_json::from_str(client.get("/net/status")?).context("/net/status")?;
        let scrape = client.get("/metrics")?;
        let sum = |series: &str| samples::sum(scrape, series).unwrap_or(f64::NAN);
        let of_kind = |kind| sum(&format!("netmonitor_events_total{{type=\"{kind}\"}}"));
        Ok(Self {
            written_in,
            counted_in,
            counted: subject.kinds().map(of_kind).iter().sum(),
            queue_length: sum("netmonitor_event_queue_length"),
            evicted: sum("netmonitor_events_evicted_total"),
            next_seq: status.queue.next_seq,
            reconnects: status.summary.pppoe_reconnect_count_24h,
            wan_downs: status.summary.wan_down_count_24h,
            rss_kb: [rss_before, program.usage.peak_rss_kb()?],
        })
    }
}

fn write_events(log: &mut Log, events: &mut Events) -> Result<()> {
    let start = clock::now();
    for batch in 0..BATCHES {
        clock::wait_until(start + LENGTH * batch as u32 / BATCHES as u32);
        let now = clock::unix_ms();
        let lines: String = (0..EVENTS / BATCHES).map(|_| events.line(now).text).collect();
        log.write_all(lines.as_bytes()).context("cannot write the log")?;
    }
    Ok(())
}
