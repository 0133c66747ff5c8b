//! netifd's announcements: `ubus listen network.interface`.
//!
//! They carry no time and come twice as often as not; the log tells the same, better.
//! They serve where there is no log, and to look at the WAN at once.

use std::path::PathBuf;

use super::child;
use super::{CHUNK_BYTES, Feed, Follow};
use crate::events::timeline::Span;

/// Follows `ubus listen`.
pub(crate) struct Ubus {
    program: PathBuf,
}

impl Ubus {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program }
    }
}

impl Follow for Ubus {
    const SPAN: Span = Span::ThisBoot;

    fn what(&self) -> String {
        format!("{} listen network.interface", self.program.display())
    }

    async fn follow(&mut self, feed: &mut Feed<'_>) -> String {
        let mut child = match child::start(&self.program, &["listen", "network.interface"]) {
            Ok(child) => child,
            Err(error) => return format!("cannot be started: {error}"),
        };
        // It says nothing until something happens.
        feed.opened();
        let mut buffer = vec![0; CHUNK_BYTES / 4];
        loop {
            match child.read(&mut buffer).await {
                Ok(0) => return child.end().await,
                Ok(length) => {
                    feed.lines(&buffer[..length], |intake, _, line| intake.announced(line))
                }
                Err(error) => return format!("cannot be read: {error}"),
            }
            tokio::task::yield_now().await;
        }
    }
}
