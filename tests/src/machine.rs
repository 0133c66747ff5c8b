//! What the machine does besides, from `/proc/stat` (proc(5)): the time its host took from a
//! core (`steal`), which on a virtual machine can stop everything for a second, and how long
//! programs had it.

use std::time::Duration;

use anyhow::{Context, Result};

/// Time since the start of the machine in which the host ran something else, on one core
/// or summed over all.
///
/// # Errors
/// When the kernel does not say.
pub fn stolen(core: Option<usize>) -> Result<Duration> {
    read(core, |fields| fields[STEAL])
}

/// Time in which programs ran, all together, on one core or summed over all.
///
/// # Errors
/// When the kernel does not say.
pub fn worked(core: Option<usize>) -> Result<Duration> {
    read(core, |fields| fields[USER] + fields[NICE] + fields[SYSTEM])
}

/// user nice system idle iowait irq softirq steal.
const FIELDS: usize = 8;
const USER: usize = 0;
const NICE: usize = 1;
const SYSTEM: usize = 2;
const STEAL: usize = 7;

fn read(core: Option<usize>, of: fn([u64; FIELDS]) -> u64) -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let name = core.map_or("cpu".to_owned(), |core| format!("cpu{core}"));
    let fields = parse(&text, &name).with_context(|| format!("/proc/stat: no {name}"))?;
    let ticks = of(fields) as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(Duration::from_secs_f64(ticks))
}

fn parse(text: &str, name: &str) -> Option<[u64; FIELDS]> {
    let mut lines = text.lines().map(|line| line.split_whitespace());
    let fields = lines.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
    let numbers: Vec<u64> = fields.take(FIELDS).map_while(|field| field.parse().ok()).collect();
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_number() {
        let text = "cpu  360090 0 50725 464471 10761 0 1678 47444 0 0\n\
                    cpu0 155655 0 20480 263780 2855 0 920 23523 0 0\n\
                    cpu1 204435 0 30245 200691 7905 0 758 23920 0 0\nintr 1\n";
        let steal = |name| parse(text, name).map(|fields| fields[STEAL]);
        assert_eq!(steal("cpu"), Some(47444));
        assert_eq!(steal("cpu1"), Some(23920));
        assert_eq!(steal("cpu2"), None);
        assert!(stolen(None).is_ok() && worked(None).unwrap() > Duration::ZERO);
    }
}
