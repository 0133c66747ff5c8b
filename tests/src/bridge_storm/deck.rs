//! What is killed, and when: by chance, and each kind of kill as often as the others. Pure.

use std::ops::Range;
use std::time::Duration;

use crate::random::Random;

/// From the beginning of a round: some kills hit a bridge that has hardly started.
const EARLY: Range<Duration> = Duration::ZERO..Duration::from_millis(100);
/// From the beginning of a write to the database, so that kills meet all of its steps.
const WRITE: Range<Duration> = Duration::ZERO..Duration::from_micros(300);
/// Events of a round that are stored before a kill, of some dozens.
const STORED: Range<usize> = 1..40;

/// Who is killed, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victims {
    Bridge,
    Routers,
    BridgeThenRouters,
    RoutersThenBridge,
}

impl Victims {
    const ALL: [Self; 4] =
        [Self::Bridge, Self::Routers, Self::BridgeThenRouters, Self::RoutersThenBridge];

    pub(super) fn include_bridge(self) -> bool {
        self != Self::Routers
    }
}

/// When the first of them is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long after the beginning of the round.
    Early(Duration),
    /// When so many events more are stored.
    Stored(u64),
    /// So long after the bridge has begun to write.
    Writing(Duration),
}

impl Moment {
    pub(super) fn choose(random: &mut Random) -> Self {
        match random.number(0..4) {
            0 => Self::Early(random.duration(EARLY)),
            1 => Self::Stored(random.number(STORED) as u64),
            _ => Self::Writing(random.duration(WRITE)),
        }
    }
}

/// Deals victims; when all were dealt, all again in another order.
#[derive(Debug, Default)]
pub(super) struct Deck {
    left: Vec<Victims>,
}

impl Deck {
    pub(super) fn deal(&mut self, random: &mut Random) -> Victims {
        if self.left.is_empty() {
            self.left.extend(Victims::ALL);
        }
        self.left.swap_remove(random.number(0..self.left.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_dealt_as_often_as_the_others() {
        let (mut deck, mut random) = (Deck::default(), Random::new(3));
        let mut dealt: Vec<Victims> = (0..40).map(|_| deck.deal(&mut random)).collect();
        assert!(dealt[..4] != dealt[4..8] || dealt[4..8] != dealt[8..12]);
        for victims in Victims::ALL {
            let before = dealt.len();
            dealt.retain(|one| *one != victims);
            assert_eq!(before - dealt.len(), 10, "{victims:?}");
        }
    }
}
