//! Starts a program, learns its port from what it says, and ends it.
//!
//! The only place here that starts what is tested. A program never outlives us: it is killed
//! when [`Running`] is dropped, and where `setpriv` (util-linux) is installed, the kernel
//! ends it when we are killed.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::clock;
use crate::cores::Cores;
use crate::usage::Usage;

const START_TIME: Duration = Duration::from_secs(20);
/// Of its last words, for error messages.
const LINES_KEPT: usize = 10;

/// What to start, and how to know that it answers.
pub struct Launch<'a> {
    /// Path of the program.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// On standard error, its address follows this text.
    pub address_after: &'static str,
    /// Where to run; `None`: anywhere.
    pub cores: Option<&'a Cores>,
}

/// A program that answers.
pub struct Running {
    child: Killed,
    said: Arc<Said>,
    /// Where it answers.
    pub address: SocketAddr,
    /// What it uses.
    pub usage: Usage,
}

impl Launch<'_> {
    /// Starts the program and waits until it says where it answers.
    ///
    /// # Errors
    /// When it cannot be started, ends, or says nothing; with its last words.
    pub fn start(&self) -> Result<Running> {
        let name = self.program.display();
        let mut child = spawn(command(self.program, &self.arguments), self.cores)
            .with_context(|| format!("cannot start {name}"))?;
        let said = Arc::new(Said::default());
        if let Some(output) = child.0.stderr.take() {
            let (said, mark) = (Arc::clone(&said), self.address_after);
            std::thread::spawn(move || said.listen_to(output, mark));
        }
        let Some(address) = said.wait_for_address() else {
            let last = said.last_words();
            bail!("{name} does not say where it answers; its last words:\n{last}");
        };
        let usage = Usage::of(child.0.id());
        Ok(Running { child, said, address, usage })
    }
}

/// A program that is asked and answers through pipes.
pub struct Piped {
    _child: Killed,
    /// Where it reads.
    pub input: ChildStdin,
    /// What it writes.
    pub output: BufReader<ChildStdout>,
}

impl Piped {
    /// Starts `program`; its errors are ours.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &OsStr, arguments: &[OsString], cores: Option<&Cores>) -> Result<Self> {
        let mut command = command(program, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child =
            spawn(command, cores).with_context(|| format!("cannot start {}", program.display()))?;
        let pipes = child.0.stdin.take().zip(child.0.stdout.take());
        let (input, output) = pipes.context("a program without pipes")?;
        let output = BufReader::with_capacity(128 << 10, output);
        Ok(Self { _child: child, input, output })
    }
}

/// With a fixed environment, so that nobody's settings change the figures.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn command(program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = match find_on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn spawn(mut command: Command, cores: Option<&Cores>) -> std::io::Result<Killed> {
    let started = match cores {
        Some(cores) => cores.inherited(|| command.spawn()),
        None => command.spawn(),
    };
    started.map(Killed)
}

impl Running {
    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Asks it to end, and returns when it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn end(mut self) -> Result<()> {
        let id = i32::try_from(self.child.0.id())?;
        kill_process(Pid::from_raw(id).context("no process")?, Signal::TERM)?;
        clock::until("it ends", || Ok(self.child.0.try_wait()?.is_some()))
    }

    /// Fails when the program has ended, with its last words.
    ///
    /// # Errors
    /// See above.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("ended ({status}):\n{}", self.said.last_words()),
        }
    }
}

/// Ends when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The program `name`, if it is in one of the folders of `PATH`.
#[must_use]
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// What a program says.
#[derive(Debug, Default)]
struct Said {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    address: Option<SocketAddr>,
    last: VecDeque<String>,
    ended: bool,
}

impl Said {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads to the end, so that the program never waits for us.
    fn listen_to(&self, output: impl Read, mark: &str) {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut state = self.state();
            state.address = state.address.or_else(|| announced(&line, mark));
            if state.last.len() == LINES_KEPT {
                state.last.pop_front();
            }
            state.last.push_back(line);
            self.changed.notify_all();
        }
        self.state().ended = true;
        self.changed.notify_all();
    }

    fn wait_for_address(&self) -> Option<SocketAddr> {
        let waits = |state: &mut State| state.address.is_none() && !state.ended;
        let waited = self.changed.wait_timeout_while(self.state(), START_TIME, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.address
    }

    fn last_words(&self) -> String {
        Vec::from(self.state().last.clone()).join("\n")
    }
}

/// The address right after `mark`.
fn announced(line: &str, mark: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(mark)?;
    // One more of them has its path.
    rest.split_whitespace().next()?.trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_the_mark() {
        let ours = " INFO netmonitor-exporter 0.1.0 answers on http://127.0.0.1:33823";
        let expected = Some(([127, 0, 0, 1], 33823).into());
        assert_eq!(announced(ours, "answers on http://"), expected);
        let other = "ts=1 caller=x msg=\"Listening on\" address=127.0.0.1:33823 more";
        assert_eq!(announced(other, "address="), expected);
        let expected = Some(([127, 0, 0, 1], 8428).into());
        assert_eq!(announced("started at http://127.0.0.1:8428/", "at http://"), expected);
        assert_eq!(announced("address=somewhere", "address="), None);
        assert_eq!(announced("Starting", "address="), None);
    }

    fn shell(script: &str) -> Result<Running> {
        let arguments = vec!["-c".into(), script.into()];
        let program = OsStr::new("/bin/sh");
        Launch { program, arguments, address_after: "at ", cores: None }.start()
    }

    #[test]
    fn a_program_is_watched_and_ends_with_us() {
        let mut running = shell("echo up at 127.0.0.1:7 >&2; exec sleep 60").unwrap();
        assert_eq!(running.address.port(), 7);
        running.check_alive().unwrap();
        let folder = PathBuf::from(format!("/proc/{}", running.child.0.id()));
        assert!(folder.exists());
        drop(running);
        assert!(!folder.exists());
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = shell("echo port in use >&2; exit 1").err().unwrap();
        let expected = "/bin/sh does not say where it answers; its last words:\nport in use";
        assert_eq!(error.to_string(), expected);
    }
}
