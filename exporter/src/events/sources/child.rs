//! A program whose output is followed until it ends: `logread -f`, `ubus listen`.
//!
//! A child must not outlive us, even if we are killed: it is started through this very
//! program ([`become_program`]), which asks the kernel to end it with its parent and then
//! turns into the program wanted. Its whole process group goes when we stop following.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::command::Group;

/// Our own program, also after its file was replaced.
const OURSELVES: &str = "/proc/self/exe";
/// The subcommand that [`become_program`] serves: our process id, the program, its
/// arguments.
pub(crate) const SUBCOMMAND: &str = "follow-child";
/// The exit code of shells for a program that cannot be started.
pub(crate) const NOT_STARTED: u8 = 127;

/// From being killed to being gone.
const EXIT_TIME: Duration = Duration::from_secs(1);

/// A child that runs.
pub(super) struct Child {
    stdout: ChildStdout,
    /// Before the child itself: a group can be ended only while its leader is not reaped.
    group: Group,
    child: tokio::process::Child,
}

/// Starts a program in a process group of its own.
pub(super) fn start(program: &Path, arguments: &[&str]) -> io::Result<Child> {
    if !program.exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is not installed"));
    }
    #[expect(clippy::disallowed_methods, reason = "sources follow programs")]
    let mut child = Command::new(OURSELVES)
        .args([SUBCOMMAND, &std::process::id().to_string(), "--"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = Group::of(&child);
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    Ok(Child { stdout, group, child })
}

impl Child {
    /// The next bytes; 0: it has closed its output.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdout.read(buffer).await
    }

    /// Ends it, if it has not ended, and says how it did.
    pub(super) async fn end(self) -> String {
        let Self { stdout, group, mut child } = self;
        drop(stdout);
        // What has closed its output may still be there, and has nothing to say any more;
        // what is about to exit keeps its exit code. After the waiting, the group's number
        // could be another's.
        drop(group);
        let Ok(status) = timeout(EXIT_TIME, child.wait()).await else {
            return "it cannot be ended".to_owned();
        };
        match status {
            Ok(status) => match status.code() {
                Some(code) if code == i32::from(NOT_STARTED) => "it cannot be started".to_owned(),
                Some(code) => format!("it ended with exit code {code}"),
                None => "it has closed its output".to_owned(),
            },
            Err(error) => format!("it cannot be waited for: {error}"),
        }
    }
}

/// Turns this process, a child of `parent`, into the program: the first argument, with the
/// others as its own. Returns only when that fails.
///
/// # Errors
/// When the program cannot be started.
pub(crate) fn become_program(parent: i32, arguments: &[OsString]) -> io::Error {
    let Some((program, rest)) = arguments.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "which program?");
    };
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // Orphaned before that: nobody follows us any more.
    if rustix::process::getppid().is_none_or(|now| now.as_raw_pid() != parent) {
        return io::Error::other("nobody follows");
    }
    #[expect(clippy::disallowed_methods, reason = "sources follow programs")]
    std::process::Command::new(program).args(rest).exec()
}
