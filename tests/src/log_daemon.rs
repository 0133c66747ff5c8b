//! Plays OpenWrt's log daemon: `logread`, which the exporter starts, prints what we write.
//!
//! The program is ourselves under another name: a link `ROOT/sbin/logread` that a
//! measuring program serves first thing in its `main` ([`played`]). It copies from a socket
//! to its output and has no delay of its own, unlike `tail -f`.

use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock;

const PROGRAM: &str = "logread";
/// Below the root of the router.
const SOCKET: &str = "log.sock";
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Our end.
pub struct LogDaemon(UnixListener);

impl LogDaemon {
    /// Puts `logread` into a root.
    ///
    /// # Errors
    /// When it cannot be put there.
    pub fn install(root: &Path) -> Result<Self> {
        let folder = root.join("sbin");
        std::fs::create_dir_all(&folder)?;
        let ourselves = std::env::current_exe().context("we do not know our own program")?;
        symlink(ourselves, folder.join(PROGRAM)).context("cannot install logread")?;
        let socket = root.join(SOCKET);
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// What is written here comes out of the `logread` that was started last.
    ///
    /// # Errors
    /// When nobody starts it.
    pub fn accept(&self) -> Result<impl Write + Send + use<>> {
        let start = clock::now();
        loop {
            match self.0.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    return Ok(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ensure!(start.elapsed() < PATIENCE, "the exporter does not start logread");
                    clock::wait_until(clock::now() + LOOK_AGAIN);
                }
                Err(error) => return Err(error).context("cannot wait for logread"),
            }
        }
    }
}

/// If this program was started under the name `logread`: plays it to its end.
#[must_use]
pub fn played() -> Option<io::Result<()>> {
    let name = std::env::args_os().next().map(PathBuf::from)?;
    if name.file_name()? != PROGRAM {
        return None;
    }
    let socket = name.parent()?.parent()?.join(SOCKET);
    Some(UnixStream::connect(socket).and_then(print))
}

fn print(mut log: UnixStream) -> io::Result<()> {
    io::copy(&mut log, &mut io::stdout()).map(|_| ())
}
