//! Child processes that answer and end: `ubus call`, and the command a user names.
//!
//! The only place outside `events/sources/` that starts programs. A child has a time
//! limit, its output a bound, and it is killed with its whole process group, so that
//! nothing it started stays behind. No shell is involved.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

/// `ubus call` answers within 50 ms on a busy router; a login to a stick takes seconds.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A process that has been killed is gone at once, unless it hangs in the kernel.
const REAP_TIME: Duration = Duration::from_secs(1);

/// The longest answer seen is a full `network.device status`, 30 kB.
const MAX_OUTPUT_BYTES: u64 = 256 * 1024;

/// Why a command gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("{program}: cannot be started: {reason}")]
    NotStarted { program: String, reason: String },
    #[error("{program}: no answer within {} s; it was stopped", TIME_LIMIT.as_secs())]
    TimedOut { program: String },
    /// What it said is left out: a shell that echoes its commands says passwords.
    #[error("{program}: ended with {status}")]
    Failed { program: String, status: String, code: Option<i32> },
}

/// Runs a program to its end and returns what it wrote to its standard output.
///
/// # Errors
/// When it cannot be started, does not end in time, or ends with another code than 0.
pub(crate) async fn output(program: &Path, arguments: &[&str]) -> Result<String, CommandError> {
    // Arguments may hold a password of the user's stick: only the program is named.
    let name = program.display().to_string();
    let not_started = |error: &io::Error| CommandError::NotStarted {
        program: name.clone(),
        reason: error.to_string(),
    };
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(&error))?;
    let group = Group::of(&child);
    let stdout = child.stdout.take();
    let run = async { tokio::join!(child.wait(), bounded(stdout)) };
    let finished = timeout(TIME_LIMIT, run).await;
    drop(group);
    let Ok((status, stdout)) = finished else {
        // Reaped here, so that no zombie is left; what hangs in a driver even now is left
        // to tokio, which reaps it when it ends.
        timeout(REAP_TIME, child.wait()).await.ok();
        return Err(CommandError::TimedOut { program: name });
    };
    let status = status.map_err(|error| not_started(&error))?;
    if status.success() {
        return Ok(stdout);
    }
    let status_text = match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("exit code {}", status.code().unwrap_or(-1)),
    };
    Err(CommandError::Failed { program: name, status: status_text, code: status.code() })
}

/// Reads to the end, keeps the beginning: a child that never stops talking can neither
/// fill our memory nor block on a full pipe.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let mut kept = Vec::new();
    // An unreadable pipe ends the output; the exit status says whether that matters.
    let read = (&mut pipe).take(MAX_OUTPUT_BYTES).read_to_end(&mut kept).await;
    if read.is_ok() {
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await.ok();
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The process group of a child: ended when dropped, so also when nobody waits any more
/// because the program stops. That there is nobody left in it is the rule.
pub(crate) struct Group(Option<u32>);

impl Group {
    /// Of a child that leads a group of its own.
    pub(crate) fn of(child: &tokio::process::Child) -> Self {
        Self(child.id())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(leader) = leader.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<String, CommandError> {
        output(Path::new("/bin/sh"), &["-c", script]).await
    }

    #[tokio::test]
    async fn output_is_returned() {
        assert_eq!(shell("echo hello").await.as_deref(), Ok("hello\n"));
    }

    #[tokio::test]
    async fn a_failure_names_its_code_and_not_what_was_said() {
        let error = shell("echo password is secret >&2; exit 4").await.unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh: ended with exit code 4");
    }

    #[tokio::test]
    async fn output_without_end_is_cut() {
        let text = shell("head -c 3000000 /dev/zero | tr '\\0' x").await.unwrap();
        assert_eq!(text.len() as u64, MAX_OUTPUT_BYTES);
    }

    /// Ended, or a zombie that waits for init to collect it.
    async fn until_ended(pid: &str) {
        let stat = format!("/proc/{}/stat", pid.trim());
        let deadline = crate::clock::monotonic() + Duration::from_secs(5);
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(crate::clock::monotonic() < deadline, "the child's child still runs");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_a_child_leaves_in_the_background_is_ended() {
        until_ended(&shell("sleep 600 >/dev/null 2>&1 & echo $!").await.unwrap()).await;
    }

    #[tokio::test]
    async fn nothing_is_left_when_nobody_waits_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", note.display());
        let waiting = tokio::spawn(async move { shell(&script).await });
        let mut pid = String::new();
        while pid.is_empty() {
            tokio::task::yield_now().await;
            pid = std::fs::read_to_string(&note).unwrap_or_default();
        }
        waiting.abort();
        until_ended(&pid).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_hangs_is_stopped() {
        let error = shell("sleep 600").await.unwrap_err();
        assert_eq!(error, CommandError::TimedOut { program: "/bin/sh".into() });
    }

    #[tokio::test]
    async fn a_missing_program_says_so() {
        let error = output(Path::new("/nowhere/ubus"), &[]).await.unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/ubus: cannot be started"), "{error}");
    }
}
