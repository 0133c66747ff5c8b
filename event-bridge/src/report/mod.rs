//! A month of a router for whoever provides its line: when the internet was gone, why, and on
//! whose side, with the way it was counted. One value ([`facts::Report`]) is made of rows and
//! shown as a page for print, as CSV and as JSON. Pure: the API asks for it, the store reads
//! the rows.

mod csv;
mod evidence;
mod facts;
mod figures;
mod html;
mod json;
mod month;
mod sentences;
mod spans;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use self::csv::csv;
pub(crate) use self::facts::{Asked, Report};
pub(crate) use self::figures::short as duration_in_short;
pub(crate) use self::html::html;
pub(crate) use self::json::Shape;
pub(crate) use self::month::Month;
