//! Optical power from outside the kernel: `/proc/GPON`, `ubus call gpon get_status`, and
//! the user's own command.
//!
//! The first two exist on firmware of vendors only, in no fixed format; the third mostly
//! logs in to a stick. `answer.rs` reads what they say.

use std::path::Path;

use super::answer;
use super::sample::Sample;
use crate::collectors::CollectError;
use crate::command::{self, CommandError};
use crate::roots::Roots;
use crate::slow_io::SlowIo;

const GPON: &str = "/proc/GPON";

/// Reads the file of a router with a PON of its own.
pub(super) async fn read_gpon(slow: &SlowIo) -> Result<Sample, CollectError> {
    let text = slow.read(GPON).await?;
    answer::parse("gpon", &text).map_err(|error| error.at(GPON))
}

/// Asks the vendor's service on the bus.
pub(super) async fn read_ubus(roots: &Roots) -> Result<Sample, CollectError> {
    let missing = |reason: &str| CollectError::NotAvailable(reason.to_owned());
    let Some(program) = roots.program("ubus") else {
        return Err(missing("there is no ubus"));
    };
    match command::output(&program, &["call", "gpon", "get_status"]).await {
        Ok(text) => {
            answer::parse("ubus", &text).map_err(|error| error.at("ubus call gpon get_status"))
        }
        // No such object or method, on almost every router.
        Err(CommandError::Failed { .. }) => Err(missing("ubus knows no gpon get_status")),
        Err(error @ (CommandError::NotStarted { .. } | CommandError::TimedOut { .. })) => {
            Err(error.into())
        }
    }
}

/// Runs the user's command: program and arguments, no shell.
pub(super) async fn read_command(words: &[String]) -> Result<Sample, CollectError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(CollectError::Failed("OPTICAL_SOURCE: the command is empty".to_owned()));
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = command::output(Path::new(program), &arguments).await?;
    answer::parse("command", &text).map_err(|error| error.at(program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[tokio::test]
    async fn the_vendors_file_is_read() {
        let root = tempfile::tempdir().unwrap();
        let slow = SlowIo::new(Roots::new(root.path()));
        assert!(matches!(read_gpon(&slow).await, Err(CollectError::NotAvailable(_))));

        fs::create_dir(root.path().join("proc")).unwrap();
        let file = root.path().join("proc/GPON");
        fs::write(&file, "STATE: O5\nRECEIVED_POWER: -18,50 dBm\nTRANSMIT_POWER=2.1\n").unwrap();
        let sample = read_gpon(&slow).await.unwrap();
        assert_eq!(sample.to_string(), "receive -18.50 dBm, transmit 2.10 dBm");
        assert_eq!(sample.source, "gpon");

        fs::write(&file, "STATE: O1\n").unwrap();
        assert_eq!(
            read_gpon(&slow).await.unwrap_err().to_string(),
            "/proc/GPON: answer: expected an optical power in dBm, found \"1 lines without one\""
        );
    }

    #[tokio::test]
    async fn a_router_without_the_vendors_service_has_no_fault() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::new(root.path());
        let missing = |reason: &str| Err(CollectError::NotAvailable(reason.to_owned()));
        assert_eq!(read_ubus(&roots).await, missing("there is no ubus"));

        fs::create_dir(root.path().join("bin")).unwrap();
        symlink("/bin/false", root.path().join("bin/ubus")).unwrap();
        assert_eq!(read_ubus(&roots).await, missing("ubus knows no gpon get_status"));
    }

    #[tokio::test]
    async fn the_users_command_is_run_with_its_arguments() {
        let sample = read_command(&words(&["/bin/echo", "rx=-18.5", "tx=2.1"])).await.unwrap();
        assert_eq!(sample.to_string(), "receive -18.50 dBm, transmit 2.10 dBm");
        assert_eq!(sample.source, "command");
        assert_eq!(
            read_command(&words(&["/bin/echo", "secret"])).await.unwrap_err().to_string(),
            "/bin/echo: answer: expected an optical power in dBm, found \"1 lines without one\""
        );
        assert!(matches!(
            read_command(&words(&["/bin/false"])).await,
            Err(CollectError::Failed(_))
        ));
        assert!(matches!(read_command(&[]).await, Err(CollectError::Failed(_))));
    }
}
