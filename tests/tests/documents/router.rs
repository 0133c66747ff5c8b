//! `run: router`: a router that only plays ([`Root`]), with the installer and the program that are
//! real. `scp` and `ssh` of a block reach it; what is neither is typed on the router itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use netmonitor_tests::openwrt_root::{Output, Root, Settings};
use netmonitor_tests::router_bundle::{ARCH, Bundle, FOLDER};

use crate::commands::lines;
use crate::document::Block;
use crate::marks::sequences;
use crate::started::tool;

/// Packed once.
static BUNDLE: LazyLock<(Bundle, PathBuf)> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents-bundle");
    (Bundle::new(&folder).unwrap(), folder.join("packed"))
});

const LINE: &str = r#"{"interface": [{"interface": "wan", "up": true, "proto": "dhcp",
    "l3_device": "eth1", "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": "198.51.100.1"}]}]}"#;

/// Nothing but loopback is there.
const QUIET: &str = "PING_TARGETS=\"127.0.0.1\"\nPING_GATEWAY=\"0\"\n";

fn router() -> Root {
    let root = Root::new(Settings { machine: "", arch: ARCH, release: "24.10.4" }).unwrap();
    root.answer_ubus("network.interface", "dump", LINE).unwrap();
    root.answer_uci("network.lan.ipaddr", "192.168.1.1/24").unwrap();
    // Its libraries are needed by the program of this build.
    BUNDLE.0.copy_to(&root).unwrap();
    root.write("/etc/netmonitor.conf", QUIET, 0o600).unwrap();
    // The shell version, for those who come from it.
    root.write("/etc/init.d/netmonitor-listener", "#!/bin/sh\n", 0o755).unwrap();
    root.write("/usr/bin/netmonitor-listener.sh", "#!/bin/sh\n", 0o755).unwrap();
    root
}

fn is_installed(root: &Root) -> bool {
    root.has("/usr/bin/netmonitor-exporter")
}

/// A folder as the reader's, where the bundle is: in `target/dist`, or copied.
fn computer() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    symlink(&BUNDLE.1, folder.path().join("target/dist")).unwrap();
    for file in fs::read_dir(&BUNDLE.1).unwrap().map(Result::unwrap) {
        symlink(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

/// Its words, as a shell of the reader's makes them.
fn words(folder: &Path, line: &str) -> Vec<String> {
    let script = format!("set -- {line}\nprintf '%s\\0' \"$@\"");
    let output = tool("sh").args(["-c", &script]).current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn type_in(root: &Root, folder: &Path, line: &str) -> Result<String, String> {
    if !line.starts_with("scp ") && !line.starts_with("ssh ") {
        return said(root.sh(line).unwrap());
    }
    let words = words(folder, line);
    let is_host = |word: &String| word.starts_with("root@");
    match (words[0].as_str(), words.iter().position(is_host)) {
        ("scp", Some(to)) => {
            let (_, path) = words[to].split_once(':').ok_or("scp: no path")?;
            let from = folder.join(&words[to - 1]);
            let copied = fs::copy(&from, root.path(path));
            copied.map(|_| "copied".to_owned()).map_err(|error| format!("{from:?}: {error}"))
        }
        ("ssh", Some(host)) => {
            // On a terminal somebody presses Return.
            let typed = if words[..host].contains(&"-t".to_owned()) { "yes '' | " } else { "" };
            said(root.sh(&format!("{typed}{}", words[host + 1..].join(" "))).unwrap())
        }
        _ => Err("expected scp, or ssh, to root@192.168.1.1".to_owned()),
    }
}

fn said(output: Output) -> Result<String, String> {
    // A service that is asked for something else explains itself, and is content.
    let is_help = output.stdout.contains(": start stop restart");
    match output.status {
        0 if !is_help => Ok([output.stdout, output.stderr].concat()),
        _ => Err(format!("{output:?}")),
    }
}

fn complaint(root: &Root, block: &Block) -> Option<String> {
    let folder = computer();
    let is_install = block.text.contains("install.sh");
    if !is_install && !is_installed(root) {
        let output = root.sh(&format!("cd {FOLDER} && ./install.sh --yes")).unwrap();
        assert_eq!(output.status, 0, "{output:?}");
    }
    for line in lines(&block.text) {
        if let Err(why) = type_in(root, folder.path(), &line) {
            return Some(format!("`{line}`: {why}"));
        }
    }
    if !is_install {
        return None;
    }
    assert!(root.has("/etc/netmonitor-old.tar.gz"), "the shell version is saved");
    let answer = root.http_get(8321, "/metrics").map(|(status, _)| status);
    (!answer.as_ref().is_ok_and(|status| *status == 200))
        .then(|| format!("installed, and /metrics answers {answer:?}"))
}

#[test]
fn a_router_does_what_documents_ask_it_for() {
    let mut complaints = Vec::new();
    for blocks in sequences("router") {
        let root = router();
        for block in &blocks {
            let why = complaint(&root, block);
            complaints.extend(why.map(|why| format!("{}: {why}", block.place)));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
