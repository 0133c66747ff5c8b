//! What a router has. Most lack something, and what is not there has no figures.

use super::chance;

/// Of one router; chosen by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Equipment {
    /// Dials; without it, an address comes by DHCP.
    pub(super) pppoe: bool,
    /// An optical module that can be read.
    pub(super) optics: bool,
    /// pppd tells of its echo requests.
    pub(super) lcp: bool,
    /// Looks up a name now and then.
    pub(super) dns: bool,
    /// A sensor on its processor.
    pub(super) temperature: bool,
}

impl Equipment {
    /// With what these words name; `None`: one of them names nothing.
    pub(super) fn of(words: &[&str]) -> Option<Self> {
        let mut has = Self::default();
        for word in words {
            match *word {
                "pppoe" => has.pppoe = true,
                "optics" => has.optics = true,
                "lcp" => has.lcp = true,
                "dns" => has.dns = true,
                "temperature" => has.temperature = true,
                _ => return None,
            }
        }
        Some(has)
    }

    /// One in three has an optical module, and so on. All dial: scenarios say when they drop.
    pub(super) fn by_chance(seed: u64) -> Self {
        let one_in = |what: u64, n: u64| chance(&[seed, 6000 + what]).is_multiple_of(n);
        Self {
            pppoe: true,
            optics: one_in(1, 3),
            lcp: one_in(2, 2),
            dns: one_in(3, 2),
            temperature: !one_in(4, 7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_routers_lack_something() {
        let all: Vec<_> = (0..100).map(Equipment::by_chance).collect();
        let with = |has: fn(&Equipment) -> bool| all.iter().filter(|one| has(one)).count();
        assert!((15..55).contains(&with(|one| one.optics)));
        assert!((70..100).contains(&with(|one| one.temperature)));
        assert!((30..70).contains(&with(|one| one.lcp)));
    }
}
