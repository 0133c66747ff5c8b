//! Asks a proxy with curl, which checks its certificate by the authority of the proxy.

use std::path::Path;

use super::started::{Proxy, tool};

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Of HTTP: `2`, `1.1`.
    pub(crate) version: String,
    /// In lower case, in their order.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header that is there once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        match self.headers(name)[..] {
            [value] => value,
            ref values => panic!("{name}: {values:?} in {:?}", self.headers),
        }
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let those = self.headers.iter().filter(|(other, _)| other == name);
        those.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Proxy<'_> {
    /// Asks for `https://nas.lan:PORT/PATH`, with more of curl's arguments.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, arguments: &[&str]) -> Answer {
        let authority = self.place.certificate("authority.crt");
        self.ask(
            &format!("https://nas.lan:{}{path}", self.place.https().port()),
            &authority,
            arguments,
        )
    }

    /// The same at the port of HTTP, by the proxy's name there.
    #[track_caller]
    pub(crate) fn get_without_tls(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("http://nas.lan:{}{path}", self.place.http().port());
        self.ask(&url, Path::new("/dev/null"), arguments)
    }

    #[track_caller]
    pub(crate) fn ask(&self, url: &str, authority: &Path, arguments: &[&str]) -> Answer {
        let ports = [self.place.http().port(), self.place.https().port()];
        let mut command = tool("curl");
        command.args(["-sS", "-i", "--http2", "--noproxy", "*", "--max-time", "60", "--cacert"]);
        command.arg(authority);
        for port in ports {
            command.args(["--resolve", &format!("nas.lan:{port}:127.0.0.1")]);
        }
        let output = command.args(arguments).arg(url).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{url}: {error}; the proxy says: {}", self.said());
        read(&output.stdout)
    }
}

/// After `HTTP/1.1 100 Continue` comes another head.
fn read(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let (head, body) = (std::str::from_utf8(&answer[..end]).unwrap(), &answer[end + 4..]);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let version = first.next().unwrap().strip_prefix("HTTP/").unwrap().to_owned();
    let status = first.next().unwrap().parse().unwrap();
    if status == 100 {
        return read(body);
    }
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Answer { status, version, headers: headers.collect(), body: body.to_vec() }
}
