//! What holds on every engine: read once for each of them.

use super::*;

mod exactly_once;
mod hours;
mod month;
mod outages;
mod reading;
mod retention;
