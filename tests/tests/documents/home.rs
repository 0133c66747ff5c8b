//! `run: home`: a clone of the repository in which `make run` has started everything, on the ports
//! that the documents name; in a network of its own. The router is 192.168.1.1, this computer also `nas`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use netmonitor_tests::{built, clock};

use crate::commands;
use crate::document::{Block, top};
use crate::marks::run_in;
use crate::started::{Stack, tool};

/// What a reader has beside the clone: the old client's file, as SQLAlchemy makes it.
const OLD: &str = "
CREATE TABLE network_status (
    id INTEGER NOT NULL, timestamp DATETIME, wan_state VARCHAR(10),
    rx_errors INTEGER, tx_errors INTEGER, rx_dropped INTEGER, tx_dropped INTEGER,
    optical_rx FLOAT, optical_tx FLOAT, cpu_temp FLOAT,
    pppoe_reconnect_count INTEGER, wan_down_count INTEGER, PRIMARY KEY (id));
CREATE TABLE ping_results (
    id INTEGER NOT NULL, timestamp DATETIME, target VARCHAR(50), rtt FLOAT, loss FLOAT,
    PRIMARY KEY (id));
CREATE TABLE network_events (
    id INTEGER NOT NULL, timestamp DATETIME, event_time DATETIME, event_type VARCHAR(50),
    message TEXT, PRIMARY KEY (id));
INSERT INTO network_status (timestamp, wan_state) VALUES ('2025-10-20 10:00:00', 'up');";

/// Without it, curl is content with any answer.
const CURL: &str = "#!/bin/sh\nexec /usr/bin/curl --fail --show-error --no-progress-meter \
    --max-time 20 --resolve nas:5000:127.0.0.1 --resolve nas:8321:127.0.0.1 \"$@\"\n";

/// Documents call the router by this name.
const ROUTERS: &str = "[[router]]\nname = \"home\"\nurl = \"http://192.168.1.1:8321\"\n";

/// A folder as a clone is, after `make build`. What is written there goes with it.
pub(crate) fn clone(folder: &Path) -> PathBuf {
    let clone = folder.join("netmonitor");
    let (bin, release) = (folder.join("bin"), clone.join("target/release"));
    for made in [&release, &bin, &folder.join("old/data")] {
        fs::create_dir_all(made).unwrap();
    }
    for entry in fs::read_dir(top()).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if ![".git", "target", "data"].iter().any(|left_out| name == *left_out) {
            symlink(entry.path(), clone.join(name)).unwrap();
        }
    }
    for name in ["netmonitor-exporter", "netmonitor-bridge"] {
        symlink(built::program(name).unwrap(), release.join(name)).unwrap();
    }
    fs::write(bin.join("curl"), CURL).unwrap();
    fs::set_permissions(bin.join("curl"), PermissionsExt::from_mode(0o755)).unwrap();
    clone
}

/// With our programs, as README says.
pub(crate) fn path(folder: &Path) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let [bin, release] = ["bin", "netmonitor/target/release"].map(|name| folder.join(name));
    format!("{}:{}:{}", bin.display(), release.display(), path.display())
}

struct Home {
    stack: Stack,
    folder: tempfile::TempDir,
    clone: PathBuf,
}

impl Home {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clone = clone(folder.path());
        let receiver = top().join("prometheus/examples/receivers/email.yml");
        fs::copy(receiver, clone.join("my-receiver.yml")).unwrap();
        let log = top().join("tests/fixtures/logs/dhcp-lease-lost.log");
        fs::copy(log, clone.join("saved.log")).unwrap();
        fs::write(clone.join("routers.toml"), ROUTERS).unwrap();
        let old = folder.path().join("old/data/netmonitor.db");
        let made = tool("sqlite3").arg("-batch").arg(old).arg(OLD).status().unwrap();
        assert!(made.success());
        let data = clone.join("data");
        fs::create_dir(&data).unwrap();
        let router = "ip addr add 192.168.1.1/32 dev lo;";
        let routers = clone.join("routers.toml").display().to_string();
        let stack = Stack::start_in(&data, router, &[("ROUTERS_FILE", &routers)]);
        let home = Self { stack, folder, clone };
        // Not before: until then it is in the network of this machine.
        clock::until("the exporter runs", || {
            let runs = |(_, program): &(u32, String)| program == "netmonitor-exporter";
            Ok(home.stack.processes().iter().any(runs))
        })
        .unwrap();
        for (port, path) in
            [(8321, "/healthz"), (5000, "/api/status"), (9090, "/-/ready"), (9093, "/-/ready")]
        {
            let url = format!("http://127.0.0.1:{port}{path}");
            clock::until(&url, || Ok(home.stack.status(&url, &[]) == "200")).unwrap();
        }
        home
    }

    fn complaint(&self, number: usize, block: &Block) -> Option<String> {
        let said = self.folder.path().join(format!("said/{number}"));
        let script = commands::script(&block.text, &said);
        let network = format!("--net=/proc/{}/ns/net", self.stack.process("netmonitor-exporter"));
        let status = tool("timeout")
            .args(["60", "nsenter", &network, "sh", "-c", &script])
            .current_dir(&self.clone)
            .env_clear()
            .env("PATH", path(self.folder.path()))
            .env("HOME", self.folder.path())
            .stdin(std::process::Stdio::null())
            .status()
            .unwrap();
        commands::complaint(&block.text, &said, status.code())
    }
}

#[test]
fn what_is_asked_at_home_is_answered() {
    let home = Home::start();
    let blocks = run_in("home");
    assert!(!blocks.is_empty());
    let complaints = blocks.iter().enumerate().filter_map(|(number, block)| {
        let why = home.complaint(number, block)?;
        Some(format!("{}: {why}", block.place))
    });
    let complaints: Vec<_> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
