//! Which targets answer: runs of losses and of answers, target by target, and what they
//! prove together. Pure; used by the detector.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::look::{Look, Network, Pinged, Probe};
use super::vocabulary::Degradation;

/// A target that has been silent for so long proves nothing by being silent.
const WITNESS_MEMORY: Duration = Duration::from_secs(300);

/// Fates kept one by one: a wait of 10 s at five requests a second, and some more.
const RECENT: usize = 64;

/// Requests that the share of losses is taken of.
const SHARE_OF: u32 = 60;
/// Fewer say nothing about a share.
const SHARE_LEAST: u32 = 20;
/// One part in so many lost is trouble.
const TROUBLE_PART: u32 = 5;

/// All targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    tracks: Vec<Track>,
}

/// What is known of one target.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) host: String,
    network: Option<Network>,
    /// The newest request that was answered.
    pub(super) answered: Option<Answer>,
    /// The run of losses behind it.
    pub(super) lost: Option<Losses>,
    /// The last fates, the newest in the lowest bit, 1 for a loss.
    fates: u64,
    known: u32,
    /// When something became known last.
    heard: Duration,
    /// The last fates in the order of sending.
    recent: VecDeque<Probe>,
}

/// A request that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) sent: Duration,
    pub(super) at: Duration,
}

/// A run of losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Losses {
    /// When its first request was sent.
    pub(super) since: Duration,
    pub(super) count: u32,
}

/// A silence that is over: known when its last losses are, which is after the first
/// answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) silence: Silence,
    /// The answer that ended it, and the newest one.
    pub(super) first: Answer,
    pub(super) last: Answer,
}

/// No target answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Silence {
    /// When the first request was sent that is lost since.
    pub(super) began: Duration,
    /// The shortest run of losses of any witness.
    pub(super) run: u32,
    /// Different networks among the witnesses.
    pub(super) networks: usize,
}

/// After how many losses in a row a silence counts: 3 s, or three intervals.
pub(super) fn losses_that_count(interval: Duration) -> u32 {
    losses_within(Duration::from_secs(3), interval).max(3)
}

/// How many requests leave within a span.
pub(super) fn losses_within(span: Duration, interval: Duration) -> u32 {
    let interval = interval.as_millis().max(1);
    u32::try_from(span.as_millis().div_ceil(interval)).unwrap_or(u32::MAX)
}

/// Is that share of losses trouble?
fn is_troubling(lost: u32, known: u32) -> bool {
    known >= SHARE_LEAST && lost * TROUBLE_PART > known
}

impl Track {
    pub(super) fn new(host: String) -> Self {
        let (network, answered, lost) = (None, None, None);
        let recent = VecDeque::new();
        let (fates, known, heard) = (0, 0, Duration::ZERO);
        Self { host, network, answered, lost, fates, known, heard, recent }
    }

    pub(super) fn take(&mut self, pinged: &Pinged, now: Duration) {
        if let Some(address) = pinged.address {
            self.network = Some(Network::of(address));
        }
        for probe in &pinged.probes {
            self.fate(*probe);
            self.heard = now;
        }
    }

    /// Fates come out of order: an answer is known before the end of an earlier wait.
    fn fate(&mut self, probe: Probe) {
        self.fates = self.fates << 1 | u64::from(probe.answered.is_none());
        self.known = (self.known + 1).min(SHARE_OF);
        let later = self.recent.iter().rev().take_while(|known| known.sent > probe.sent).count();
        self.recent.insert(self.recent.len() - later, probe);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        match probe.answered {
            Some(at) => {
                let is_newest = self.answered.is_none_or(|before| probe.sent >= before.sent);
                if is_newest {
                    self.answered = Some(Answer { sent: probe.sent, at });
                    // Losses behind it, if there are any, are counted anew as they come.
                    self.lost = self.lost.filter(|lost| lost.since > probe.sent);
                }
            }
            None if self.answered.is_some_and(|answered| probe.sent < answered.sent) => {}
            None => {
                let lost = self.lost.get_or_insert(Losses { since: probe.sent, count: 0 });
                lost.since = lost.since.min(probe.sent);
                lost.count += 1;
            }
        }
    }

    fn losses_between(&self, from: Duration, until: Duration) -> impl Iterator<Item = Duration> {
        let is_within = move |sent: &Duration| from < *sent && *sent < until;
        let lost = self.recent.iter().filter(|probe| probe.answered.is_none());
        lost.map(|probe| probe.sent).filter(is_within)
    }

    fn is_lossy(&self) -> bool {
        is_troubling((self.fates & ((1 << self.known) - 1)).count_ones(), self.known)
    }
}

impl Track {
    /// Does its silence since then prove anything?
    fn is_witness(&self, began: Duration) -> bool {
        self.answered.is_some_and(|answered| answered.at + WITNESS_MEMORY >= began)
    }
}

fn networks<'a>(tracks: impl Iterator<Item = &'a Track>) -> usize {
    Network::count(tracks.filter_map(|track| track.network))
}

impl Reach {
    pub(super) fn take(&mut self, look: &Look) {
        self.tracks.retain(|track| look.targets.iter().any(|pinged| pinged.host == track.host));
        for pinged in &look.targets {
            let at = self.tracks.iter().position(|track| track.host == pinged.host);
            let at = at.unwrap_or_else(|| {
                self.tracks.push(Track::new(pinged.host.clone()));
                self.tracks.len() - 1
            });
            self.tracks[at].take(pinged, look.at);
        }
    }

    /// Nobody looked for a while: runs do not span what nobody saw.
    pub(super) fn forget_runs(&mut self) {
        for track in &mut self.tracks {
            track.lost = None;
            track.recent.clear();
        }
    }

