//! pppd's ring of LCP round-trip times, and which of its replies are new.
//!
//! Format: pppd/lcp.c (`lcp-rtt-file`, ppp 2.5.1, ppp-project/ppp#422). 2048 big-endian
//! words of 32 bits: magic number, status, index of the newest pair counted in words,
//! echo interval in seconds; then 1022 pairs of a time and a value. A reply fills the pair
//! after the newest one, time first, and then moves the index: to who reads from the
//! beginning, everything up to the index is whole, and the pair after it may not be. A ring
//! that has the magic number is kept by the next session; anything else is cleared, index 0
//! and every time 0, and its first reply goes to index 2.
//!
//! Pure. Times are wall clock and are only compared for being the same.

use std::time::Duration;

use crate::collectors::ParseError;

/// Size of the file.
pub(super) const BYTES: usize = 8192;

const MAGIC: u32 = 0x1945_0425;

/// Words before the pairs.
const HEADER: usize = 4;

/// Pairs in the ring.
pub(super) const PAIRS: usize = 1022;

/// What pppd writes for a reply that came when no request waited any more: it takes one
/// from the number of waiting requests, which each reply clears, so after a stall the
/// second of the late replies gets it. It stands for 255 or more losses too, but there the
/// session has long been ended (OpenWrt: after 5).
const NOBODY_WAITED: u32 = 255;

/// The file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ring {
    /// LCP is open. It stays so after pppd was killed.
    pub(super) is_open: bool,
    /// Between two echo requests; 0: none are sent.
    pub(super) interval: Duration,
    newest: usize,
    pairs: Vec<Pair>,
}

/// One reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    time: u32,
    value: u32,
}

impl Pair {
    fn is_empty(self) -> bool {
        self.time == 0
    }

    /// Requests without an answer between the reply before this one and this one.
    pub(super) fn lost(self) -> u64 {
        match self.value >> 24 {
            NOBODY_WAITED => 0,
            lost => lost.into(),
        }
    }

    /// At most 16.8 s, however long it took.
    pub(super) fn rtt(self) -> Duration {
        Duration::from_micros((self.value & 0x00ff_ffff).into())
    }
}

/// The newest pair of a reading: what comes after it is new to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    at: usize,
    pair: Pair,
}

/// # Errors
/// When the bytes are not such a ring.
pub(super) fn parse(bytes: &[u8]) -> Result<Ring, ParseError> {
    if bytes.len() != BYTES {
        return Err(ParseError::new("length", "8192 bytes", &bytes.len().to_string()));
    }
    let (words, _) = bytes.as_chunks::<4>();
    let word = |at: usize| u32::from_be_bytes(words[at]);
    if word(0) != MAGIC {
        let found = format!("{:#010x}", word(0));
        return Err(ParseError::new("magic number", "0x19450425", &found));
    }
    let index = word(2);
    let newest = usize::try_from(index / 2).unwrap_or(usize::MAX);
    if index % 2 != 0 || newest >= PAIRS {
        let expected = "an even number up to 2042";
        return Err(ParseError::new("index of the newest pair", expected, &index.to_string()));
    }
    let pair = |at: usize| Pair { time: word(at), value: word(at + 1) };
    Ok(Ring {
        is_open: word(1) == 1,
        interval: Duration::from_secs(word(3).into()),
        newest,
        pairs: (HEADER..HEADER + 2 * PAIRS).step_by(2).map(pair).collect(),
    })
}

impl Ring {
    /// Where to go on at the next reading.
    pub(super) fn mark(&self) -> Mark {
        Mark { at: self.newest, pair: self.pairs[self.newest] }
    }

    /// The newest reply; `None` before the first one.
    pub(super) fn newest(&self) -> Option<Pair> {
        Some(self.mark().pair).filter(|pair| !pair.is_empty())
    }

