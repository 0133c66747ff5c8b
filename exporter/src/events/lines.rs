//! Bytes as they come in pieces → whole lines, in bounded memory.
//!
//! Used by the sources and by `replay`. A line that lies whole inside one piece is handed
//! on without being copied.

use std::io::BufRead;

/// logd cuts messages at 1 KiB and the kernel at 2 KiB; whatever is longer is no log line.
pub(crate) const MAX_LINE_BYTES: usize = 4096;

/// Holds the beginning of a line whose end has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    pending: Vec<u8>,
    /// The pending line is too long: its rest is dropped.
    overlong: bool,
    cut_lines: u64,
}

impl Splitter {
    /// Calls `each` for every line that ends within `bytes`, without its line end.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = line_end(rest) {
            let (line, behind) = (&rest[..end], &rest[end + 1..]);
            if self.pending.is_empty() && line.len() <= MAX_LINE_BYTES {
                each(without_return(line));
            } else {
                self.hold(line);
                self.hand_over(&mut each);
            }
            rest = behind;
        }
        self.hold(rest);
    }

    /// Calls `each` for a last line without an end.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.pending.is_empty() {
            self.hand_over(&mut each);
        }
    }

    /// How many lines were longer than [`MAX_LINE_BYTES`].
    pub(crate) fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    fn hold(&mut self, bytes: &[u8]) {
        let fitting = bytes.len().min(MAX_LINE_BYTES - self.pending.len());
        self.pending.extend_from_slice(&bytes[..fitting]);
        self.overlong |= fitting < bytes.len();
    }

    fn hand_over(&mut self, each: &mut impl FnMut(&[u8])) {
        if self.overlong {
            each(&self.pending);
        } else {
            each(without_return(&self.pending));
        }
        self.cut_lines = self.cut_lines.saturating_add(u64::from(self.overlong));
        self.overlong = false;
        self.pending.clear();
    }
}

/// Where the next line end is. std looks at a word at once, several times as fast as a
/// comparison per byte, and this is the only way to have it do so.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let mut unread = bytes;
    unread.skip_until(b'\n').ok()?;
    let end = (bytes.len() - unread.len()).checked_sub(1)?;
    (bytes[end] == b'\n').then_some(end)
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
        let mut lines = Vec::new();
        let mut splitter = Splitter::default();
        for piece in pieces {
            splitter.feed(piece, |line| lines.push(line.to_vec()));
            assert!(splitter.pending.len() <= MAX_LINE_BYTES);
        }
        splitter.finish(|line| lines.push(line.to_vec()));
        splitter.finish(|_| panic!("nothing is left"));
        (lines, splitter.cut_lines())
    }

    #[test]
    fn lines_end_in_any_of_the_usual_ways() {
        let (lines, cut) = split(&[b"a\r\n\n\r", b"\nb", b"c\r", b"\nlast"]);
        assert_eq!(lines, [&b"a"[..], b"", b"", b"bc", b"last"]);
        assert_eq!(cut, 0);
    }

    #[test]
    fn a_megabyte_without_a_line_end_is_cut_and_counted() {
        let piece = [b'x'; 1000];
        let mut pieces = vec![&piece[..]; 1000];
        pieces.push(b"x\nnext\n");
        let (lines, cut) = split(&pieces);
        assert_eq!(lines, [vec![b'x'; MAX_LINE_BYTES], b"next".to_vec()]);
        assert_eq!(cut, 1);
    }

    #[test]
    fn a_line_of_the_greatest_length_is_whole() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES];
        bytes.push(b'\n');
        assert_eq!(split(&[&bytes]).1, 0);
        let mut longer = vec![b'x'; MAX_LINE_BYTES + 1];
        longer.push(b'\n');
        let (lines, cut) = split(&[&longer]);
        assert_eq!((lines[0].len(), cut), (MAX_LINE_BYTES, 1));
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let short = prop::collection::vec(prop::sample::select(b"ab\r\n\n".to_vec()), 0..40);
        let long = (4090..4102_usize).prop_map(|length| vec![b'y'; length]);
        prop::collection::vec(prop_oneof![4 => short, 1 => long], 0..8).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn pieces_never_change_the_lines(text in text(), cuts in prop::collection::vec(0.0..1.0, 0..9)) {
            let mut at: Vec<usize> =
                cuts.iter().map(|share: &f64| (share * text.len() as f64) as usize).collect();
            at.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in at {
                pieces.push(&text[from..to]);
                from = to;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(split(&pieces), split(&[&text]));
        }
    }
}
