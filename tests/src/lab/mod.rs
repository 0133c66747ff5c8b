//! Judges what the exporter said in the PPPoE laboratory (`tests/pppoe-lab/`), whose script wrote
//! down what it had done, and when.
//!
//! [`truth`] reads the script's notes, [`answers`] what the exporter said; [`expected`] is the
//! table of what must be said; [`check`] compares. Pure but for [`answers::Saved::read`].

pub mod answers;
pub mod check;
pub mod expected;
pub mod finding;
pub mod truth;