    /// The replies that came after `last`, oldest first, as far as they are still there.
    pub(super) fn since(&self, last: Mark) -> impl Iterator<Item = Pair> {
        let ahead = if self.pairs[last.at] == last.pair {
            (self.newest + PAIRS - last.at) % PAIRS
        } else {
            // It was overwritten after a whole round, or the ring was cleared: everything
            // is newer, but for the pair after the newest one, which may not be whole.
            PAIRS - 1
        };
        let first = self.newest + PAIRS + 1 - ahead;
        let new = (first..first + ahead).map(|at| self.pairs[at % PAIRS]);
        new.filter(|pair| !pair.is_empty())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes the file as pppd does.
    #[derive(Debug, Clone)]
    pub(crate) struct Pppd {
        pub(crate) bytes: Vec<u8>,
        time: u32,
    }

    impl Pppd {
        /// LCP has come up, once a second it is asked, and nothing was answered yet.
        pub(crate) fn new() -> Self {
            let mut pppd = Self { bytes: Vec::new(), time: 1_800_000_000 };
            pppd.clear();
            pppd
        }

        /// The file was removed, and made anew by the next session.
        pub(crate) fn clear(&mut self) {
            self.bytes = vec![0; BYTES];
            self.set(0, MAGIC);
            self.set(1, 1);
            self.set(3, 1);
        }

        pub(crate) fn set(&mut self, word: usize, value: u32) {
            self.bytes[4 * word..4 * word + 4].copy_from_slice(&value.to_be_bytes());
        }

        /// The clock is set.
        pub(crate) fn set_time(&mut self, time: u32) {
            self.time = time;
        }

        fn word(&self, at: usize) -> u32 {
            u32::from_be_bytes(self.bytes[4 * at..4 * at + 4].try_into().unwrap())
        }

        pub(crate) fn reply(&mut self, lost: u32, micros: u32) {
            self.time += 1;
            let index = (self.word(2) + 2) % 2044;
            self.set(HEADER + index as usize, self.time);
            self.set(HEADER + index as usize + 1, (lost << 24) | micros);
            self.set(2, index);
        }

        pub(crate) fn ring(&self) -> Ring {
            parse(&self.bytes).unwrap()
        }

        fn lost_since(&self, last: Mark) -> Vec<u64> {
            self.ring().since(last).map(Pair::lost).collect()
        }
    }

    /// A ring in which one word is wrong.
    #[track_caller]
    fn check(word: usize, value: u32, expected: Result<(), &str>) {
        let mut pppd = Pppd::new();
        pppd.set(word, value);
        let result = parse(&pppd.bytes).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "word {word} is {value}");
    }

    #[test]
    fn what_is_no_ring_is_refused_with_what_was_found() {
        check(0, 0, Err("magic number: expected 0x19450425, found \"0x00000000\""));
        check(0, 0x2504_4519, Err("magic number: expected 0x19450425, found \"0x25044519\""));
        check(2, 2042, Ok(()));
        let index = |found| {
            format!(
                "index of the newest pair: expected an even number up to 2042, found \"{found}\""
            )
        };
        for found in [1, 2041, 2044, u32::MAX] {
            check(2, found, Err(&index(found)));
        }
    }

