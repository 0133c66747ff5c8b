//! The one DNS question we ask, and whether an answer is an answer. Pure.
//!
//! Format: RFC 1035 §4. A whole resolver library would be larger than the exporter;
//! all that is needed here is whether the provider's resolver answers, and how fast.

/// Longest answer without extensions.
pub(super) const MAX_BYTES: usize = 512;

/// Asks for the IPv4 address of `name`; `None` for a name that DNS cannot carry.
pub(super) fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    const RECURSION_DESIRED: u16 = 0x0100;
    let mut message = Vec::with_capacity(name.len() + 18);
    for word in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]); // root, type A, class IN
    (name.len() <= 253).then_some(message)
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The name was found.
    Answered,
    /// The resolver refused, failed, or knows no such name.
    Failed,
}

/// Judges a packet; `None`: not the answer to this question.
pub(super) fn judge(question: &[u8], packet: &[u8]) -> Option<Verdict> {
    const IS_ANSWER: u8 = 0x80;
    let header = packet.get(..12)?;
    let asked = question.get(12..)?;
    // The question comes back with the answer; some resolvers change its case.
    let repeated = packet.get(12..12 + asked.len())?;
    if header[..2] != question[..2]
        || header[2] & IS_ANSWER == 0
        || !repeated.eq_ignore_ascii_case(asked)
    {
        return None;
    }
    let code = header[3] & 0x0f;
    let answers = u16::from_be_bytes([header[6], header[7]]);
    Some(if code == 0 && answers > 0 { Verdict::Answered } else { Verdict::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(question: &[u8], code: u8, answers: u8) -> Vec<u8> {
        let mut packet = question.to_vec();
        packet[2] |= 0x80;
        packet[3] = 0x80 | code;
        packet[7] = answers;
        packet
    }

    #[test]
    fn a_question_is_as_the_standard_wants_it() {
        let expected = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
        assert_eq!(question(0x1234, "example.com.").unwrap(), expected);
        assert_eq!(question(1, "a..b"), None);
        assert_eq!(question(1, &"x".repeat(64)), None);
    }

    #[test]
    fn answers_are_judged() {
        let asked = question(7, "example.com").unwrap();
        assert_eq!(judge(&asked, &answer(&asked, 0, 1)), Some(Verdict::Answered));
        assert_eq!(judge(&asked, &answer(&asked, 0, 0)), Some(Verdict::Failed), "no address");
        assert_eq!(judge(&asked, &answer(&asked, 3, 0)), Some(Verdict::Failed), "no such name");
        assert_eq!(judge(&asked, &answer(&asked, 2, 0)), Some(Verdict::Failed), "server failure");
    }

    #[test]
    fn what_answers_another_question_is_not_ours() {
        let asked = question(7, "example.com").unwrap();
        let other = question(8, "example.com").unwrap();
        assert_eq!(judge(&asked, &answer(&other, 0, 1)), None);
        assert_eq!(judge(&asked, &asked), None, "our own question");
        assert_eq!(judge(&asked, &answer(&asked, 0, 1)[..20]), None, "cut");
    }

    proptest! {
        #[test]
        fn any_packet_is_judged_or_refused(packet in prop::collection::vec(any::<u8>(), 0..64)) {
            judge(&question(7, "example.com").unwrap(), &packet);
        }
    }
}
