//! The commands of a block: one by one, in one shell, each with its own output.

use std::path::Path;

/// What says nothing when it is done.
const SILENT: [&str; 9] =
    ["cd", "chmod", "cp", "export", "install", "mkdir", "mv", "sudo", "prometheus/configure.sh"];

/// Lines of commands, those that go on in the next one together.
pub(crate) fn lines(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        match commands.last_mut().filter(|_| goes_on) {
            Some(last) => *last += &format!("\n{line}"),
            None => commands.push(line.to_owned()),
        }
        goes_on = line.ends_with('\\');
    }
    commands.retain(|line| !line.trim_start().starts_with('#'));
    commands
}

/// What a command is by: its program without folders, and its subcommand where it has some; of
/// make both together, since its targets are everyday words. Several for `a && b` and `a | b`.
pub(crate) fn keys(line: &str) -> Vec<String> {
    const WITH_SUBCOMMAND: [&str; 9] = [
        "git",
        "docker",
        "deploy.sh",
        "netmonitor-exporter",
        "netmonitor-bridge",
        "netmonitor-bridge-ctl",
        "netmonitor",
        "systemctl",
        "amtool",
    ];
    let mut keys = Vec::new();
    for part in line.split(&['|', ';', '&', '\n'][..]) {
        let mut words = part.split_whitespace().filter(|word| {
            let is_assignment = word
                .split_once('=')
                .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            !is_assignment && *word != "sudo" && *word != "\\"
        });
        let Some(program) = words.next().filter(|program| !program.starts_with('#')) else {
            continue;
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        let mut word = words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
        if program == "make" {
            keys.push(format!("make {}", word.next().unwrap_or_default()));
            continue;
        }
        keys.push(program.to_owned());
        if WITH_SUBCOMMAND.contains(&program) {
            keys.extend(word.next().map(str::to_owned));
        }
    }
    keys
}

fn is_silent(line: &str) -> bool {
    let is_assignment = |word: &&str| word.contains('=');
    let first = line.split_whitespace().find(|word| !is_assignment(word)).unwrap_or_default();
    SILENT.contains(&first) || line.contains('>') || line.starts_with("curl -O")
}

/// A script that stops at the first command that fails; what the commands say is in `folder`, in
/// files `1`, `2` and so on.
pub(crate) fn script(block: &str, folder: &Path) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let mut script = "set -eu\n".to_owned();
    for (number, line) in (1..).zip(lines(block)) {
        let said = folder.join(number.to_string());
        script += &format!("{{\n{line}\n}} >'{}' 2>&1\n", said.display());
    }
    script
}

/// What is wrong with a block that has been run so: with what its commands have said.
pub(crate) fn complaint(block: &str, folder: &Path, code: Option<i32>) -> Option<String> {
    let said = |number: usize| std::fs::read_to_string(folder.join(number.to_string()));
    let lines = lines(block);
    let all = (1..=lines.len()).zip(&lines).filter_map(|(number, line)| {
        let said = said(number).ok()?;
        let end = said.len().saturating_sub(1500);
        let end = (end..=said.len()).find(|end| said.is_char_boundary(*end)).unwrap_or_default();
        Some(format!("$ {line}\n{}", &said[end..]))
    });
    let all = || all.clone().collect::<String>();
    if code != Some(0) {
        return Some(format!("it ends with {code:?}:\n{}", all()));
    }
    (1..=lines.len()).zip(&lines).find_map(|(number, line)| {
        let is_empty = said(number).is_ok_and(|said| said.trim().is_empty());
        (is_empty && !is_silent(line)).then(|| format!("`{line}` says nothing:\n{}", all()))
    })
}

#[test]
fn commands_go_on_and_are_known_by_their_programs() {
    let block = "cd a && ./deploy.sh backup x  # why\n# a remark\ncurl -s \\\n  http://a/?b=c\n";
    assert_eq!(
        lines(block),
        ["cd a && ./deploy.sh backup x  # why", "curl -s \\\n  http://a/?b=c"]
    );
    assert_eq!(keys("cd a && ./deploy.sh backup x"), ["cd", "deploy.sh", "backup"]);
    assert_eq!(keys("sudo make install-bridge ROUTER_IP=1"), ["make install-bridge"]);
    assert_eq!(
        keys("ROUTER_IP=1 /usr/bin/netmonitor-bridge --x check"),
        ["netmonitor-bridge", "check"]
    );
    assert!(is_silent("A=b prometheus/configure.sh /x") && !is_silent("curl -s http://a/"));
}
