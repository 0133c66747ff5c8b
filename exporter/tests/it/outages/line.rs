//! A line to the internet, made of network namespaces:
//!
//! ```text
//! router wan0 ── house modem line ── line provider near ── wan0 host 192.0.2.1
//!     203.0.113.2                203.0.113.1       far ─── wan0 host 198.51.100.1
//! ```
//!
//! A test breaks it with `ip` and `tc`, which take effect at once: routes and rules that
//! drop, ports that are switched off, and queues as slow as a line that is full. Needs root.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::process::{Output, Stdio};

use jiff::Timestamp;

use crate::apart::Apart;
use crate::program::{Program, command, tool, until};

/// In two networks, as two witnesses must be.
pub(super) const TARGETS: [&str; 2] = ["192.0.2.1", "198.51.100.1"];
const ROUTER: &str = "203.0.113.2";

/// Between two pings of a target, in seconds: the shortest that the program takes.
pub(super) const INTERVAL: f64 = 0.2;
/// After so many seconds an answer is too late.
const TIMEOUT: f64 = 1.0;

/// The program sees the machine's own `/proc`, and of `/sys` what belongs to its network.
const SEE_DEVICES: &str = r#"
mkdir "$0/proc" "$0/sys"
mount --rbind /proc "$0/proc"
mount -t sysfs netmonitor "$0/sys"
"#;

/// What IPv6 says of itself on a new device would fill a slow queue.
const ONLY_IPV4: &str = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";

/// All devices, from the test's own namespace.
const WIRE: &str = r#"
ip link add wan0 netns "$ROUTER" type veth peer name house netns "$MODEM"
ip link add line netns "$MODEM" type veth peer name line netns "$PROVIDER"
ip link add near netns "$PROVIDER" type veth peer name wan0 netns "$NEAR"
ip link add far netns "$PROVIDER" type veth peer name wan0 netns "$FAR"
"#;

/// A neighbour that does not answer is asked once a second: what is mended would be found
/// so much later. One that answers is asked whether it is still there: that would fill a
/// slow queue.
const KNOW_NEIGHBOURS: &str = "ip ntable change name arp_cache retrans 100 delay_probe 60000 dev";

pub(super) struct Line {
    router: Apart,
    modem: Apart,
    provider: Apart,
    hosts: [Apart; 2],
    root: tempfile::TempDir,
    /// Beside the program: it outlives a run.
    kept: tempfile::TempDir,
}

/// What was done took effect between two readings of the wall clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Line {
    /// Moves the calling thread into the router's network, where it can ask the program:
    /// it must be a thread of its own.
    pub(super) fn new() -> Self {
        let (root, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bare = || Apart::with_network(ONLY_IPV4, kept.path());
        let line = Self {
            router: Apart::with_network(&format!("{ONLY_IPV4}\n{SEE_DEVICES}"), root.path()),
            modem: bare(),
            provider: bare(),
            hosts: [bare(), bare()],
            root,
            kept,
        };
        line.wire();
        let network = format!("/proc/{}/ns/net", line.router.pid());
        let network = std::fs::File::open(network).unwrap();
        rustix::thread::move_into_link_name_space(network.as_fd(), None).unwrap();
        for target in TARGETS {
            let ping = format!("busybox ping -c 1 -W 1 {target}");
            until(&ping, || execute(&line.router, &ping).status.success());
        }
        line
    }

    fn wire(&self) {
        let mut wire = tool("sh");
        wire.args(["-euc", WIRE]);
        let [near, far] = &self.hosts;
        let places = [
            ("ROUTER", &self.router),
            ("MODEM", &self.modem),
            ("PROVIDER", &self.provider),
            ("NEAR", near),
            ("FAR", far),
        ];
        for (name, place) in places {
            wire.env(name, place.pid().to_string());
        }
        assert!(wire.status().unwrap().success(), "veth pairs could not be made");

        let up = |device: &str, address: &str| {
            format!(
                "ip addr add {address} dev {device}; ip link set {device} up\n\
                 {KNOW_NEIGHBOURS} {device}\n"
            )
        };
        let default = |gateway: &str| format!("ip route add default via {gateway}");
        run(&self.router, &(up("wan0", &format!("{ROUTER}/24")) + &default("203.0.113.1")));
        self.modem(
            "ip link add bridge type bridge; ip link set bridge up; \
             for port in house line; do ip link set $port master bridge up; done",
        );
        self.provider(
            &[
                &up("line", "203.0.113.1/24"),
                &up("near", "192.0.2.254/24"),
                &up("far", "198.51.100.254/24"),
                "echo 1 >/proc/sys/net/ipv4/ip_forward",
            ]
            .concat(),
        );
        run(near, &(up("wan0", "192.0.2.1/24") + &default("192.0.2.254")));
        run(far, &(up("wan0", "198.51.100.1/24") + &default("198.51.100.254")));
    }

    /// Does something to the router that the program runs on.
    pub(super) fn router(&self, script: &str) -> Done {
        run(&self.router, script)
    }

    /// Does something to the box that the router's WAN port leads to.
    pub(super) fn modem(&self, script: &str) -> Done {
        run(&self.modem, script)
    }

    /// Does something to the provider's gateway.
    pub(super) fn provider(&self, script: &str) -> Done {
        run(&self.provider, script)
    }

    pub(super) fn start(&self) -> Program {
        let settings = format!(
            "PING_TARGETS=\"{}\"\nPING_INTERVAL={INTERVAL}\nPING_TIMEOUT={TIMEOUT}\n\
             PING_GATEWAY=1\nWAN_IFACE=\"wan0\"\nPPPOE_IFACE=\"\"\nQUEUE_FILE=\"{}\"\n",
            TARGETS.join(" "),
            self.kept.path().join("events.json").display()
        );
        Program::start_by(self.router.enter(&command()), self.root.path(), &settings)
    }

    /// Echo requests that have reached each target.
    pub(super) fn arrived(&self) -> [u64; 2] {
        self.hosts.each_ref().map(|host| {
            let output = execute(host, "cat /proc/net/snmp");
            let table = String::from_utf8(output.stdout).unwrap();
            let mut rows = table.lines().filter(|row| row.starts_with("Icmp:"));
            let (names, values) = (rows.next().unwrap(), rows.next().unwrap());
            let mut cells = names.split(' ').zip(values.split(' '));
            cells.find(|(name, _)| *name == "InEchos").unwrap().1.parse().unwrap()
        })
    }

    /// Sends packets as long as a ping to a target, to be dropped there.
    pub(super) fn send_junk(&self, target: &str, packets: u32) {
        let socket = UdpSocket::bind((ROUTER, 0)).unwrap();
        for _ in 0..packets {
            socket.send_to(&[0; 56], (target, 9)).unwrap();
        }
    }
}

pub(super) fn wall_clock() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

#[track_caller]
fn run(place: &Apart, script: &str) -> Done {
    let from = wall_clock();
    let output = execute(place, script);
    let to = wall_clock();
    assert!(output.status.success(), "{script}: {output:?}");
    Done { from, to }
}

fn execute(place: &Apart, script: &str) -> Output {
    let mut sh = tool("sh");
    sh.args(["-euc", script]);
    place.enter(&sh).stdin(Stdio::null()).output().unwrap()
}
