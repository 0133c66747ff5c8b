//! The client against sockets that answer as good and bad routers do.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::client::{Client, EventsFetch, FetchError, Problem, Timeouts};
use super::lenient::NotJson;
use super::status_answer::{NotAnAnswer, StatusAnswer};
use super::{Router, Secret};
use crate::record::{Cursor, Millis};

macro_rules! wire {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/wire/", $name))
    };
}

/// A second after the shell agent's fixtures.
const NOW: Millis = 1_739_327_641_000;
/// As the shell agent writes it: LF alone, no length.
const SHELL_HEAD: &str = "HTTP/1.1 200 OK\nContent-Type: application/json\nConnection: close\n\n";
/// Nothing on loopback that goes well takes as long.
const PATIENT: Timeouts =
    Timeouts { connect: Duration::from_secs(20), answer: Duration::from_secs(20) };
const IMPATIENT: Timeouts =
    Timeouts { connect: Duration::from_secs(20), answer: Duration::from_millis(200) };

fn client(timeouts: Timeouts) -> Client {
    Client::new(timeouts, || NOW).unwrap()
}

fn router(url: String) -> Router {
    Router {
        name: "home".to_owned(),
        url,
        token: None,
        labels: BTreeMap::new(),
        poll_interval: Duration::from_secs(60),
    }
}