    /// The request of any target that was sent last of those that were answered.
    pub(super) fn last_answer(&self) -> Option<Answer> {
        self.tracks.iter().filter_map(|track| track.answered).max_by_key(|answer| answer.sent)
    }

    /// When the last request before `began` was sent that was answered.
    pub(super) fn answered_before(&self, began: Duration) -> Option<Duration> {
        let fates = self.tracks.iter().flat_map(|track| &track.recent);
        let answered = fates.filter(|probe| probe.answered.is_some()).map(|probe| probe.sent);
        answered.filter(|sent| *sent < began).max()
    }

    /// Did that one leave requests unanswered while targets answered?
    pub(super) fn is_sparing(&self, track: &Track, before: Duration, interval: Duration) -> bool {
        let was_well = |sent: Duration| {
            let probes = self.tracks.iter().flat_map(|track| &track.recent);
            let mut answered = probes.filter(|probe| probe.answered.is_some());
            answered.any(|probe| probe.sent.abs_diff(sent) <= interval)
        };
        let earlier = track.recent.iter().filter(|probe| probe.sent < before);
        let usual: Vec<&Probe> = earlier.filter(|probe| was_well(probe.sent)).collect();
        let lost = usual.iter().filter(|probe| probe.answered.is_none()).count();
        // At most RECENT of them.
        is_troubling(lost as u32, usual.len() as u32)
    }

    /// Those whose silence since then proves something.
    pub(super) fn witnesses(&self, began: Duration) -> Vec<String> {
        let witnesses = self.tracks.iter().filter(|track| track.is_witness(began));
        witnesses.map(|track| track.host.clone()).collect()
    }

    /// Is anything known of any?
    pub(super) fn has_fates(&self) -> bool {
        self.tracks.iter().any(|track| track.known > 0)
    }

    /// Is anything being found out? Forbidden or stopped pings see nothing.
    pub(super) fn is_watching(&self, look: &Look) -> bool {
        let patience =
            Duration::from_secs(5).max(look.interval * 3) + look.timeout + Duration::from_secs(1);
        self.tracks
            .iter()
            .any(|track| track.known > 0 && look.at.saturating_sub(track.heard) <= patience)
    }

    /// `None` while any target answers, or nothing is known.
    pub(super) fn silence(&self) -> Option<Silence> {
        let known = || self.tracks.iter().filter(|track| track.known > 0);
        // One that answers, or whose answers are all there was.
        if known().any(|track| track.lost.is_none()) {
            return None;
        }
        let last_sent = self.last_answer().map_or(Duration::ZERO, |answer| answer.sent);
        let runs = || known().filter_map(|track| Some((track, track.lost?)));
        // The one that answered last has all its losses behind that answer.
        let began = runs().map(|(_, lost)| lost.since).filter(|since| *since >= last_sent).min()?;
        let witnesses = || runs().filter(|(track, _)| track.is_witness(began));
        let run = witnesses().map(|(_, lost)| lost.count).min();
        let networks = networks(witnesses().map(|(track, _)| track));
        Some(Silence { began, run: run.unwrap_or(0), networks })
    }

    /// Silences after `from` that are over; `interval`: between two requests.
    pub(super) fn holes(&self, from: Duration, interval: Duration) -> Vec<Hole> {
        let fates = self.tracks.iter().flat_map(|track| &track.recent);
        let mut answers: Vec<Answer> = fates
            .filter_map(|probe| Some(Answer { sent: probe.sent, at: probe.answered? }))
            .filter(|answer| answer.sent >= from)
            .collect();
        answers.sort_by_key(|answer| answer.sent);
        let Some(last) = answers.last().copied() else { return Vec::new() };
        let between = answers.windows(2).filter_map(|pair| {
            let (before, first) = (pair[0].sent, pair[1]);
            // Every target has lost one in it.
            if first.sent - before <= interval {
                return None;
            }
            let lost = |track: &Track| track.losses_between(before, first.sent).count();
            let began = self.tracks.iter();
            let began = began.flat_map(|track| track.losses_between(before, first.sent)).min()?;
            let witnesses = || self.tracks.iter().filter(|track| track.is_witness(began));
            let run = witnesses().map(lost).min().and_then(|run| u32::try_from(run).ok())?;
            let silence = Silence { began, run, networks: networks(witnesses()) };
            (run > 0).then_some(Hole { silence, first, last })
        });
        between.collect()
    }

    /// Trouble with a part of the targets.
    pub(super) fn degradations(&self, look: &Look) -> Vec<Degradation> {
        let needed = losses_that_count(look.interval);
        let is_down = |track: &Track| track.lost.is_some_and(|lost| lost.count >= needed);
        let mut found = Vec::new();
        // One that has never answered may not exist.
        let witnesses = || self.tracks.iter().filter(|track| track.answered.is_some());
        let some_answer = witnesses().any(|track| track.lost.is_none());
        if some_answer && witnesses().any(is_down) {
            found.push(Degradation::Target);
        }
        let family = |is_v4: bool| {
            witnesses().filter(move |track| track.network.is_some_and(|net| net.is_v4() == is_v4))
        };
        let is_family_down = |is_v4| family(is_v4).next().is_some() && family(is_v4).all(is_down);
        if is_family_down(true) != is_family_down(false)
            && family(true).next().is_some()
            && family(false).next().is_some()
        {
            found.push(Degradation::Family);
        }
        if some_answer && witnesses().any(|track| !is_down(track) && track.is_lossy()) {
            found.push(Degradation::Loss);
        }
        found
    }
}
