//! `check-routers` as it is typed: routers that are well, and each kind of those that are not.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;

use socket2::{Domain, Socket, Type};

use crate::program::{NOBODY, command};
use crate::router::{answering, playing};

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";

/// The list of these routers: names, addresses, and what else is said of each.
fn check(folder: &Path, routers: &[(&str, &str, &str)]) -> (Option<i32>, String, String) {
    let entry = |(name, address, more): &(&str, &str, &str)| {
        format!("[[router]]\nname = \"{name}\"\nurl = \"http://{address}\"\n{more}\n")
    };
    let list: String = routers.iter().map(entry).collect();
    let file = folder.join("routers.toml");
    std::fs::write(&file, list).unwrap();
    let mut command = command();
    command.arg("check-routers").env("ROUTERS_FILE", file).env("LOG_LEVEL", "trace");
    command.env("SQLITE_DB", folder.join("netmonitor.db"));
    text(&command.output().unwrap())
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Answers everything with this.
fn saying(answer: &str) -> String {
    answering(answer, answer)
}

#[test]
fn routers_that_are_well_are_well_whatever_else_runs_here() {
    let folder = tempfile::tempdir().unwrap();
    let ours = playing("exporter-status.json", Some("exporter-events-other-stream.json"));
    let old = playing("shell-status.json", None);
    let routers = [("home", &*ours, ""), ("cabin", &old, "")];
    let (code, out, error) = check(folder.path(), &routers);
    let expected = format!(
        "home: well, netmonitor at http://{ours}, WAN up, 1 event waiting\n\
         cabin: well, an old agent without /net/events at http://{old}, WAN up; its events are \
         read from /net/status\n"
    );
    assert_eq!((code, out.as_str()), (Some(0), expected.as_str()), "{error}");
    assert!(!folder.path().join("netmonitor.db").exists());

    // The bridge itself may run already: its port is not wanted.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let (host, port) = ours.split_once(':').unwrap();
    let mut command = command();
    command.args(["check-routers", "--router-ip", host, "--router-port", port]);
    command.args(["--bridge-host", "127.0.0.1", "--bridge-port", &taken]);
    command.current_dir(folder.path());
    let (code, out, error) = text(&command.output().unwrap());
    assert_eq!(code, Some(0), "{error}");
    assert!(out.starts_with("127.0.0.1: well, "), "{out}");
    assert!(!folder.path().join("data").exists(), "no folder of a database either");
}

#[test]
fn a_clock_that_is_wrong_is_told_and_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    // Half a minute before another one is shown.
    let time = jiff::Timestamp::now().as_second() - 2 * 3600 - 30;
    let router = |synced: &str| {
        let events = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"stream\":\"s\",\"events\":[],\
             \"next_seq\":42,\"oldest_seq\":1,\"time\":{time},\"time_synced\":{synced}}}"
        );
        let status = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"realtime\":{}}";
        answering(status, events)
    };
    let (kept, not_kept) = (router("true"), router("false"));
    let (code, out, error) =
        check(folder.path(), &[("kept", &kept, ""), ("not-kept", &not_kept, "")]);
    assert_eq!(code, Some(0), "{error}");
    let lines: Vec<&str> = out.lines().collect();
    let expected = "kept: this computer's clock is 2 h 00 min ahead of the router's";
    assert!(lines.len() == 3 && lines[1].starts_with(expected), "{out}");
    assert!(lines[0].ends_with("WAN unknown, 41 events waiting"), "{out}");
}

/// Takes longer than others: it waits until the program waits no longer.
#[test]
fn each_failure_is_told_apart_in_the_order_of_the_settings() {
    const TOKEN: &str = "hunter2-and-more";
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, TOKEN).unwrap();
    let token_file = format!("token_file = \"{}\"", token_file.display());
    let token = format!("token = \"{TOKEN}\"");

    // What the queue has room for; Linux drops the first packets of others.
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    full.listen(0).unwrap();
    let full: TcpListener = full.into();
    let _queued = TcpStream::connect(full.local_addr().unwrap()).unwrap();
    // Connects, and is never accepted.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    // Longer than names may be: never asked for.
    let nameless = format!("{}.lan:8321", "x".repeat(64));
    // Two of them: an address may be there once.
    let refusing = || saying("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");

    let routers = [
        ("off", address(&full), "", "cannot connect: no answer within 5s; is the router on"),
        ("hung", address(&mute), &token, "no whole answer within 10s; the router is"),
        ("typo", nameless, "", "the host name was not found ("),
        ("stopped", NOBODY.to_owned(), "", "cannot connect: Connection refused (os error 111); "),
        ("lost", "127.255.255.255:1".to_owned(), "", "cannot connect: Network is unreachable"),
        ("locked", refusing(), "", "401: it asks for a token, and none is set here; "),
        ("changed", refusing(), &token_file, "401: the token is wrong; put the router's TOKEN"),
        (
            "strict",
            saying("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"),
            "",
            "403: this computer may not ask; add its address to ALLOWED_IPS",
        ),
        ("printer", saying(NOT_FOUND), "", "404: something else than an agent answers there; "),
        ("modem", saying("HTTP/1.1 200 OK\r\n\r\n<html>"), "", "answered a web page; "),
        ("ssh", saying("SSH-2.0-\x1b[2J\r\n"), "", "the answer broke off or is not HTTP ("),
        (
            "rude",
            saying("HTTP/1.1 200 OK\r\nContent-Encoding: \u{9b}2J\r\n\r\n"),
            "",
            "sent with Content-Encoding \\u{9b}2J, ",
        ),
    ];
    let well = playing("shell-status.json", None);
    let mut listed: Vec<_> =
        routers.iter().map(|(name, address, more, _)| (*name, &**address, *more)).collect();
    listed.push(("well", &well, ""));
    let (code, out, error) = check(folder.path(), &listed);
    assert_eq!(code, Some(1), "{out}{error}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), listed.len(), "{out}");
    for (line, (name, address, _, expected)) in lines.iter().zip(&routers) {
        let expected = format!("{name}: not well, GET http://{address}/net/status: {expected}");
        assert!(line.starts_with(&expected), "{line}\n{expected}");
    }
    assert!(lines.last().unwrap().starts_with("well: well, "), "{out}");
    assert!(error.contains("12 of 13 routers are not well"), "{error}");
    assert!(!out.replace('\n', "").contains(char::is_control), "{out:?}");
    assert!(!out.contains(TOKEN) && !error.contains(TOKEN), "{out}{error}");
}

#[test]
fn settings_that_make_no_sense_ask_nobody() {
    let output = command().arg("check-routers").output().unwrap();
    let (code, out, error) = text(&output);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
    assert!(error.contains("no router: set ROUTER_IP"), "{error}");
}
