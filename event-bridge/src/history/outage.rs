//! Times without the internet: one drop as it was told, and an outage, which is one drop or
//! several close together. Causes and sides are those of `docs/outages.md`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::record::Millis;

/// Words of a closed set, and those of a later version as they came.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "docs/outages.md says what each means")]
        pub enum $name { $($variant,)+ Other(String) }

        impl $name {
            /// Those that are known, in the order of the document.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// As on the wire.
            #[must_use]
            pub fn word(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }
        }

        impl FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Ok(match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.chars().take(LONGEST_WORD).collect()),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

/// Of a later version's words; longer ones are cut.
const LONGEST_WORD: usize = 40;

vocabulary! {
    /// The first layer that failed.
    Cause {
        OpticalSignal = "optical_signal",
        LocalLink = "local_link",
        Administrator = "administrator",
        PlannedRedial = "planned_redial",
        RouterRestart = "router_restart",
        ProviderTerminated = "provider_terminated",
        AccessServerSilent = "access_server_silent",
        Discovery = "discovery",
        AccessRefused = "access_refused",
        Dhcp = "dhcp",
        Gateway = "gateway",
        BeyondGateway = "beyond_gateway",
        Dns = "dns",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Whose it is.
    Side {
        House = "house",
        Line = "line",
        Provider = "provider",
        Unknown = "unknown",
    }
}

/// One time without the internet, as a router told it, or as it was concluded from what an
/// agent without a detector told.
#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    /// Never changes, below 2^53.
    pub id: i64,
    /// The router's name for it.
    pub name: String,
    /// Which sequence of numbers it was told in; `None`: concluded here.
    pub stream: Option<i64>,
    /// When it began.
    pub start: Millis,
    /// When it ended; `None`: no end was told.
    pub until: Option<Millis>,
    /// Why; of one that has no end, so far.
    pub cause: Cause,
    /// Whose.
    pub side: Side,
    /// Further facts, an object of strings.
    pub evidence: Option<Value>,
}

/// The start of a router, in the sequence of numbers that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Which sequence of numbers.
    pub stream: i64,
    /// When.
    pub at: Millis,
}

/// How sure the end of an outage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Told, or seen.
    Told,
    /// It goes on; the time is that of asking.
    Ongoing,
    /// Nobody told it: the router started anew, or was heard of last.
    Assumed,
}

/// A drop with its end, in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// As it was told.
    pub drop: Drop,
    /// The first moment with the internet again, or as [`End`] says.
    pub until: Millis,
    /// What that time is.
    pub end: End,
}

/// One drop, or several at most three minutes apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// At least one, by time.
    pub drops: Vec<Closed>,
}

impl Closed {
    /// Milliseconds.
    #[must_use]
    pub fn duration(&self) -> Millis {
        self.until - self.drop.start
    }
}

impl Outage {
    fn first(&self) -> &Closed {
        &self.drops[0]
    }

    /// That of its first drop.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.first().drop.id
    }

    /// When the first drop began.
    #[must_use]
    pub fn start(&self) -> Millis {
        self.first().drop.start
    }

    fn last(&self) -> &Closed {
        self.drops.iter().max_by_key(|drop| drop.until).unwrap_or(self.first())
    }

    /// When the last drop ended.
    #[must_use]
    pub fn until(&self) -> Millis {
        self.last().until
    }

    /// What that time is.
    #[must_use]
    pub fn end(&self) -> End {
        self.last().end
    }

    /// The longest drop, and of equals the first: it says why.
    #[must_use]
    pub fn main(&self) -> &Closed {
        self.drops.iter().rev().max_by_key(|drop| drop.duration()).unwrap_or(self.first())
    }

    /// Concluded from samples and events of an agent without a detector.
    #[must_use]
    pub fn is_coarse(&self) -> bool {
        self.drops.iter().any(|drop| drop.drop.stream.is_none())
    }

    /// Milliseconds without the internet within `from` ≤ time < `until`: the pauses between
    /// its drops are none.
    #[must_use]
    pub fn down_within(&self, from: Millis, until: Millis) -> Millis {
        let mut seen = from;
        let mut down = 0;
        for drop in &self.drops {
            let (start, end) = (drop.drop.start.max(seen), drop.until.min(until));
            if end > start {
                down += end - start;
                seen = end;
            }
        }
        down
    }

    /// Milliseconds without the internet.
    #[must_use]
    pub fn down(&self) -> Millis {
        self.down_within(Millis::MIN, Millis::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_wire_and_unknown_ones_are_kept() {
        for cause in Cause::KNOWN {
            assert_eq!(cause.word().parse(), Ok(cause.clone()));
        }
        assert_eq!("solar_flare".parse(), Ok(Cause::Other("solar_flare".to_owned())));
        assert_eq!("line".parse(), Ok(Side::Line));
        let Ok(long) = "x".repeat(1000).parse::<Side>();
        assert_eq!(long.word().len(), LONGEST_WORD);
    }
}
