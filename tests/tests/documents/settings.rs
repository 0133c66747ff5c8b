//! What documents show of files: settings are taken by the program, JSON is JSON. And the list of
//! the containers' settings in `docs/containers.md` is `.env.example`'s.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use netmonitor_tests::built;

use crate::document::{blocks, read, top};
use crate::started::tool;

#[test]
fn the_exporter_takes_the_settings_that_are_shown() {
    let program = built::program("netmonitor-exporter").unwrap();
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.language == "conf") {
        let folder = tempfile::tempdir().unwrap();
        let (file, token) = (folder.path().join("settings"), folder.path().join("token"));
        std::fs::write(&token, "s3cret\n").unwrap();
        std::fs::set_permissions(&token, PermissionsExt::from_mode(0o600)).unwrap();
        let text = block.text.replace("/etc/netmonitor.token", token.to_str().unwrap());
        std::fs::write(&file, text).unwrap();
        let mut command = tool(program.to_str().unwrap());
        let output = command.arg("--config").arg(&file).arg("check-config").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", block.place);
        count += 1;
    }
    assert!(count > 0);
}

/// Within a server, as a reader puts it.
#[test]
fn nginx_takes_what_is_shown_for_it() {
    for block in blocks().iter().filter(|block| block.language == "nginx") {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let server = format!("server {{ listen unix:{}; {} }}", socket.display(), block.text);
        let text = format!("error_log stderr;\npid pid;\nevents {{}}\nhttp {{ {server} }}\n");
        std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let mut nginx = tool("nginx");
        nginx.arg("-p").arg(folder.path()).args(["-e", "stderr", "-t", "-c", "nginx.conf"]);
        let output = nginx.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", block.place);
    }
}

#[test]
fn json_yaml_and_toml_are_what_they_are_called() {
    for (language, reader) in [
        ("json", "import json; json.load(sys.stdin)"),
        ("yaml", "import yaml; yaml.safe_load(sys.stdin)"),
        ("toml", "import tomllib; tomllib.load(sys.stdin.buffer)"),
    ] {
        let blocks: Vec<_> = blocks().into_iter().filter(|it| it.language == language).collect();
        assert!(!blocks.is_empty(), "{language}");
        for block in blocks {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &block.text).unwrap();
            let mut python = tool("/usr/bin/python3");
            python.args(["-c", &format!("import sys; {reader}")]);
            let output = python.stdin(file.reopen().unwrap()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", block.place);
        }
    }
}

/// Settings that share an explanation are in one row.
fn list_of_settings() -> String {
    let example = read("compose/.env.example");
    let mut list = "| setting | meaning |\n|---|---|\n".to_owned();
    for part in example.split("\n\n").skip(1) {
        let mut lines = part.lines().filter(|line| !line.starts_with("# ---")).peekable();
        while lines.peek().is_some() {
            let mut take = |is_comment: bool| {
                let mut taken = Vec::new();
                while let Some(line) = lines.next_if(|line| line.starts_with('#') == is_comment) {
                    taken.push(line.trim_start_matches(['#', ' ']).to_owned());
                }
                taken
            };
            let (comment, settings) = (take(true).join(" "), take(false));
            if settings.is_empty() {
                continue;
            }
            let settings: Vec<_> = settings.iter().map(|setting| format!("`{setting}`")).collect();
            writeln!(list, "| {} | {} |", settings.join(" "), comment.replace('|', "\\|")).unwrap();
        }
    }
    list
}

#[test]
fn the_document_lists_every_setting_of_the_containers() {
    const DOCUMENT: &str = "docs/containers.md";
    let document = read(DOCUMENT);
    let (begin, end) = ("<!-- list: begin -->\n", "<!-- list: end -->");
    let (before, rest) = document.split_once(begin).expect("the mark of the beginning");
    let (told, after) = rest.split_once(end).expect("the mark of the end");
    let list = list_of_settings();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let whole = format!("{before}{begin}{list}{end}{after}");
        std::fs::write(top().join(DOCUMENT), whole).unwrap();
    } else {
        assert_eq!(told, list, "{DOCUMENT}: UPDATE_EXPECT=1 writes it anew");
    }
}
