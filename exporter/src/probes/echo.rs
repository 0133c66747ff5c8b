//! ICMP echo messages. Pure.
//!
//! Formats: RFC 792 and RFC 4443 (echo request and reply), RFC 791 (IPv4 header, which a
//! raw socket delivers and a datagram socket does not). A reply is recognised by a token
//! in its payload: the kernel rewrites the identifier on datagram sockets, and the
//! 16-bit sequence number wraps.

/// Bytes of a whole message: as long as the usual `ping`, 56 bytes of payload.
const MESSAGE_BYTES: usize = 64;
const HEADER_BYTES: usize = 8;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// What the socket puts in front of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Nothing.
    Bare,
    /// The IPv4 header.
    Ipv4Header,
}

/// Who sends: one for each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) family: Family,
    pub(super) identifier: u16,
    /// Random, so that nobody else's replies are taken for ours.
    pub(super) token: u64,
}

impl Sender {
    /// The `count`-th request.
    pub(super) fn request(&self, count: u64) -> [u8; MESSAGE_BYTES] {
        let mut message = [0; MESSAGE_BYTES];
        message[0] = match self.family {
            Family::V4 => 8,
            Family::V6 => 128,
        };
        message[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        message[6..8].copy_from_slice(&(count as u16).to_be_bytes());
        message[8..16].copy_from_slice(&self.token.to_be_bytes());
        message[16..24].copy_from_slice(&count.to_be_bytes());
        // For IPv6 the kernel computes the sum: it covers addresses we do not know.
        if self.family == Family::V4 {
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        message
    }

    /// Which of our requests `packet` answers; `None`: not an answer, or not to us.
    pub(super) fn answered_by(&self, packet: &[u8], framing: Framing) -> Option<u64> {
        let message = match framing {
            Framing::Bare => packet,
            // The header may carry options; its length is in its first byte.
            Framing::Ipv4Header => packet.get(usize::from(packet.first()? & 0x0f) * 4..)?,
        };
        let reply = match self.family {
            Family::V4 => 0,
            Family::V6 => 129,
        };
        let payload = message.get(HEADER_BYTES..)?;
        if message[0] != reply || message[1] != 0 {
            return None;
        }
        let word = |at: usize| Some(u64::from_be_bytes(payload.get(at..at + 8)?.try_into().ok()?));
        (word(0)? == self.token).then_some(())?;
        word(8)
    }
}

/// RFC 1071: one's complement of the one's complement sum.
fn checksum(message: &[u8]) -> u16 {
    let words = message
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SENDER: Sender =
        Sender { family: Family::V4, identifier: 0x1234, token: 0xfeed_face_cafe };

    fn reply(sender: &Sender, count: u64) -> Vec<u8> {
        let mut message = sender.request(count).to_vec();
        message[0] = if sender.family == Family::V4 { 0 } else { 129 };
        message
    }

    #[test]
    fn the_checksum_of_a_message_with_its_checksum_is_zero() {
        assert_eq!(checksum(&SENDER.request(7)), 0);
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0x220d);
    }

    #[test]
    fn a_reply_is_known_by_its_token_even_when_the_identifier_was_rewritten() {
        let mut message = reply(&SENDER, 9);
        message[4..6].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(SENDER.answered_by(&message, Framing::Bare), Some(9));
        message[8] ^= 1;
        assert_eq!(SENDER.answered_by(&message, Framing::Bare), None);
    }

    #[test]
    fn counts_beyond_16_bits_are_told_apart() {
        assert_eq!(SENDER.answered_by(&reply(&SENDER, 65_536 + 9), Framing::Bare), Some(65_545));
    }

    #[test]
    fn our_own_request_coming_back_is_no_reply() {
        assert_eq!(SENDER.answered_by(&SENDER.request(9), Framing::Bare), None);
    }

    #[test]
    fn a_raw_sockets_header_is_skipped_with_its_options() {
        for words in [5_u8, 6, 15] {
            let mut packet = vec![0; usize::from(words) * 4];
            packet[0] = 0x40 | words;
            packet.extend(reply(&SENDER, 3));
            assert_eq!(SENDER.answered_by(&packet, Framing::Ipv4Header), Some(3));
        }
    }

    #[test]
    fn ipv6_has_its_own_types() {
        let sender = Sender { family: Family::V6, ..SENDER };
        assert_eq!(sender.request(1)[0], 128);
        assert_eq!(sender.answered_by(&reply(&sender, 1), Framing::Bare), Some(1));
    }

    proptest! {
        #[test]
        fn any_packet_is_read_or_refused(packet in prop::collection::vec(any::<u8>(), 0..80)) {
            SENDER.answered_by(&packet, Framing::Bare);
            SENDER.answered_by(&packet, Framing::Ipv4Header);
        }
    }
}
