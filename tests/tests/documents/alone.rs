//! `run: alone, until URL`: what goes on for ever, on a computer whose router has an exporter. It is
//! ended once the address answers.

use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use netmonitor_tests::clock;

use crate::commands;
use crate::document::Block;
use crate::home::{clone, path};
use crate::marks::{Mark, mark, run_in};
use crate::started::tool;

/// Ended with all that it has started, when dropped: the first process of a namespace.
struct Computer(Child);

impl Drop for Computer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The router first; a computer's own address is another one.
const ROUTER: &str = "ip link set lo up && ip addr add 192.168.1.1/32 dev lo
: >\"$HOME/settings\"
netmonitor-exporter --config \"$HOME/settings\" --listen 192.168.1.1 --log-source none \
    --ping-targets 127.0.0.1 --ping-gateway 0 --queue-file \"$HOME/events.json\" 2>/dev/null &
until /usr/bin/curl -s -o /dev/null http://192.168.1.1:8321/healthz; do sleep 0.05; done
";

fn complaint(block: &Block) -> Option<String> {
    let Ok(Mark::Run { until: Some(url), .. }) = mark(block) else { unreachable!() };
    let folder = tempfile::tempdir().unwrap();
    let clone = clone(folder.path());
    let said = folder.path().join("said");
    let asked = folder.path().join("asked");
    let ask =
        format!("until /usr/bin/curl -sf -o '{}' '{url}'; do sleep 0.05; done", asked.display());
    // The block itself in the background; this ends with the answer, or with the block.
    let script = format!(
        "{ROUTER}( {} ) & block=$!\n( {ask} ) & ask=$!\nwait -n \"$block\" \"$ask\"\n",
        commands::script(&block.text, &said)
    );
    let mut command = tool("unshare");
    command
        .args(["--net", "--pid", "--mount-proc", "--fork", "--kill-child", "bash", "-c", &script])
        .current_dir(clone)
        .env_clear()
        .env("PATH", path(folder.path()))
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .process_group(0);
    let mut computer = Computer(command.spawn().unwrap());
    clock::until("the block answers or ends", || Ok(computer.0.try_wait()?.is_some())).unwrap();
    if std::fs::read(&asked).is_ok_and(|answer| !answer.is_empty()) {
        return None;
    }
    let why = commands::complaint(&block.text, &said, Some(1)).unwrap_or_default();
    Some(format!("{url} does not answer: {why}"))
}

#[test]
fn what_goes_on_for_ever_answers() {
    let blocks = run_in("alone");
    assert!(!blocks.is_empty());
    let complaints: Vec<_> = blocks
        .iter()
        .filter_map(|block| Some(format!("{}: {}", block.place, complaint(block)?)))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
