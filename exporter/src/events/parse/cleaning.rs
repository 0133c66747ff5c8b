//! Bytes of a log → text that is safe to show: UTF-8, without control characters and
//! without the escape sequences of terminals.
//!
//! Called for every line, nearly all of which are clean already and are only looked at.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';
/// Ends a title or a link that a terminal was told.
const BELL: char = '\u{7}';

/// The line as text; borrowed when there is nothing to take out.
pub(crate) fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    let bytes = end.map_or(&bytes[..0], |last| &bytes[..=last]);
    // The check alone is several times as fast as the replacement that finds nothing.
    let text =
        std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let suspicious = !is_printable_ascii(bytes) && text.contains(char::is_control);
    if suspicious { Cow::Owned(without_controls(&text)) } else { text }
}

/// Looks at eight bytes at once: this runs over every byte of every log.
fn is_printable_ascii(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x80 * ONES;
    let (words, rest) = bytes.as_chunks::<8>();
    let is_printable = |&word: &[u8; 8]| {
        let word = u64::from_ne_bytes(word);
        // With the high bits set nothing is borrowed from a neighbour: one that is gone
        // afterwards belonged to a byte below the blank. Adding 1 sets that of DEL.
        let not_below_blank = (word | HIGH_BITS) - 0x20 * ONES;
        let del_or_more = word | ((word & !HIGH_BITS) + ONES);
        not_below_blank & HIGH_BITS == HIGH_BITS && del_or_more & HIGH_BITS == 0
    };
    words.iter().all(is_printable) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn without_controls(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\t' => kept.push(' '),
            ESCAPE => skip_escape(&mut rest),
            '\u{9b}' => skip_csi(&mut rest),
            _ if character.is_control() => {}
            _ => kept.push(character),
        }
    }
    kept
}

/// What stands behind ESC (ECMA-48, section 5).
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('[') => {
            *rest = ahead;
            skip_csi(rest);
        }
        // Strings: title, link, device control; up to BEL or ESC \.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(character) = ahead.next() {
                if character == BELL || (character == ESCAPE && ahead.next() == Some('\\')) {
                    *rest = ahead;
                    return;
                }
            }
            // No end: only the introducer goes, so that it cannot hide the line.
            rest.next();
        }
        // Choice of a character set: one more character.
        Some('(' | ')' | '*' | '+' | '#' | '%') => {
            ahead.next();
            *rest = ahead;
        }
        Some(character) if !character.is_control() && character.is_ascii() => *rest = ahead,
        _ => {}
    }
}

/// Parameters (0–?), intermediates (blank–/) and one final character (@–~).
fn skip_csi(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    while let Some(character) = ahead.next() {
        match character {
            ' '..='?' => *rest = ahead.clone(),
            '@'..='~' => {
                *rest = ahead;
                return;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(clean(bytes), expected);
    }

    #[test]
    fn a_clean_line_is_not_copied() {
        for text in ["netifd: Interface 'wan' is now up ", "地址 é £", ""] {
            let line = format!("{text}\r\n");
            assert!(matches!(clean(line.as_bytes()), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn controls_and_terminal_sequences_are_taken_out() {
        check(b"\x1b[1;31mpppd\x1b[0m[1]:\tExit.\0\x07\r\n", "pppd[1]: Exit.");
        check(b"\x1b]0;title\x07a\x1b]8;;x\x1b\\b", "ab");
        check(b"\x1b(Ba\x1b=b\x1b", "ab");
        check("a\u{9b}31mb\u{85}c".as_bytes(), "abc");
        check(b"\x1b]0;never ended", "0;never ended");
        check(b"\x1b[12", "");
        check("\u{1b}[1é".as_bytes(), "é");
    }

    #[test]
    fn what_is_no_utf_8_is_marked() {
        check(b"a\xffb", "a\u{fffd}b");
        check(b"a\xc2\x85\xe5\x9c", "a\u{fffd}");
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..19 {
                let mut bytes = [b'a'; 19];
                bytes[at] = byte;
                assert_eq!(is_printable_ascii(&bytes), (b' '..=b'~').contains(&byte), "{byte}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(bytes: Vec<u8>) {
            prop_assert!(!clean(&bytes).contains(char::is_control));
        }
    }
}
