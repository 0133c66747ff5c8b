//! `test-event`: a line into the log, and the event that comes of it.
//!
//! It takes the whole way of a real one: the system's log, the source that follows it, the
//! parser, the queue, HTTP. What does not come back shows where the chain is broken.

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::clock;
use crate::config::Config;
use crate::events::kind::Kind;
use crate::roots::Roots;
use crate::running::Running;

/// BusyBox's logread looks for lines twice a second.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// `user.notice`, as RFC 3164 writes it.
const PRIORITY: &str = "<13>";
/// What the parser knows such a line by.
const TAG: &str = "netmonitor-test";

/// Sends the line, waits for the event, and tells how long it took.
///
/// # Errors
/// When there is no log to write to, no program that answers, or no event within 10 s.
pub(crate) async fn send(roots: &Roots, config: &Config) -> Result<String> {
    let program = Running::of(config);
    let before = timeout(PATIENCE, events(&program, "?limit=1"));
    let before = before.await.context("the program does not answer in time")??;
    let (stream, next) = (text(&before, "stream"), before["next_seq"].as_u64().unwrap_or(1));
    let id = format!("{:08x}", getrandom::u32().context("no random numbers")?);
    let written = clock::monotonic();
    let log = write_line(roots, &id)?;
    let waiting = async {
        let mut after = next.saturating_sub(1);
        loop {
            let query = format!("?stream={stream}&after={after}&wait=5");
            let page = events(&program, &query).await?;
            let events = page["events"].as_array().cloned().unwrap_or_default();
            if let Some(event) = events.iter().find(|event| is_ours(event, &id)) {
                return anyhow::Ok(event["seq"].clone());
            }
            after = events.last().and_then(|last| last["seq"].as_u64()).unwrap_or(after);
            // Where there is no place to wait, the answer comes at once.
            sleep(PAUSE).await;
        }
    };
    match timeout(PATIENCE, waiting).await {
        Ok(seq) => {
            let took = clock::monotonic().saturating_duration_since(written);
            Ok(format!("event {} came back through {log} after {} ms", seq?, took.as_millis()))
        }
        Err(_elapsed) => bail!(
            "the line was written to {log}, and no event came of it within {} s: the program does \
             not follow that log; see LOG_SOURCE, and log_source_up in /metrics",
            PATIENCE.as_secs()
        ),
    }
}

async fn events(program: &Running<'_>, query: &str) -> Result<Value> {
    let body = program.get(&format!("/net/events{query}")).await?;
    serde_json::from_slice(body.as_bytes())
        .with_context(|| format!("http://{} answers no JSON", program.address()))
}

fn is_ours(event: &Value, id: &str) -> bool {
    event["type"] == Kind::Test.name() && event["detail"]["id"] == id
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Writes to the system's log, else to the kernel's; returns which.
fn write_line(roots: &Roots, id: &str) -> Result<&'static str> {
    let line = format!("{PRIORITY}{TAG}: test event {id}");
    let to_syslog = || {
        let socket = UnixDatagram::unbound()?;
        socket.send_to(line.as_bytes(), roots.resolve("/dev/log"))
    };
    if to_syslog().is_ok() {
        return Ok("/dev/log");
    }
    let mut kmsg = std::fs::OpenOptions::new()
        .write(true)
        .open(roots.resolve("/dev/kmsg"))
        .context("neither /dev/log nor /dev/kmsg takes a line; run this as root on the router")?;
    // Without its end the kernel waits for more of the line.
    kmsg.write_all(format!("{line}\n").as_bytes()).context("/dev/kmsg takes no line")?;
    Ok("/dev/kmsg")
}
