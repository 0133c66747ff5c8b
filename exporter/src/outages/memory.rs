//! What the detector keeps over a restart of the program, and of the router where the
//! queue's file outlives it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::case::Case;
use super::outage::{Ended, LastDrop, Open};
use crate::events::event::{LATEST, Moment};

/// Outages that are shown after their end.
const PAST_KEPT: usize = 10;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Memory {
    /// The last look.
    pub(super) seen: Option<Duration>,
    /// Something has answered since the router started.
    pub(super) has_answered: bool,
    pub(super) open: Option<Open>,
    pub(super) last: Option<LastDrop>,
    pub(super) past: VecDeque<Ended>,
}

impl Memory {
    /// Each part by itself: another version may have written a word that is not known here,
    /// and an open outage must not lose its end for it.
    pub(super) fn read(saved: &Value) -> Self {
        let past: Vec<Value> = part(saved, "past").unwrap_or_default();
        let past = past.iter().filter_map(possible::<Ended>);
        let mut memory = Self {
            seen: part(saved, "seen"),
            has_answered: part(saved, "has_answered").unwrap_or_default(),
            open: part(saved, "open"),
            last: part(saved, "last"),
            past: VecDeque::new(),
        };
        past.for_each(|ended| memory.remember(ended));
        memory.open.iter_mut().for_each(|open| open.case.make_bounded());
        memory
    }

    /// After a start of the router: times since the last start mean nothing any more.
    /// `then`: what the clock showed when this was saved.
    pub(super) fn after_boot(mut self, then: Option<Moment>) -> Self {
        let at = |moment: Moment| {
            let moment = then.map_or(moment, |then| then.back_to(moment));
            Moment { boot: None, ..moment }
        };
        (self.has_answered, self.last) = (false, None);
        let seen = self.seen.take().unwrap_or_default();
        if let Some(open) = &mut self.open {
            open.before_boot = Some(open.verdict(seen));
            open.began = at(open.began);
            open.case = Case::new(Duration::ZERO, open.case.interval, true);
            (open.recovery, open.counted) = (None, Duration::ZERO);
        }
        for ended in &mut self.past {
            (ended.began, ended.ended) = (at(ended.began), at(ended.ended));
        }
        self
    }

    pub(super) fn remember(&mut self, ended: Ended) {
        self.past.push_back(ended);
        if self.past.len() > PAST_KEPT {
            self.past.pop_front();
        }
    }
}

fn part<T: DeserializeOwned + Serialize>(saved: &Value, name: &str) -> Option<T> {
    possible(saved.get(name)?)
}

/// `None`: it is something else, or has a time that no clock shows. Others may have written
/// the file, and sums of such times would end the program at every start.
fn possible<T: DeserializeOwned + Serialize>(saved: &Value) -> Option<T> {
    let read = T::deserialize(saved).ok()?;
    // There are several ways to write a time; this is the one of all of ours.
    let written = serde_json::to_value(&read).ok()?;
    has_possible_times(&written).then_some(read)
}

fn has_possible_times(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().all(|(name, value)| match value.as_u64() {
            Some(seconds) if name == "secs" => seconds <= LATEST.as_secs(),
            _ => has_possible_times(value),
        }),
        Value::Array(items) => items.iter().all(has_possible_times),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_that_no_clock_shows_costs_its_part_alone() {
        let open = |at: Value| json!({ "id": "a-1", "case": { "began": at } });
        let later = json!({ "secs": u64::MAX, "nanos": 0 });
        let memory =
            Memory::read(&json!({ "seen": later, "open": open(json!({"secs": 5, "nanos": 0})) }));
        assert_eq!(memory.seen, None);
        assert_eq!(memory.open.unwrap().case.began, Duration::from_secs(5));
        // As a list it is a time, too.
        for at in [later, json!([u64::MAX, 0]), json!([LATEST.as_secs() + 1, 0])] {
            assert_eq!(Memory::read(&json!({ "open": open(at) })), Memory::default());
        }
    }
}
