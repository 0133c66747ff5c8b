//! What the machine does besides: the time its host took from a core (`steal` of
//! `/proc/stat`, proc(5)). On a virtual machine this can stop everything for a second.

use std::time::Duration;

use anyhow::{Context, Result};

/// Time since the start of the machine in which the host ran something else, on one core
/// or summed over all.
///
/// # Errors
/// When the kernel does not say.
pub fn stolen(core: Option<usize>) -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let name = core.map_or("cpu".to_owned(), |core| format!("cpu{core}"));
    let ticks = parse_steal(&text, &name).with_context(|| format!("/proc/stat: no {name}"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// user nice system idle iowait irq softirq steal.
fn parse_steal(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(|line| line.split_whitespace());
    let mut fields = lines.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
    fields.nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_number() {
        let text = "cpu  360090 0 50725 464471 10761 0 1678 47444 0 0\n\
                    cpu0 155655 0 20480 263780 2855 0 920 23523 0 0\n\
                    cpu1 204435 0 30245 200691 7905 0 758 23920 0 0\nintr 1\n";
        assert_eq!(parse_steal(text, "cpu"), Some(47444));
        assert_eq!(parse_steal(text, "cpu1"), Some(23920));
        assert_eq!(parse_steal(text, "cpu2"), None);
        stolen(None).unwrap();
    }
}
