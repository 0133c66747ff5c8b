//! Somebody whom Alertmanager tells by its webhook: a phone that can be out of reach.
//!
//! A message that cannot be taken is read, and the connection closed without an answer. That is
//! the hardest kind of "away" for Alertmanager: the attempt fails at once and is made again and
//! again, so that one may be under way whenever the receiver comes back. (No answer at all
//! would hold a single attempt until its time is over.)

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

/// For a request that somebody has begun.
const PATIENCE: Duration = Duration::from_secs(10);
const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What Alertmanager sends (version 4), as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    /// What the alerts of a message have in common.
    #[serde(rename = "groupLabels")]
    pub group: BTreeMap<String, String>,
    /// In Alertmanager's order.
    pub alerts: Vec<Alert>,
}

/// An alert in a message.
#[derive(Debug, Clone, Deserialize)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    /// `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// Since when it fires.
    #[serde(rename = "startsAt", deserialize_with = "crate::bridge::time")]
    pub starts_at: jiff::Timestamp,
    /// Alertmanager's name for it.
    pub fingerprint: String,
}

impl Message {
    /// Whose message it is; empty: of no router.
    #[must_use]
    pub fn router(&self) -> &str {
        self.group.get("router").map_or("", String::as_str)
    }

    /// Is this in it? `status`: `firing` or `resolved`.
    #[must_use]
    pub fn has(&self, alert: &str, status: &str) -> bool {
        self.alerts.iter().any(|one| one.name() == alert && one.status == status)
    }
}

impl Alert {
    /// Of its rule.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }
}

/// The receiver; gone when dropped.
pub struct Receiver {
    /// Where it answers.
    pub address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Heard {
    taken: Vec<Message>,
    missed: Vec<Message>,
}

fn locked(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    /// Takes the messages that it `can_hear`.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(can_hear: impl Fn(&Message) -> bool + Send + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot have a port")?;
        let address = listener.local_addr()?;
        let (heard, stop) = (Arc::<Mutex<Heard>>::default(), Arc::<AtomicBool>::default());
        let (to, stopped) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("receiver".to_owned());
        let thread = thread.spawn(move || {
            // One after the other: that is quick, and in the order in which they were sent.
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // Whoever sends no whole message has his own reasons.
                serve(&stream, &to, &can_hear).ok();
            }
        })?;
        Ok(Self { address, heard, stop, thread: Some(thread) })
    }

    /// What has arrived, in this order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        locked(&self.heard).taken.clone()
    }

    /// What was tried while it was out of reach.
    #[must_use]
    pub fn missed(&self) -> Vec<Message> {
        locked(&self.heard).missed.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Ends the wait for the next one.
        if TcpStream::connect_timeout(&self.address, PATIENCE).is_ok()
            && let Some(thread) = self.thread.take()
        {
            thread.join().ok();
        }
    }
}

fn serve(
    mut stream: &TcpStream,
    heard: &Mutex<Heard>,
    can_hear: impl Fn(&Message) -> bool,
) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let message = serde_json::from_slice(&read_body(&mut BufReader::new(stream))?)?;
    if !can_hear(&message) {
        locked(heard).missed.push(message);
        return Ok(());
    }
    // Before the answer: who has it, and says so, has it.
    locked(heard).taken.push(message);
    Ok(stream.write_all(TAKEN.as_bytes())?)
}

fn read_body(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut length = 0;
    for line in from.by_ref().lines() {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().context("Content-Length")?;
            }
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).context("the body is cut off")?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const MESSAGE: &str = r#"{"version": "4", "groupLabels": {"router": "NAME"}, "alerts": [
        {"status": "firing", "labels": {"alertname": "WanDown"}, "fingerprint": "1",
         "startsAt": "2026-01-02T03:04:05.678Z", "endsAt": "0001-01-01T00:00:00Z"}]}"#;

    fn send(to: &Receiver, router: &str) -> String {
        let mut stream = TcpStream::connect(to.address).unwrap();
        let body = MESSAGE.replace("NAME", router);
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn who_is_out_of_reach_gives_no_answer() {
        let receiver = Receiver::start(|message| message.router() != "away").unwrap();
        assert_eq!(send(&receiver, "away"), "");
        assert_eq!(send(&receiver, "home"), TAKEN);
        let of = |messages: Vec<Message>| -> Vec<_> {
            messages.iter().map(|message| message.router().to_owned()).collect()
        };
        assert_eq!(of(receiver.messages()), ["home"]);
        assert_eq!(of(receiver.missed()), ["away"]);
        let message = &receiver.messages()[0];
        assert!(message.has("WanDown", "firing") && !message.has("WanDown", "resolved"));
    }
}
