//! Whoever answers PromQL over HTTP as Prometheus does: Prometheus, and stores that it writes to.

use std::ops::Range;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::clock;
use crate::http_client::Client;
use crate::running::Running;

/// One that is running; killed when dropped.
pub struct Engine {
    /// The process.
    pub running: Running,
}

impl Engine {
    /// The one that has been started, once the page `ready` says that it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn once_ready(running: Running, ready: &str) -> Result<Self> {
        let engine = Self { running };
        clock::until("it is ready for questions", || Ok(engine.get(ready).is_ok()))?;
        Ok(engine)
    }

    fn get(&self, path: &str) -> Result<String> {
        Ok(Client::connect(self.running.address)?.get(path)?.to_owned())
    }

    /// `data.result` of a query at a moment, in seconds since 1970.
    ///
    /// # Errors
    /// When it is refused.
    pub fn query(&self, expression: &str, at: u64) -> Result<Vec<Value>> {
        self.ask(&format!("query?query={}&time={at}", escaped(expression)))
    }

    /// `data.result` of a query over a time.
    ///
    /// # Errors
    /// When it is refused.
    pub fn query_range(
        &self,
        expression: &str,
        times: Range<u64>,
        step: u64,
    ) -> Result<Vec<Value>> {
        let (query, from, until) = (escaped(expression), times.start, times.end);
        self.ask(&format!("query_range?query={query}&start={from}&end={until}&step={step}"))
    }

    fn ask(&self, question: &str) -> Result<Vec<Value>> {
        let answer =
            self.get(&format!("/api/v1/{question}")).with_context(|| question.to_owned())?;
        let mut answer: Value = serde_json::from_str(&answer)?;
        let result = answer["data"]["result"].take();
        serde_json::from_value(result).with_context(|| question.to_owned())
    }
}

/// For a URL: every byte that could mean something there.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_escaped() {
        assert_eq!(escaped("a_b{c=\"d\"}[5m]"), "a_b%7Bc%3D%22d%22%7D%5B5m%5D");
    }
}
