//! A router that a test gives a log, and what the program makes of it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Program, copy_of, until};

/// A router whose log is a file, or a program that plays one.
pub(crate) struct Router {
    pub(crate) root: tempfile::TempDir,
    /// Beside the program: it outlives a run.
    kept: tempfile::TempDir,
    pub(crate) source: &'static str,
}

impl Router {
    pub(crate) fn with_log_file() -> Self {
        let router = Self::with("file:/var/log/messages");
        std::fs::create_dir_all(router.root.path().join("var/log")).unwrap();
        router
    }

    pub(crate) fn with_logread(script: &str) -> Self {
        let router = Self::with("logread");
        let program = router.root.path().join("sbin/logread");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        write_program(&program, script);
        router
    }

    pub(crate) fn with(source: &'static str) -> Self {
        let (root, kept) = (copy_of("ath79-old"), tempfile::tempdir().unwrap());
        Self { root, kept, source }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.path().join("var/log/messages")
    }

    pub(crate) fn append(&self, lines: &str) {
        let mut log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        log.write_all(lines.as_bytes()).unwrap();
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.kept.path().join("events.json")
    }

    pub(crate) fn start(&self) -> Program {
        self.start_with("")
    }

    pub(crate) fn start_with(&self, more: &str) -> Program {
        let settings = format!(
            "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nWAN_IFACE=\"wan,eth1\"\nLOG_SOURCE=\"{}\"\n\
             QUEUE_FILE=\"{}\"\n{more}\n",
            self.source,
            self.queue().display()
        );
        Program::start(self.root.path(), &settings)
    }
}

pub(crate) fn write_program(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The events of a program, oldest first, but for the boot that begins each story.
pub(crate) fn events(program: &Program) -> Vec<Value> {
    let page = program.get("/net/events").json();
    let all = page["events"].as_array().unwrap().iter();
    all.filter(|event| event["type"] != "router_boot").cloned().collect()
}

pub(crate) fn types(program: &Program) -> Vec<String> {
    events(program).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
pub(crate) fn until_types(program: &Program, expected: &[&str]) {
    until("the events are there", || types(program) == expected);
}

/// A line of netifd as a syslog daemon writes it into a file.
pub(crate) fn netifd(second: u32, text: &str) -> String {
    format!("Mar 14 07:05:{second:02} gw daemon.notice netifd: {text}\n")
}
