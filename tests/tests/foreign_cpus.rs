//! The static programs of other CPUs, under QEMU's user mode: the shipped files, real kernel,
//! real sockets. `make arm` builds one and starts this; `make dist` does all of them.
//!
//! What is told here of a CPU is its instructions and its word size. Not its timing, its memory
//! order or its kernel.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use netmonitor_tests::running::{Launch, Running, find_on_path};
use netmonitor_tests::{clock, elf, http_client::Client, samples};
use serde_json::Value;
use tempfile::TempDir;

/// A program and what starts it.
#[derive(Debug, Clone)]
struct Cpu {
    target: String,
    /// `None`: this machine's own.
    emulator: Option<PathBuf>,
    program: PathBuf,
}

/// The programs to try: `FOREIGN_CPUS`, a list of targets.
fn cpus() -> Result<Vec<Cpu>> {
    let wanted = std::env::var_os("FOREIGN_CPUS").unwrap_or("aarch64-unknown-linux-musl".into());
    let wanted = wanted.into_string().ok().context("FOREIGN_CPUS is not UTF-8")?;
    let cpus: Result<Vec<Cpu>> = wanted.split_whitespace().map(Cpu::of).collect();
    cpus.and_then(|cpus| {
        ensure!(!cpus.is_empty(), "FOREIGN_CPUS names no target");
        Ok(cpus)
    })
}

impl Cpu {
    fn of(target: &str) -> Result<Self> {
        let (family, _) = target.split_once('-').context("a target has parts")?;
        let emulator = match family {
            own if own == std::env::consts::ARCH => None,
            "armv7" => Some("qemu-arm-static"),
            "aarch64" => Some("qemu-aarch64-static"),
            "mipsel" => Some("qemu-mipsel-static"),
            "x86_64" => Some("qemu-x86_64-static"),
            _ => bail!("{target}: no emulator is known for it"),
        };
        let emulator = match emulator {
            Some(name) => Some(find_on_path(name).with_context(|| {
                format!("{name} is missing: tests/install-tools.sh test installs it")
            })?),
            None => None,
        };
        let program = tree(&format!("target/static/{target}/release/netmonitor-exporter"));
        ensure!(
            program.is_file(),
            "{} is missing: openwrt/build-static.sh {target}",
            program.display()
        );
        Ok(Self { target: target.to_owned(), emulator, program })
    }

    /// The words that start the program in a network of its own with nothing but loopback:
    /// nothing that it pings or asks can leave this machine. Needs root.
    fn words(&self, arguments: &[&str]) -> Vec<OsString> {
        const ALONE: [&str; 5] = ["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"];
        let mut words: Vec<OsString> = ALONE.map(Into::into).to_vec();
        words.extend(self.emulator.iter().map(Into::into));
        words.push(self.program.clone().into());
        words.extend(arguments.iter().map(Into::into));
        words
    }

    /// Runs it to its end.
    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output> {
        let mut command = tool("unshare");
        command.args(self.words(arguments)).env("TZ", "UTC");
        answer(command, input).with_context(|| format!("{}: {arguments:?}", self.target))
    }

    /// Its standard output, when it ends well.
    fn told(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let output = self.run(arguments, input)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {arguments:?}: {said}", self.target);
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A program of this machine, without settings of the person who runs the tests.
#[expect(clippy::disallowed_methods, reason = "the tests' own tools")]
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

fn answer(mut command: Command, input: &[u8]) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let name = command.get_program().to_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", name.display()))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    std::thread::scope(|scope| {
        // One that does not read its input to the end is not told so.
        scope.spawn(move || stdin.write_all(input).ok());
        Ok(child.wait_with_output()?)
    })
}

#[test]
fn the_file_is_a_static_program_that_starts() -> Result<()> {
    for cpu in cpus()? {
        assert!(elf::is_static(&cpu.program)?, "{}", cpu.target);
        let help = cpu.told(&["--help"], b"")?;
        assert!(help.contains("Usage: netmonitor-exporter"), "{}: {help}", cpu.target);
        let version = cpu.told(&["--version"], b"")?;
        assert!(version.contains(env!("CARGO_PKG_VERSION")), "{}: {version}", cpu.target);
    }
    Ok(())
}

#[test]
fn settings_are_read_and_bad_ones_are_named() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("netmonitor.conf");
    let arguments = ["check-config", "--config", file.to_str().context("a path")?];
    for cpu in cpus()? {
        fs::write(&file, "PING_INTERVAL=0.25\nALLOWED_IPS=\"192.0.2.0/24 2001:db8::/32\"\n")?;
        let told = cpu.told(&arguments, b"")?;
        assert!(told.contains("PING_INTERVAL=\"0.25\""), "{}: {told}", cpu.target);

        fs::write(&file, "API_PORT=65536\n")?;
        let output = cpu.run(&arguments, b"")?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {said}", cpu.target);
        assert!(said.contains("API_PORT"), "{}: {said}", cpu.target);
    }
    Ok(())
}

#[test]
fn the_doctor_finds_what_the_device_has() -> Result<()> {
    let folder = TempDir::new()?;
    let settings = folder.path().join("netmonitor.conf");
    let queue = folder.path().join("events.json");
    fs::write(
        &settings,
        format!(
            "PING_TARGETS=127.0.0.1\nPING_GATEWAY=0\nLOG_SOURCE=none\nQUEUE_FILE={}\n",
            queue.display()
        ),
    )?;
    let root = tree("tests/fixtures/filogic-pppoe");
    let [settings, root] = [&settings, &root].map(|path| path.to_str().unwrap_or_default());
    for cpu in cpus()? {
        let told = cpu.told(&["doctor", "--config", settings, "--root", root], b"")?;
        for expected in [
            // An answer of a child, parsed; 16-bit byte order; a real ping.
            "wan is up by netifd (ubus)",
            "PPPoE: session 11271 on wan",
            "127.0.0.1: answers after",
            "shown: cpu-thermal at 52.8",
        ] {
            assert!(told.contains(expected), "{}: {expected}: {told}", cpu.target);
        }
    }
    Ok(())
}