/// A router that plays `scene` on its first connection.
async fn play<F>(
    scene: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (Router, JoinHandle<F::Output>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let played = tokio::spawn(async move { scene(listener.accept().await.unwrap().0).await });
    (router(url), played)
}

/// A router that reads the request, answers these bytes and closes; gives the request.
async fn answering(answer: impl Into<Vec<u8>>) -> (Router, JoinHandle<String>) {
    let answer = answer.into();
    play(async move |mut stream| {
        let request = read_request(&mut stream).await;
        // A client that has read enough may be gone.
        stream.write_all(&answer).await.ok();
        request
    })
    .await
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(request).unwrap()
}

async fn status_of(answer: impl Into<Vec<u8>>) -> Result<StatusAnswer, FetchError> {
    let (router, played) = answering(answer).await;
    let fetched = client(PATIENT).fetch_status(&router).await;
    played.await.unwrap();
    fetched
}

#[track_caller]
fn assert_shell(fetched: Result<StatusAnswer, FetchError>) {
    let answer = fetched.unwrap();
    assert_eq!((answer.events.len(), answer.skipped, answer.is_cut), (2, 0, false));
}

#[tokio::test]
async fn the_shell_agents_head_with_lf_alone_and_no_length_is_read() {
    assert_shell(status_of(format!("{SHELL_HEAD}{}", wire!("shell-status.json"))).await);
    let old = SHELL_HEAD.replace("HTTP/1.1", "HTTP/1.0");
    assert_shell(status_of(format!("{old}{}", wire!("shell-status.json"))).await);
    let bare = "HTTP/1.0 200\n\n";
    assert_shell(status_of(format!("{bare}{}", wire!("shell-status.json"))).await);
    let body = wire!("shell-status.json");
    let sized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\n\r\n{body}", body.len());
    assert_shell(status_of(sized).await);
}

#[tokio::test]
async fn an_agent_that_does_not_read_the_request_resets_the_connection_after_its_answer() {
    let (router, played) = play(async |mut stream: TcpStream| {
        // Under xinetd: the request is there, the script never reads it, and closing a
        // socket with unread bytes resets the connection.
        stream.peek(&mut [0]).await.unwrap();
        let answer = format!("{SHELL_HEAD}{}", wire!("shell-status.json"));
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let fetched = client(PATIENT).fetch_status(&router).await;
    played.await.unwrap();
    assert_shell(fetched);
}

#[tokio::test]
async fn of_a_broken_answer_what_came_is_saved() {
    let body = wire!("shell-status-cut.json");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{body}");
    let fetched = status_of(answer).await.unwrap();
    assert_eq!((fetched.events.len(), fetched.is_cut), (1, true));
    let nothing = status_of("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{\"times").await;
    assert!(matches!(nothing.unwrap_err().problem, Problem::Broken(_)));
}

#[tokio::test]
async fn a_question_names_cursor_and_token() {
    let body = wire!("exporter-events.json");
    let (mut router, played) = answering(format!("HTTP/1.1 200 OK\r\n\r\n{body}")).await;
    router.token = Some(Secret::new("s3cret".to_owned()));
    router.url += "/home/";
    let cursor = Cursor { stream: "a&after=0 b".to_owned(), after: 39, revision: 2 };
    let wait = Duration::from_millis(2500);
    let fetched = client(PATIENT).fetch_events(&router, Some(&cursor), wait).await.unwrap();
    let request = played.await.unwrap();
    let line =
        "GET /home/net/events?stream=a%26after%3D0+b&after=39&revision=2&wait=2.5 HTTP/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    let head = request.to_ascii_lowercase();
    assert!(head.contains("authorization: bearer s3cret\r\n"), "{request}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{request}");
    let EventsFetch::Answer(answer) = fetched else { panic!("{fetched:?}") };
    assert_eq!((answer.batch.next_seq, answer.batch.missed), (42, Some(0)));
}

#[tokio::test]
async fn an_agent_without_events_is_told_apart() {
    let shell = format!("{SHELL_HEAD}{}", wire!("shell-status.json"));
    for answer in ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", shell.as_str()] {
        let (router, played) = answering(answer).await;
        let fetched = client(PATIENT).fetch_events(&router, None, Duration::ZERO).await;
        assert_eq!(fetched, Ok(EventsFetch::NotThere));
        let request = played.await.unwrap();
        assert!(request.starts_with("GET /net/events?wait=0 "), "{request}");
    }
}

#[tokio::test]
async fn bad_answers_are_told_apart() {
    let json = NotAnAnswer::NotJson;
    let gzip = b"HTTP/1.1 200 OK\r\n\r\n\x1f\x8b\x08\0\0".to_vec();
    for (answer, expected) in [
        (b"HTTP/1.1 401 x\r\n\r\n".to_vec(), Problem::TokenMissing),
        (b"HTTP/1.1 403 x\r\n\r\n".to_vec(), Problem::NotAllowed),
        (b"HTTP/1.1 404 x\r\n\r\n".to_vec(), Problem::NotFound),
        (b"HTTP/1.1 503 x\r\n\r\n".to_vec(), Problem::AgentFailed(503)),
        (
            b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_vec(),
            Problem::Redirected(302),
        ),
        (b"HTTP/1.1 204 x\r\n\r\n".to_vec(), Problem::OtherStatus(204)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08".to_vec(),
            Problem::Encoded("gzip".to_owned()),
        ),
        (gzip, Problem::NotAnAnswer(json(NotJson::Compressed))),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec(), Problem::NotAnAnswer(json(NotJson::Html))),
        (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Problem::NotAnAnswer(json(NotJson::Empty))),
        (b"HTTP/1.1 200 OK\r\n\r\n{}".to_vec(), Problem::NotAnAnswer(NotAnAnswer::OtherJson)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n{".to_vec(),
            Problem::TooLong(8 << 20),
        ),
    ] {
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(status_of(answer).await.unwrap_err().problem, expected, "{text}");
    }
    for answer in ["", "SSH-2.0-dropbear\r\n", "HTTP/1.1 200 OK\r\n", "\0\0\0\0"] {
        let problem = status_of(answer).await.unwrap_err().problem;
        assert!(matches!(problem, Problem::Broken(_)), "{answer:?}: {problem:?}");
    }
}

#[tokio::test]
async fn a_body_or_head_without_end_is_not_read_to_its_end() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n{\"a\":\"", "HTTP/1.1 200 OK\r\nX: "] {
        let (router, played) = play(async |mut stream: TcpStream| {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut sent = 0_usize;
            while stream.write_all(&[b'x'; 1 << 16]).await.is_ok() {
                sent += 1 << 16;
            }
            sent
        })
        .await;
        let problem = client(PATIENT).fetch_status(&router).await.unwrap_err().problem;
        assert!(matches!(problem, Problem::TooLong(_) | Problem::Broken(_)), "{problem:?}");
        // The rest is what fits into the sockets' buffers.
        assert!(played.await.unwrap() < 64 << 20, "{head}");
    }
}

#[tokio::test]
async fn slow_drips_and_silence_end_with_the_time() {
    for head in ["", "HTTP/1.1 200 OK\r\n\r\n{\"a\":\"", "HTTP/1.1 200 OK\r\nX: "] {
        let (router, played) = play(async |mut stream: TcpStream| {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut pause = tokio::time::interval(Duration::from_millis(5));
            while head.is_empty() || stream.write_all(b"x").await.is_ok() {
                pause.tick().await;
            }
        })
        .await;
        let error = client(IMPATIENT).fetch_status(&router).await.unwrap_err();
        assert_eq!(error.problem, Problem::TimedOut(IMPATIENT.answer), "{head:?}");
        assert!(error.is_timeout());
        if head.is_empty() {
            played.abort();
        } else {
            played.await.unwrap();
        }
    }
}

#[tokio::test]
async fn who_cannot_be_reached_is_named_with_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(PATIENT).fetch_status(&router(format!("http://u:pw@{address}/?x=y"))).await;
    let text = error.as_ref().unwrap_err().to_string();
    assert!(matches!(error.unwrap_err().problem, Problem::Refused(_)), "{text}");
    let expected = format!(
        "router \"home\": GET http://{address}/net/status: cannot connect: Connection refused"
    );
    assert!(text.starts_with(&expected), "{text}");

    let nowhere = router("http://router.invalid:8321".to_owned());
    let problem = client(PATIENT).fetch_status(&nowhere).await.unwrap_err().problem;
    assert!(matches!(problem, Problem::NameNotFound(_)), "{problem:?}");
    // No connection leads to a broadcast address, this computer's own either.
    let nowhere = router("http://127.255.255.255:8321".to_owned());
    let problem = client(PATIENT).fetch_status(&nowhere).await.unwrap_err().problem;
    assert!(matches!(problem, Problem::NoRoute(_)), "{problem:?}");
}

