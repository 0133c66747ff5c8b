//! `run: containers`: a computer with an engine that only plays (`tests/fixtures/docker/`), where the
//! real `deploy.sh` is run. Each document has a new computer, on which its blocks follow each other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::commands;
use crate::document::Block;
use crate::machine::{Machine, Shell, finish};
use crate::marks::sequences;

/// `git clone` finds the copy that is there.
const GIT: &str = "#!/bin/sh\ncase $1 in\n  clone) /bin/ln -sfn 'home server' \"$3\"; echo cloned ;;\n\
    \x20 pull) echo 'Already up to date.' ;;\n  -C) exit 1 ;;\nesac\n";

fn computer() -> Machine {
    let machine = Machine::new(Shell::Dash).with("ROUTER_IP", "192.168.1.1");
    let git = machine.home().join("bin/git");
    fs::write(&git, GIT).unwrap();
    fs::set_permissions(&git, PermissionsExt::from_mode(0o755)).unwrap();
    // What people of the old client have beside the clone.
    for folder in ["old/data", "home server/data"] {
        fs::create_dir_all(machine.home().join(folder)).unwrap();
        fs::write(machine.home().join(folder).join("netmonitor.db"), "the old client's").unwrap();
    }
    machine
}

/// At home before there is a clone, else in it; `deploy.sh` is called where it is.
fn starts_in(machine: &Machine, block: &Block) -> PathBuf {
    let begin = block.text.trim_start();
    if begin.starts_with("git clone") {
        machine.home().to_owned()
    } else if begin.starts_with("cd compose") || begin.starts_with("git ") {
        machine.home().join("home server")
    } else {
        machine.path("")
    }
}

fn complaint(machine: &Machine, number: usize, block: &Block) -> Option<String> {
    let said = machine.home().join(format!("said/{number}"));
    let text = block.text.replace("<this repository>", "https://example.invalid/netmonitor");
    let script = commands::script(&text, &said);
    let words = ["/usr/bin/dash", "-c", &script].map(str::to_owned);
    let mut command = machine.command(&words);
    let output = finish(command.current_dir(starts_in(machine, block)).spawn().unwrap());
    commands::complaint(&text, &said, output.code)
}

#[test]
fn deploy_sh_does_what_documents_ask_it_for() {
    let mut complaints = Vec::new();
    for blocks in sequences("containers") {
        let machine = computer();
        // Most begin where it is set up already.
        let is_first =
            blocks[0].text.contains("./deploy.sh\n") || blocks[0].text.contains("config");
        assert!(is_first || machine.run(&[]).code == Some(0));
        for (number, block) in blocks.iter().enumerate() {
            let why = complaint(&machine, number, block);
            complaints.extend(why.map(|why| format!("{}: {why}", block.place)));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
