//! A count that threads share: what happens between scrapes, such as lines and hangs.
//!
//! Behind a lock, since 32-bit MIPS has no atomic numbers of 64 bits and a count of 32 is full
//! after a busy year. Never held for more than an addition.

use std::sync::{Mutex, PoisonError};

/// Only grows.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<u64>);

impl Tally {
    pub(crate) fn add(&self, more: u64) {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.wrapping_add(more);
    }

    pub(crate) fn get(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up_beyond_32_bits() {
        let tally = Tally::default();
        assert_eq!(tally.get(), 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| tally.add(1 << 24)));
            }
        });
        assert_eq!(tally.get(), 4000 << 24);
    }
}
