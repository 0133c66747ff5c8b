//! What Prometheus and the bridge would have of routers that have been running for long: their
//! scenario is played at once, and what they would have answered is written down.
//!
//! A run is the same whenever it is played (`Settings::present_ms`), so a fleet that is started
//! afterwards goes on where this ends. Events are not written: the routers still have them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::kept_samples::KeptSamples;
use super::ledger::Ledger;
use super::metrics;
use super::openmetrics::Blocks;
use super::plan::Plan;
use super::settings::Settings;
use super::state::State;

/// As in `prometheus/prometheus.yml`.
const SCRAPE_MS: i64 = 15_000;
/// Of all routers but the first, which is the one to look at closely: half the samples make half
/// the time, and two fit into the shortest window of a dashboard.
const OTHERS_MS: i64 = 2 * SCRAPE_MS;
/// The bridge's `POLL_INTERVAL`.
const POLL_MS: i64 = 60_000;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// A folder for files of OpenMetrics.
    pub scrapes: Option<&'a Path>,
    /// From this moment on, milliseconds since 1970.
    pub from_ms: i64,
    /// Up to this moment, which is scraped itself. 0: now.
    pub until_ms: i64,
    /// A database of the bridge, for samples of the whole past.
    pub database: Option<&'a Path>,
}

/// How much there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Samples for Prometheus.
    pub samples: u64,
    /// Polls for the bridge.
    pub polls: u64,
}

/// A router of the past.
struct Player {
    state: State,
    plan: Plan,
    name: String,
    /// What Prometheus adds to all that it scrapes of it.
    target: String,
}

impl Player {
    fn play_to(&mut self, now: Duration) {
        while let Some((at, deed)) = self.plan.take_due(now) {
            self.state.perform(at, deed);
        }
        self.state.settle(now);
    }
}

/// Plays the past, and writes it.
///
/// # Errors
/// When something cannot be written, or there is no past.
pub fn write(settings: &Settings, wanted: Wanted<'_>) -> Result<Written> {
    let run = settings.run();
    let now_ms = run.started_ms + i64::try_from(run.behind.as_millis())?;
    let until_ms = if wanted.until_ms == 0 { now_ms } else { wanted.until_ms };
    ensure!(until_ms > run.started_ms, "there is no past: it ends before the routers start");
    let mut players = (1..=settings.routers)
        .map(|number| {
            let (state, plan) = settings.cast(number, run, Arc::new(Mutex::new(Ledger::default())));
            let (name, host) = (settings.name(number), settings.address(number - 1)?.ip());
            let target = format!("instance=\"{host}\",job=\"netmonitor\",router=\"{name}\"");
            Ok(Player { state, plan, name, target })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut blocks = wanted.scrapes.map(Blocks::new);
    let stream = |player: &Player| (player.name.clone(), player.state.queue.stream.clone());
    let names = players.iter().map(stream).collect();
    let mut kept = wanted.database.map(|path| KeptSamples::open(path, names)).transpose()?;
    let mut written = Written::default();
    let from_ms = wanted.from_ms.max(run.started_ms);
    let mut at_ms = run.started_ms;
    while at_ms <= until_ms {
        let now = Duration::from_millis((at_ms - run.started_ms).unsigned_abs());
        let is_scraped = blocks.is_some() && at_ms >= from_ms;
        let is_polled = kept.is_some() && at_ms.rem_euclid(POLL_MS) == 0;
        for (index, player) in players.iter_mut().enumerate() {
            player.play_to(now);
            let is_there = player.state.is_reachable();
            let is_due = index == 0 || at_ms.rem_euclid(OTHERS_MS) == 0 || at_ms == until_ms;
            if let Some(blocks) = blocks.as_mut().filter(|_| is_scraped && is_due) {
                let scraped = is_there.then(|| metrics::samples(&mut player.state, now));
                blocks.add(index, &player.target, at_ms, scraped)?;
            }
            if let Some(kept) = kept.as_mut().filter(|_| is_polled && is_there) {
                kept.add(index, at_ms, &mut player.state, now)?;
                written.polls += 1;
            }
        }
        at_ms = next(at_ms, until_ms, kept.is_some(), from_ms);
    }
    if let Some(blocks) = &mut blocks {
        blocks.finish()?;
        written.samples = blocks.samples;
    }
    if let Some(kept) = kept {
        kept.finish().context("the bridge's database")?;
    }
    Ok(written)
}

/// The next moment at which somebody asks. The last one is the end itself.
fn next(at_ms: i64, until_ms: i64, is_polled: bool, from_ms: i64) -> i64 {
    let after = |every: i64| (at_ms.div_euclid(every) + 1) * every;
    if at_ms == until_ms {
        return i64::MAX;
    }
    let next = match is_polled {
        _ if at_ms >= from_ms => after(SCRAPE_MS),
        true => after(POLL_MS),
        false => from_ms.max(after(SCRAPE_MS)),
    };
    next.min(until_ms)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fake_router::openmetrics::is_seldom;
    use crate::fake_router::scenario::DEMO;

    /// Lines of all files, in some order; without those that count from the begin of a file.
    fn scraped(settings: &Settings, from_ms: i64, until_ms: i64) -> BTreeSet<String> {
        let folder = tempfile::tempdir().unwrap();
        let scrapes = Some(folder.path());
        let written =
            write(settings, Wanted { scrapes, from_ms, until_ms, database: None }).unwrap();
        assert!(written.samples > 100);
        let files = std::fs::read_dir(folder.path()).unwrap();
        let text = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        let lines = text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|line| !is_seldom(line)).collect()
    }

    #[test]
    fn a_run_is_the_same_whenever_it_is_played() {
        let present_ms = 1_700_000_040_000;
        let settings = Settings {
            scenario: DEMO.parse().unwrap(),
            past: Duration::from_secs(900),
            present_ms,
            ..Settings::quiet(3)
        };
        let middle_ms = present_ms - 300_000;
        let whole = scraped(&settings, 0, present_ms + 45_000);
        let mut parts = scraped(&settings, 0, middle_ms);
        parts.extend(scraped(&settings, middle_ms + 1, present_ms + 45_000));
        // The first moment of the second run is no scrape of the first.
        let extra = format!(" {}.{:03}", (middle_ms + 1) / 1000, 1);
        parts.retain(|line| !line.ends_with(&extra));
        assert_eq!(whole.symmetric_difference(&parts).next(), None);
    }

    #[test]
    fn the_bridge_has_polls_of_each_minute() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("netmonitor.db");
        let settings = Settings { past: Duration::from_secs(1200), ..Settings::quiet(2) };
        let (from_ms, until_ms) = (0, 0);
        let wanted = Wanted { scrapes: None, from_ms, until_ms, database: Some(&database) };
        assert!((38..=42).contains(&write(&settings, wanted).unwrap().polls));
        assert!(netmonitor_bridge::store::check(&database).unwrap().is_good());
    }

    #[test]
    fn moments_are_those_of_the_clock_and_the_end() {
        let moments = |is_polled, from_ms| {
            let mut at_ms = 1_000;
            std::iter::from_fn(|| {
                at_ms = next(at_ms, 200_500, is_polled, from_ms);
                (at_ms < i64::MAX).then_some(at_ms)
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(moments(true, 130_000), [60_000, 120_000, 180_000, 195_000, 200_500]);
        assert_eq!(moments(false, 170_000), [170_000, 180_000, 195_000, 200_500]);
    }
}
