//! The files that OpenWrt gets beside the program: `openwrt/files/`. The program has every
//! right it needs with those of `capabilities/netmonitor.json`, and the settings file says
//! every setting. Needs root.

use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netmonitor_exporter::config::settings::SETTINGS;
use serde_json::Value;

use crate::apart::{Apart, end};
use crate::program::{Program, command, copy_of, run, tool, until};
use crate::router::{types, write_program};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openwrt/files/etc").join(name)
}

/// Key and value of each line that is a setting, whether it counts or is a comment.
fn settings_of(text: &str) -> Vec<(&str, &str, bool)> {
    let setting = |line| {
        let given = str::strip_prefix(line, "# ").unwrap_or(line);
        let (key, value) = given.split_once("=\"")?;
        let is_key = key.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !key.is_empty();
        is_key.then(|| (key, value.strip_suffix('"').expect("a closed quote"), given == line))
    };
    text.lines().filter_map(setting).collect()
}

#[test]
fn the_settings_file_says_every_setting_and_its_default() {
    let text = std::fs::read_to_string(file("netmonitor.conf")).unwrap();
    let settings = settings_of(&text);
    let said: Vec<_> = settings.iter().map(|(key, value, _)| (*key, *value)).collect();
    let known: Vec<_> = SETTINGS.iter().map(|setting| (setting.key, setting.default)).collect();
    assert_eq!(said, known, "in the order of SETTINGS");
    // An installer fills these in.
    let counting = settings.iter().filter(|(.., counts)| *counts).map(|(key, ..)| *key);
    assert_eq!(counting.collect::<Vec<_>>(), ["WAN_IFACE", "PPPOE_IFACE"]);
}