#[test]
fn saved_logs_tell_their_events() -> Result<()> {
    let folder = tree("tests/fixtures/logs");
    let table = fs::read_to_string(folder.join("CONFIG.tsv"))?;
    for cpu in cpus()? {
        for row in table.lines().skip(1) {
            let [name, wan, pppoe, initial] = row.split('\t').collect::<Vec<_>>()[..] else {
                bail!("CONFIG.tsv: {row}");
            };
            let log = fs::read(folder.join(format!("{name}.log")))?;
            let options = ["--wan-iface", wan, "--pppoe-iface", pppoe, "--initial", initial];
            let told =
                cpu.told(&[&["replay", "--derived"], &options[..], &["-"]].concat(), &log)?;
            let expected = fs::read_to_string(folder.join(format!("{name}.expected")))?;
            assert_eq!(told, expected, "{}: {name}", cpu.target);
        }
    }
    Ok(())
}

/// The exporter on a fixture, alone in its network.
struct Router {
    exporter: Running,
    _files: TempDir,
}

impl Router {
    fn start(cpu: &Cpu) -> Result<Self> {
        let files = TempDir::new()?;
        let settings = files.path().join("netmonitor.conf");
        let queue = files.path().join("events.json");
        let root = tree("tests/fixtures/filogic-pppoe");
        fs::write(
            &settings,
            format!(
                "PING_TARGETS=\"127.0.0.1 ::1 198.51.100.1@international\"\nPING_INTERVAL=0.2\n\
                 PING_GATEWAY=0\nLISTEN=127.0.0.1\nAPI_PORT=0\nLOG_SOURCE=none\nQUEUE_FILE={}\n",
                queue.display()
            ),
        )?;
        let [settings, root] = [&settings, &root].map(|path| path.to_str().unwrap_or_default());
        let exporter = Launch {
            program: "unshare".as_ref(),
            arguments: cpu.words(&["--config", settings, "--root", root, "run"]),
            address_after: "answers on http://",
            cores: None,
        }
        .start()
        .with_context(|| cpu.target.clone())?;
        Ok(Self { exporter, _files: files })
    }

    /// Works in its network.
    fn inside<T: Send>(&self, work: impl FnOnce(&mut Client) -> Result<T> + Send) -> Result<T> {
        let network = File::open(format!("/proc/{}/ns/net", self.exporter.id()))?;
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                rustix::thread::move_into_link_name_space(network.as_fd(), None)?;
                work(&mut Client::connect(self.exporter.address)?)
            });
            moved.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// The value of a series, as it is printed.
fn sample<'a>(scrape: &'a str, series: &str) -> Option<&'a str> {
    let rows = scrape.lines().filter_map(|line| line.rsplit_once(' '));
    rows.into_iter().find(|(name, _)| *name == series).map(|(_, value)| value)
}

fn count(scrape: &str, series: &str) -> f64 {
    sample(scrape, series).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

#[test]
fn it_pings_and_is_scraped() -> Result<()> {
    const PARSE: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        print(sum(len(f.samples) for f in parse(sys.stdin.read())))";
    for cpu in cpus()? {
        let router = Router::start(&cpu)?;
        let (scrape, status) = router.inside(|client| {
            for target in ["127.0.0.1", "::1"] {
                let answers = format!(
                    "netmonitor_ping_rtt_seconds_count{{target=\"{target}\",scope=\"domestic\"}}"
                );
                clock::until(&answers, || Ok(count(client.get("/metrics")?, &answers) >= 3.0))?;
            }
            clock::until("a sensor is read", || {
                Ok(client.get("/metrics")?.contains("netmonitor_cpu_temperature_celsius"))
            })?;
            let scrape = client.get("/metrics")?.to_owned();
            Ok((scrape, client.get("/net/status")?.to_owned()))
        })?;

        // Beyond 32 bits, from text and back; the address in a network byte order.
        let bytes = "netmonitor_interface_receive_bytes_total{device=\"pppoe-wan\"}";
        assert_eq!(sample(&scrape, bytes), Some("37655318204"), "{}", cpu.target);
        let far = "{target=\"198.51.100.1\",scope=\"international\"}";
        let lost = format!("netmonitor_ping_lost_total{far}");
        assert!(count(&scrape, &lost) > 0.0, "{}: nothing leaves the network", cpu.target);
        assert_eq!(sample(&scrape, "netmonitor_internet_up"), Some("1"), "{}", cpu.target);

        // Debian's own python has Debian's package.
        let mut python = tool("/usr/bin/python3");
        python.args(["-c", PARSE]);
        let read = answer(python, scrape.as_bytes())?;
        let said = String::from_utf8_lossy(&read.stderr);
        let samples = samples::count(&scrape);
        assert!(read.status.success(), "{}: {said}", cpu.target);
        assert_eq!(String::from_utf8(read.stdout)?.trim(), samples.to_string(), "{}", cpu.target);

        let status: Value = serde_json::from_str(&status)?;
        let ping = &status["realtime"]["ping"]["127.0.0.1"];
        assert_eq!(ping["loss"].as_f64(), Some(0.0), "{}: {status}", cpu.target);
        assert!(ping["rtt"].as_f64().is_some_and(|rtt| rtt > 0.0), "{}: {status}", cpu.target);
    }
    Ok(())
}