    #[test]
    fn a_file_that_is_cut_or_longer_is_refused() {
        let mut bytes = Pppd::new().bytes;
        bytes.push(0);
        for length in [0, 3, 16, 4096, 8191, 8193] {
            let expected = format!("length: expected 8192 bytes, found \"{length}\"");
            assert_eq!(parse(&bytes[..length]).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_header_is_read() {
        let mut pppd = Pppd::new();
        assert_eq!((pppd.ring().is_open, pppd.ring().interval), (true, Duration::from_secs(1)));
        assert_eq!(pppd.ring().newest(), None, "nothing was answered yet");
        pppd.set(1, 0);
        pppd.set(3, 30);
        assert_eq!((pppd.ring().is_open, pppd.ring().interval), (false, Duration::from_secs(30)));
    }

    #[test]
    fn a_value_is_losses_and_microseconds() {
        for (value, lost, micros) in [
            (0, 0, 0),
            (0x0000_2ee0, 0, 12_000),
            (0x0300_0001, 3, 1),
            (0xfeff_ffff, 254, 16_777_215),
            (0xffff_ffff, 0, 16_777_215),
        ] {
            let pair = Pair { time: 1, value };
            assert_eq!((pair.lost(), pair.rtt()), (lost, Duration::from_micros(micros)), "{value}");
        }
    }

    #[test]
    fn replies_across_the_end_of_the_ring_are_new_once() {
        let mut pppd = Pppd::new();
        (0..1020).for_each(|_| pppd.reply(1, 5000));
        let last = pppd.ring().mark();
        (2..6).for_each(|lost| pppd.reply(lost, 5000));
        assert_eq!(pppd.ring().mark().at, 2, "1021, 0, 1, 2");
        assert_eq!(pppd.lost_since(last), [2, 3, 4, 5]);
        assert!(pppd.lost_since(pppd.ring().mark()).is_empty());
    }

    #[test]
    fn a_ring_that_went_round_gives_all_but_the_pair_that_is_overwritten_next() {
        let mut pppd = Pppd::new();
        pppd.reply(9, 5000);
        let last = pppd.ring().mark();
        for (further, expected) in [(1021, 1021), (1, 1021), (3000, 1021)] {
            (0..further).for_each(|_| pppd.reply(1, 5000));
            assert_eq!(pppd.lost_since(last), vec![1; expected]);
        }
    }

    #[test]
    fn a_pair_that_is_being_written_is_left_to_the_next_reading() {
        let mut pppd = Pppd::new();
        (0..1100).for_each(|_| pppd.reply(1, 5000));
        let last = pppd.ring().mark();
        (0..1021).for_each(|_| pppd.reply(1, 5000));
        let mut half = pppd.clone();
        half.set(HEADER + 2 * last.at, 1);
        assert_eq!(half.lost_since(last), vec![1; 1021]);
        pppd.reply(7, 5000);
        assert_eq!(pppd.lost_since(half.ring().mark()), [7]);
    }

    #[test]
    fn a_ring_made_anew_is_new_as_a_whole() {
        let mut pppd = Pppd::new();
        (0..5).for_each(|_| pppd.reply(1, 5000));
        let last = pppd.ring().mark();
        pppd.clear();
        assert!(pppd.lost_since(last).is_empty(), "nothing was answered yet");
        (2..9).for_each(|lost| pppd.reply(lost, 5000));
        assert_eq!(pppd.lost_since(last), [2, 3, 4, 5, 6, 7, 8]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Replies(Vec<u32>),
        Session,
        Clear,
        Read,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let few = proptest::collection::vec(0..4_u32, 0..5);
        let many = (0..4_u32, 1000..2100_usize).prop_map(|(lost, count)| vec![lost; count]);
        let step = prop_oneof![
            6 => few.prop_map(Step::Replies),
            1 => many.prop_map(Step::Replies),
            1 => Just(Step::Session),
            1 => Just(Step::Clear),
            6 => Just(Step::Read),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_reply_that_is_still_there_is_new_exactly_once(steps in steps()) {
            let mut pppd = Pppd::new();
            let mut last = pppd.ring().mark();
            let mut unread = Vec::new();
            for step in steps {
                match step {
                    Step::Replies(replies) => for lost in replies {
                        pppd.reply(lost, 5000);
                        unread.push(u64::from(lost));
                    },
                    Step::Session => {
                        pppd.set(1, 0);
                        pppd.set(1, 1);
                    }
                    Step::Clear => {
                        pppd.clear();
                        unread.clear();
                    }
                    Step::Read => {
                        let there = unread.split_off(unread.len().saturating_sub(PAIRS - 1));
                        unread.clear();
                        prop_assert_eq!(pppd.lost_since(last), there);
                        last = pppd.ring().mark();
                    }
                }
            }
        }

        #[test]
        fn any_bytes_are_a_ring_or_refused(
            header in proptest::option::of(0..2048_u32),
            mut bytes in proptest::collection::vec(any::<u8>(), BYTES),
            length in prop_oneof![0..=BYTES, Just(BYTES)],
        ) {
            if let Some(index) = header {
                bytes[..4].copy_from_slice(&MAGIC.to_be_bytes());
                bytes[8..12].copy_from_slice(&index.to_be_bytes());
            }
            let is_good = length == BYTES && header.is_some_and(|at| at % 2 == 0 && at <= 2042);
            let parsed = parse(&bytes[..length]);
            prop_assert_eq!(parsed.is_ok(), is_good);
            if let Ok(ring) = parsed {
                prop_assert!(ring.since(Pppd::new().ring().mark()).count() < PAIRS);
                prop_assert_eq!(ring.since(ring.mark()).count(), 0);
            }
        }
    }
}
