//! The kernel's own log, `/dev/kmsg` (Documentation/ABI/testing/dev-kmsg): one record a
//! read. Only where no log daemon carries its lines already.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;

use tokio::net::unix::pipe;

use super::{Feed, Follow};
use crate::events::positions::Place;
use crate::events::timeline::{Span, Timeline};

/// The kernel refuses to give a record to a smaller buffer than the record.
const MAX_RECORD_BYTES: usize = 8 * 1024;
/// Records taken in a row before others get their turn.
const BURST: usize = 64;

/// Follows `/dev/kmsg`.
pub(crate) struct KernelLog {
    path: PathBuf,
}

impl KernelLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The kernel's log as if it were a pipe: it is waited for and read like one, and
    /// tokio has no other safe door for a file that can be waited for.
    fn open(&self) -> io::Result<pipe::Receiver> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path)?;
        if !file.metadata()?.file_type().is_char_device() {
            return Err(io::Error::other("it is not the kernel's log"));
        }
        pipe::Receiver::from_file_unchecked(file)
    }
}

impl Follow for KernelLog {
    const SPAN: Span = Span::ThisBoot;

    fn what(&self) -> String {
        self.path.display().to_string()
    }

    async fn follow(&mut self, feed: &mut Feed<'_>) -> String {
        let log = match self.open() {
            Ok(log) => log,
            Err(error) => return format!("cannot be opened: {error}"),
        };
        feed.opened();
        feed.timeline = Timeline::new(Self::SPAN);
        let mut buffer = vec![0; MAX_RECORD_BYTES];
        loop {
            if let Err(error) = log.readable().await {
                return format!("cannot be waited for: {error}");
            }
            for _ in 0..BURST {
                match log.try_read(&mut buffer) {
                    Ok(0) => return "it has ended".to_owned(),
                    Ok(length) => record(feed, &buffer[..length]),
                    // The ring has overtaken us; the next read goes on with what is left.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => feed.missed_some(),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        feed.timeline.go_live();
                        break;
                    }
                    Err(error) => return format!("cannot be read: {error}"),
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A record: its line, then lines of the device's properties, which tell nothing.
fn record(feed: &mut Feed<'_>, record: &[u8]) {
    let line = record.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let number = number(line);
    // Read before the program was started anew.
    if number.is_some_and(|number| feed.intake.has_kernel_record(number)) {
        return;
    }
    feed.record(line, number.map_or(Place::Nowhere, Place::Kernel));
}

/// `6,1234,…`: the second field.
fn number(line: &[u8]) -> Option<u64> {
    let field = line.split(|byte| *byte == b',').nth(1)?;
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_a_number() {
        assert_eq!(number(b"6,1234,5678901,-;eth1: x"), Some(1234));
        assert_eq!(number(b" SUBSYSTEM=net"), None);
        assert_eq!(number(b"6,x,1,-;"), None);
    }
}
