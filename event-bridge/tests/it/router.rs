//! A router that gives the same two answers for ever.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

/// As the old shell agent writes it: LF alone, no length.
const SHELL_HEAD: &str = "HTTP/1.1 200 OK\nContent-Type: application/json\nConnection: close\n\n";

/// What it answers, each with its head.
struct Answers {
    status: Vec<u8>,
    events: Vec<u8>,
}

/// The folder of the examples of what agents answer.
pub(crate) fn wire() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/wire")
}

pub(crate) fn example(name: &str) -> Vec<u8> {
    std::fs::read(wire().join(name)).unwrap()
}

/// Its address, for as long as the test runs. The names are of examples; an agent without
/// events has 404 in their place.
pub(crate) fn playing(status: &str, events: Option<&str>) -> String {
    let not_found = || b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec();
    answering(whole(status), events.map_or_else(not_found, whole))
}

/// The same with answers that are no examples, each with its head.
pub(crate) fn answering(status: impl Into<Vec<u8>>, events: impl Into<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = Arc::new(Answers { status: status.into(), events: events.into() });
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || answer(stream, &answers));
        }
    });
    address
}

fn whole(name: &str) -> Vec<u8> {
    let is_shell = name.starts_with("shell-");
    let head = if is_shell { SHELL_HEAD.to_owned() } else { SHELL_HEAD.replace('\n', "\r\n") };
    [head.into_bytes(), example(name)].concat()
}

fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut request = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let first = request.next().unwrap_or_default();
    request.by_ref().find(String::is_empty);
    let is_events = first.starts_with("GET /net/events");
    let answer = if is_events { &answers.events } else { &answers.status };
    // A client that has read enough may have gone.
    stream.write_all(answer).ok();
}