#[tokio::test]
async fn first_packets_that_nobody_answers_are_silence() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // The one that the queue has room for; Linux drops what comes then.
    let _queued = TcpStream::connect(address).await.unwrap();
    let connect = Duration::from_millis(200);
    let timeouts = Timeouts { connect, ..PATIENT };
    let error = client(timeouts).fetch_status(&router(format!("http://{address}"))).await;
    assert_eq!(error.unwrap_err().problem, Problem::NoAnswer(connect));
}

#[tokio::test]
async fn a_wrong_token_is_told_from_none_and_not_shown() {
    let (mut router, _played) = answering("HTTP/1.1 401 x\r\n\r\n").await;
    router.token = Some(Secret::new("hunter2".to_owned()));
    let error = client(PATIENT).fetch_status(&router).await.unwrap_err();
    assert_eq!(error.problem, Problem::TokenWrong);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn settings_that_cannot_be_asked_are_errors() {
    for url in ["", "192.168.1.1:8321", "https://192.168.1.1", "ftp://x", "http://"] {
        let error = client(PATIENT).fetch_status(&router(url.to_owned())).await.unwrap_err();
        assert!(matches!(error.problem, Problem::BadUrl(_)), "{url}: {error}");
    }
    let mut router = router("http://127.0.0.1:9".to_owned());
    router.token = Some(Secret::new("a\nb".to_owned()));
    let error = client(PATIENT).fetch_status(&router).await.unwrap_err();
    assert_eq!(error.problem, Problem::BadToken);
}

#[tokio::test]
async fn metrics_are_passed_on_whole_or_not_at_all() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n";
    let (router, played) = answering(answer).await;
    let fetched = client(PATIENT).fetch_metrics(&router, Some("text/plain")).await.unwrap();
    assert_eq!(fetched, ("text/plain".to_owned(), b"a 1\n".to_vec()));
    assert!(played.await.unwrap().contains("accept: text/plain\r\n"));
    let (router, _played) = answering(&answer.as_bytes()[..answer.len() - 1]).await;
    let problem = client(PATIENT).fetch_metrics(&router, None).await.unwrap_err().problem;
    assert!(matches!(problem, Problem::Broken(_)), "{problem:?}");
}
