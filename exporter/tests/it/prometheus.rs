//! The readers of `/metrics`: promtool, a real Prometheus, and a strict OpenMetrics
//! parser (of the Python client library), from Debian's packages.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::program::{Program, fixture, tool, until};

const DEVICES: [&str; 4] = ["filogic-pppoe", "x86-igc-sfp", "ath79-old", "prx-stick"];

/// Pings and a look-up that fails, so that their series are there too.
const EVERYTHING: &str =
    "PING_TARGETS=\"127.0.0.1 198.51.100.1@international\"\nDNS_NAME=\"example.com\"\n";

/// Runs a reader on a text; returns whether it is content, and what it said.
fn read_by(mut command: Command, text: &str) -> (bool, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("make test installs promtool and python3-prometheus-client");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Runs `work` with the program on each device, once everything has something to show.
fn on_each_device(work: impl Fn(&str, &Program) + Sync) {
    for device in DEVICES {
        Program::isolated(&fixture(device), EVERYTHING, |program| {
            until("pings and sensors are there", || {
                let text = program.metrics().body;
                text.contains("ping_requests_total{") && text.contains("dns_failures_total{")
            });
            work(device, program);
        });
    }
}

#[test]
fn promtool_has_no_complaint() {
    on_each_device(|device, program| {
        let mut promtool = tool("promtool");
        promtool.args(["check", "metrics"]);
        let (content, said) = read_by(promtool, &program.metrics().body);
        assert!(content && said.is_empty(), "{device}: {said}");
    });
}

#[test]
fn a_strict_open_metrics_parser_accepts_every_scrape() {
    const PARSE: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        print(sum(len(f.samples) for f in parse(sys.stdin.read())))";
    on_each_device(|device, program| {
        let answer = program.ask(
            "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n",
        );
        // Debian's own python has Debian's package.
        let mut python = tool("/usr/bin/python3");
        python.args(["-c", PARSE]);
        let (content, said) = read_by(python, &answer.body);
        assert!(content, "{device}: {said}");
        let samples = answer.body.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(said.trim(), samples.to_string(), "{device}: every sample is read");
    });
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_real_prometheus_scrapes_without_a_warning() {
    Program::isolated(&fixture("filogic-pppoe"), EVERYTHING, scraped_by_prometheus);
}

fn scraped_by_prometheus(program: &Program) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let settings = format!(
        "scrape_configs:\n- job_name: router\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:{}']\n",
        program.port
    );
    std::fs::write(&config, settings).unwrap();
    let log = dir.path().join("log");
    // Prometheus must be told its port; a free one of this moment serves.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let _prometheus = Stopped(
        tool("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .expect("make test installs prometheus"),
    );
    let query = |expression: &str| -> Option<String> {
        let request = format!("GET /api/v1/query?query={expression} HTTP/1.0\r\n\r\n");
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let answer = crate::program::read_answer(&mut stream);
        let answer: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        Some(answer["data"]["result"][0]["value"][1].as_str()?.to_owned())
    };
    until("three scrapes", || {
        query("count_over_time(up[1m])").is_some_and(|n| n != "1" && n != "2")
    });
    assert_eq!(query("up").as_deref(), Some("1"));
    assert_eq!(query("netmonitor_pppoe_up").as_deref(), Some("1"));
    assert_eq!(
        query("scrape_samples_post_metric_relabeling%20%3E%20bool%20100").as_deref(),
        Some("1")
    );
    let log = std::fs::read_to_string(&log).unwrap();
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("level=warn") || line.contains("level=error"))
        .collect();
    assert_eq!(complaints, [""; 0]);
}
