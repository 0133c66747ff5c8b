//! Active measurements, each on its own clock: what they find is read at scrape.

pub(crate) mod dns;
mod dns_message;
mod echo;
pub(crate) mod echo_socket;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod history;
pub(crate) mod latency;
pub(crate) mod ping;
mod resolver;