#[test]
fn the_settings_file_is_good_with_and_without_its_comments() {
    let text = std::fs::read_to_string(file("netmonitor.conf")).unwrap();
    let all = settings_of(&text)
        .iter()
        .map(|(key, value, _)| format!("{key}=\"{value}\"\n"))
        .collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    for text in [text, all] {
        let path = folder.path().join("netmonitor.conf");
        std::fs::write(&path, text).unwrap();
        let output = run(&["check-config", "--config", path.to_str().unwrap()]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
    }
}

/// What the file names, in lower case and without `cap_`; all five sets are the same.
fn rights() -> Vec<String> {
    let text = std::fs::read_to_string(file("capabilities/netmonitor.json")).unwrap();
    let sets: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut names: Vec<&str> = sets.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["ambient", "bounding", "effective", "inheritable", "permitted"]);
    for set in sets.values() {
        assert_eq!(set, &sets["bounding"]);
    }
    let named = sets["bounding"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    named.map(|name| name.strip_prefix("CAP_").unwrap().to_lowercase()).collect()
}

/// The program as ujail starts it: root with these rights only, and no way to more.
fn with_rights(rights: &[String]) -> Command {
    let sets = rights.iter().fold("-all".to_owned(), |sets, right| format!("{sets},+{right}"));
    let mut limited = tool("setpriv");
    limited.arg("--no-new-privs");
    for set in ["bounding-set", "inh-caps", "ambient-caps"] {
        limited.arg(format!("--{set}={sets}"));
    }
    let program = command();
    limited.arg(program.get_program()).env("TZ", "UTC");
    limited
}

const SET_UP: &str = r#"
ip link add nmwan0 type veth peer name nmwan1
ip link set nmwan0 up
ip link set nmwan1 up
mount -t sysfs sysfs /sys
mkdir -p "$0/dev" "$0/run" "$0/sbin"
ln -s "$(command -v busybox)" "$0/sbin/logread"
for node in null zero urandom kmsg; do
  [ -e "/dev/$node" ] || continue
  : >"$0/dev/$node"
  mount --bind "/dev/$node" "$0/dev/$node"
done
for folder in dev run; do
  mount --rbind "$0/$folder" "/$folder"
done
"#;

/// `ubus listen`, as far as the program uses it.
const UBUS: &str = "[ \"$*\" = \"listen network.interface\" ] || exit 4\nexec tail -n +1 -f ";

struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn status_of(pid: u32, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').trim().to_owned()
}

fn has_ping(program: &Program) -> bool {
    let series = "netmonitor_ping_rtt_seconds_count{target=\"127.0.0.1\",scope=\"domestic\"}";
    program.metrics().sample(series).is_some_and(|count| count >= 1.0)
}

/// A router with BusyBox's syslogd, whose files belong to somebody else.
struct Router {
    root: tempfile::TempDir,
    apart: Apart,
    _syslogd: Ends,
}

impl Router {
    fn new() -> Self {
        let root = copy_of("ath79-old");
        let announcements = root.path().join("announcements");
        std::fs::write(&announcements, "").unwrap();
        std::fs::create_dir_all(root.path().join("bin")).unwrap();
        let script = format!("{UBUS}{}", announcements.display());
        write_program(&root.path().join("bin/ubus"), &script);
        let (token, kept) = (root.path().join("token"), root.path().join("kept"));
        std::fs::write(&token, "secret\n").unwrap();
        std::fs::create_dir(&kept).unwrap();
        for path in [&token, &kept] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
            chown(path, Some(65534), Some(65534)).unwrap();
        }
        let apart = Apart::with_network(SET_UP, root.path());
        let mut syslogd = tool("busybox");
        let syslogd = Ends(apart.enter(syslogd.args(["syslogd", "-n", "-C64"])).spawn().unwrap());
        until("syslogd listens", || root.path().join("dev/log").exists());
        Self { root, apart, _syslogd: syslogd }
    }

    fn announce(&self, action: &str) {
        let line = format!(
            "{{ \"network.interface\": {{\"action\":\"{action}\",\"interface\":\"wan\"}} }}\n"
        );
        std::fs::write(self.root.path().join("announcements"), line).unwrap();
    }

    fn settings(&self) -> String {
        let root = self.root.path().display();
        format!(
            "PING_TARGETS=\"127.0.0.1\"\nPING_INTERVAL=0.2\nWAN_IFACE=\"wan,nmwan0\"\n\
             LOG_SOURCE=\"logread,kmsg\"\nQUEUE_FILE=\"{root}/kept/events.json\"\n"
        )
    }

    /// The program's command there; what it pings is not asked.
    fn command(&self, rights: &[String], arguments: &[&str]) -> Command {
        let mut limited = with_rights(rights);
        limited.args(arguments).args(["--ping-targets", "", "--ping-gateway", "0"]);
        self.apart.enter(&limited)
    }

    fn start(&self, rights: &[String]) -> Program {
        let command = self.apart.enter(&with_rights(rights));
        Program::start_by(command, self.root.path(), &self.settings())
    }

    /// `work` runs in its network.
    fn there(&self, work: impl FnOnce() + Send) {
        let network = std::fs::File::open(format!("/proc/{}/ns/net", self.apart.pid())).unwrap();
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                rustix::thread::move_into_link_name_space(network.as_fd(), None).unwrap();
                work();
            });
            if let Err(panic) = moved.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    /// Reads a file of somebody else's.
    fn reads_the_token(&self, rights: &[String]) -> bool {
        let token = self.root.path().join("token");
        let arguments = ["check-config", "--token-file", token.to_str().unwrap()];
        self.command(rights, &arguments).output().unwrap().status.success()
    }

    /// What `doctor` says of a device without a module.
    fn asks_for_the_module(&self, rights: &[String]) -> String {
        let arguments = ["doctor", "--wan-iface", "nmwan0", "--optical-source", "eeprom"];
        let output = self.command(rights, &arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Answers on a port that only some may take.
    fn takes_port_80(&self, rights: &[String]) -> bool {
        let mut command = self.command(
            rights,
            &["--listen", "127.0.0.1", "--api-port", "80", "--log-source", "none"],
        );
        let mut program = Ends(command.stderr(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(program.0.stderr.take().unwrap()).lines();
        lines.map_while(Result::ok).any(|line| line.contains("answers on http://127.0.0.1:80"))
    }
}

fn without(rights: &[String], right: &str) -> Vec<String> {
    assert!(rights.iter().any(|known| known == right), "{right}");
    rights.iter().filter(|known| *known != right).cloned().collect()
}

#[test]
fn the_program_has_every_right_it_needs() {
    let router = Router::new();
    let rights = rights();
    let program = router.start(&rights);
    let mask = status_of(program.pid(), "CapBnd");
    let count = u64::from_str_radix(&mask, 16).unwrap().count_ones();
    assert_eq!(count as usize, rights.len());
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status_of(program.pid(), set), mask, "{set}");
    }
    assert_eq!(status_of(program.pid(), "NoNewPrivs"), "1");
    router.there(|| {
        until("a ping is answered", || has_ping(&program));
        let mut logger = tool("busybox");
        logger.args([
            "logger",
            "-t",
            "netifd",
            "-p",
            "daemon.notice",
            "Interface 'wan' is now down",
        ]);
        assert!(router.apart.enter(&logger).status().unwrap().success());
        let has = |kind: &str| types(&program).iter().any(|known| known == kind);
        until("the line is an event", || has("wan_down"));
        router.announce("ifup");
        until("the announcement is one", || has("wan_up"));
        let up = |source| {
            let metrics = program.metrics();
            metrics.sample(&format!("netmonitor_log_source_up{{source=\"{source}\"}}"))
        };
        assert_eq!((up("logread"), up("ubus")), (Some(1.0), Some(1.0)));
        match std::fs::File::open("/dev/kmsg") {
            Ok(_) => until("the kernel's log is read", || up("kmsg") == Some(1.0)),
            Err(error) => eprintln!("NOT TESTED: this machine's /dev/kmsg: {error}"),
        }
    });
    assert!(router.root.path().join("kept/events.json").is_file());
    assert!(router.reads_the_token(&rights));
    assert!(router.takes_port_80(&rights));
    assert!(router.asks_for_the_module(&rights).contains("offers no module EEPROM"));
}

#[test]
fn it_has_no_right_without_need() {
    let router = Router::new();
    let rights = rights();
    assert!(!router.reads_the_token(&without(&rights, "dac_override")));
    assert!(!router.takes_port_80(&without(&rights, "net_bind_service")));
    let asked = router.asks_for_the_module(&without(&rights, "net_admin"));
    assert!(asked.contains("needs CAP_NET_ADMIN"), "{asked}");
    let program = router.start(&without(&rights, "net_raw"));
    until("the refusal", || program.log().contains("ping 127.0.0.1: not allowed"));
    let restricted = std::fs::read_to_string("/proc/sys/kernel/dmesg_restrict").unwrap();
    if restricted.trim() == "1" {
        let program = router.start(&without(&rights, "syslog"));
        until("the refusal", || program.log().contains("/dev/kmsg: cannot be opened"));
    }
}
