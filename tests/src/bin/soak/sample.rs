//! What a program uses, early and late.

use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::figures::median;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::running::Running;
use netmonitor_tests::usage::Memory;

/// Five minutes: the histories of the probes are full then.
const SETTLING_SAMPLES: usize = 60;
/// In a shorter run the start counts as growth, so it is only shown.
const SETTLED: Duration = Duration::from_secs(12 * 60);

/// What a program uses at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) memory: Memory,
    pub(crate) threads: usize,
    pub(crate) open_files: usize,
}

impl Sample {
    /// Now.
    pub(crate) fn of(program: &mut Running) -> Result<Self> {
        program.check_alive()?;
        let usage = &program.usage;
        Ok(Self {
            memory: usage.memory()?,
            threads: usage.threads()?,
            open_files: usage.open_files()?,
        })
    }
}

/// Of what may not grow by more than this in a run of this length.
pub(crate) fn growth_goal(took: Duration, most: f64) -> Goal {
    if took < SETTLED { Goal::None } else { Goal::AtMost(most) }
}

/// Medians of a sixth of the run once it has settled and of its last sixth: of an hour,
/// minutes 5 to 15 and the last ten. A shorter run settles as well only after five
/// minutes, or if it is too short for that, by its middle.
pub(crate) fn windows(samples: &[Sample], value: fn(&Sample) -> f64) -> Result<(f64, f64)> {
    let sixth = samples.len().div_ceil(6);
    let settled = SETTLING_SAMPLES.min(samples.len() / 2);
    let of = |samples: &[Sample]| {
        let values = samples.iter().map(value);
        median(values.collect()).context("too few samples of the memory")
    };
    Ok((of(&samples[settled..settled + sixth])?, of(&samples[samples.len() - sixth..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rss_kb: u64) -> Sample {
        let memory = Memory { rss_kb, pss_kb: 0, private_dirty_kb: 0, anonymous_kb: 0 };
        Sample { memory, threads: 1, open_files: 3 }
    }

    #[test]
    fn growth_is_judged_between_early_and_late_minutes() {
        let hour: Vec<_> = (0..720).map(|tick| sample(tick / 12)).collect();
        let found = windows(&hour, |sample| sample.memory.rss_kb as f64);
        assert_eq!(found.unwrap(), (9.5, 54.5));
        let of =
            |minutes: usize| windows(&hour[..minutes * 12], |sample| sample.memory.rss_kb as f64);
        assert_eq!(of(12).unwrap(), (5.5, 10.5));
        assert_eq!(of(1).unwrap(), (0.0, 0.0));
        assert!(of(0).is_err());
    }
}
