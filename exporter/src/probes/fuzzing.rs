//! What a fuzzer calls with packets that may be answers.

use super::dns_message::{Verdict, judge, question};
use super::echo::{Family, Framing, Sender};

const ID: u16 = 0x1234;
const NAME: &str = "example.com";
/// Eight letters, so that they can be in a dictionary.
const TOKEN: &[u8; 8] = b"TokenOf8";

/// An answer to the one DNS question, or to a ping.
pub(crate) fn packet(bytes: &[u8]) {
    let asked = question(ID, NAME).expect("it is a name");
    let verdict = judge(&asked, bytes);
    assert!(verdict.is_none() || bytes.starts_with(&ID.to_be_bytes()));
    assert!(verdict != Some(Verdict::Answered) || bytes[3] & 0x0f == 0);
    for family in [Family::V4, Family::V6] {
        let sender = Sender { family, identifier: ID, token: u64::from_be_bytes(*TOKEN) };
        for framing in [Framing::Bare, Framing::Ipv4Header] {
            let answered = sender.answered_by(bytes, framing);
            let has_token = bytes.windows(TOKEN.len()).any(|part| part == TOKEN);
            assert!(answered.is_none() || has_token);
        }
    }
}
