//! Somebody who sits at deploy.sh.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::machine::Machine;

/// A shell behind a terminal: what is shown on it, what is typed.
pub(crate) struct Terminal {
    child: std::process::Child,
    shown: String,
}

impl Terminal {
    pub(crate) fn new(machine: &Machine, arguments: &str) -> Self {
        Self::after("", machine, arguments)
    }

    pub(crate) fn after(before: &str, machine: &Machine, arguments: &str) -> Self {
        let command = format!("{before} {} {arguments}", machine.words("deploy.sh").join(" "));
        let words = ["/usr/bin/script", "--quiet", "--return", "--command", &command, "/dev/null"];
        let words = words.map(str::to_owned);
        let child = machine.command(&words).stdin(Stdio::piped()).spawn().unwrap();
        Self { child, shown: String::new() }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        let output = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.shown.contains(text) {
            let read = output.read(&mut byte).unwrap();
            assert_eq!(read, 1, "no \"{text}\" in: {}", self.shown);
            self.shown.push(byte[0].into());
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Its exit code, and all that was shown.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), self.shown + &rest)
    }
}
