//! What the stored facts add up to: outages, hours, what may be deleted. Pure: rows and the
//! time come in, values go out; the store reads and writes them, the API shows them.

pub mod derive;
pub mod hour;
pub mod ledger;
pub mod outage;
pub mod retention;
pub mod trust;
pub mod words;
