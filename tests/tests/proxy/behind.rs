//! Who is behind the proxy: somebody in Grafana's place, who tells what he was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// More than nginx and the kernel hold back together.
pub(crate) const LARGE: usize = 32 << 20;

/// Answers until it is dropped.
pub(crate) struct StandIn {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // Each ends with its connection, which the proxy closes.
                std::thread::spawn(move || serve(&stream).ok());
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Ends the wait for the next one.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            thread.join().ok();
        }
    }
}

fn serve(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut from = BufReader::new(stream);
    let mut head = String::new();
    while from.read_line(&mut head)? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    std::io::copy(&mut from.by_ref().take(length), &mut std::io::sink())?;
    match path {
        "/api/live/ws" if head.contains("Upgrade: websocket\r\nConnection: upgrade\r\n") => {
            let switch = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            stream.write_all(switch.as_bytes())?;
            // From here on the proxy knows nothing of what goes to and fro.
            std::io::copy(&mut from, &mut stream)?;
        }
        "/own-headers" => {
            let own = "X-Frame-Options: deny\r\nX-Content-Type-Options: nosniff\r\n\
                Referrer-Policy: no-referrer\r\nPermissions-Policy: usb=()\r\n\
                Strict-Transport-Security: max-age=1\r\n";
            answer(stream, "200 OK", own, b"")?;
        }
        "/large" => answer(stream, "200 OK", "", &vec![b'x'; LARGE])?,
        "/text" => {
            let text = "answers compress well\n".repeat(200);
            answer(stream, "200 OK", "Content-Type: application/json\r\n", text.as_bytes())?;
        }
        "/missing" => answer(stream, "404 Not Found", "", b"no such page")?,
        "/broken" => answer(stream, "502 Bad Gateway", "", b"its own words")?,
        "/silent" => {}
        // What was asked, without the first line's end.
        _ => answer(stream, "200 OK", "Content-Type: text/plain\r\n", head.as_bytes())?,
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, status: &str, more: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n")?;
    stream.write_all(body)
}
