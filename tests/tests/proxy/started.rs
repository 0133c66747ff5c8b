//! `compose/proxy/start.sh` as a test starts it: as the image's user, without any right, and with
//! nothing to write to but its two folders.

use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netmonitor_tests::clock;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::kept_port::KeptPort;
use rustix::process::{Pid, Signal, kill_process};

/// Of the image's user.
const USER: u32 = 101;

/// $0 and $1 can be written, and /dev/shm, as in a container. Each is a mount of its own, so
/// the rest can be mounted read-only.
const ENTER: &str = r#"for folder in "$0" "$1"; do mount --bind "$folder" "$folder"; done
    mount -t tmpfs none /dev/shm
    mount -o remount,bind,ro /
    cd /
    shift
    exec setpriv --pdeathsig TERM --reuid 101 --regid 101 --clear-groups --no-new-privs \
      --inh-caps=-all --bounding-set=-all "$@""#;

/// Where a proxy lives. Each that is started goes on with the certificates of the last.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    http: KeptPort,
    https: KeptPort,
    settings: Vec<(&'static str, String)>,
    /// Of the environment, for the script alone and not for what leads to it.
    preloaded: Vec<String>,
}

/// A running proxy; ends when dropped.
pub(crate) struct Proxy<'a> {
    pub(crate) place: &'a Place,
    child: Child,
}

impl Place {
    /// For the name `nas.lan`, with nobody behind it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            folder,
            http: KeptPort::new().unwrap(),
            https: KeptPort::new().unwrap(),
            settings: Vec::new(),
            preloaded: Vec::new(),
        };
        std::fs::set_permissions(place.folder.path(), mode(0o755)).unwrap();
        for name in ["work", "certificates", "secrets", "proxy"] {
            std::fs::create_dir(place.folder.path().join(name)).unwrap();
        }
        for folder in [place.work(), place.certificates()] {
            chown(folder, Some(USER), Some(USER)).unwrap();
        }
        // A copy: the tree may be where that user sees nothing.
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose/proxy");
        for entry in std::fs::read_dir(ours).unwrap().flatten() {
            let copy = place.folder.path().join("proxy").join(entry.file_name());
            std::fs::copy(entry.path(), copy).unwrap();
        }
        let https = place.https.address.port().to_string();
        place
            .with("TLS_NAMES", "nas.lan 127.0.0.1")
            .with("HTTPS_PORT", &https)
            .with("GRAFANA_ADDRESS", "127.0.0.1:9")
            .with("BRIDGE_ADDRESS", "127.0.0.1:9")
    }

    /// The same with another setting.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(other, _)| *other != name);
        self.settings.push((name, value.to_owned()));
    }

    /// It lives that many days ago, or now. Not through the program faketime: that one would
    /// stand between us and nginx.
    pub(crate) fn set_days_ago(&mut self, days: Option<u32>) {
        let library = tool("faketime").args(["-f", "+0d", "sh", "-c", "echo $LD_PRELOAD"]).output();
        let library = String::from_utf8(library.unwrap().stdout).unwrap();
        self.preloaded = days.map_or(Vec::new(), |days| {
            vec![format!("LD_PRELOAD={}", library.trim()), format!("FAKETIME=-{days}d")]
        });
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.certificates().join(name)
    }

    /// Where Docker puts a file of the host, with its owner and mode.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.folder.path().join("secrets").join(name)
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.http.address
    }

    pub(crate) fn https(&self) -> SocketAddr {
        self.https.address
    }

    fn said(&self) -> PathBuf {
        self.folder.path().join("said")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = tool("unshare");
        command
            .args(["--mount", "sh", "-euc", ENTER])
            .args([self.work(), self.certificates()])
            .arg("env")
            .args(&self.preloaded)
            .arg(self.folder.path().join("proxy/start.sh"))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("WORK", self.work())
            .env("CERTIFICATES", self.certificates())
            .env("SECRETS", self.folder.path().join("secrets"))
            .env("HTTP_LISTEN", self.http().to_string())
            .env("HTTPS_LISTEN", self.https().to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.said()).unwrap());
        command
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&self) -> Proxy<'_> {
        let child = self.command().spawn().unwrap();
        let mut proxy = Proxy { place: self, child };
        clock::until("the proxy answers", || {
            assert!(proxy.child.try_wait()?.is_none(), "it ended: {}", proxy.said());
            let Ok(mut client) = Client::connect(self.http()) else { return Ok(false) };
            Ok(client.get("/healthz").is_ok_and(|body| body == "ok\n"))
        })
        .unwrap();
        proxy
    }

    /// It does not start; what it says.
    #[track_caller]
    pub(crate) fn refuses(&self) -> String {
        let code = self.command().status().unwrap().code();
        let said = std::fs::read_to_string(self.said()).unwrap();
        assert_eq!(code, Some(1), "{said}");
        assert!(!self.work().join("nginx.conf").exists());
        said
    }
}

impl Proxy<'_> {
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.place.said()).unwrap()
    }
}

impl Drop for Proxy<'_> {
    /// Kindly: workers of a master that is killed would stay.
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.child.try_wait().is_ok_and(|end| end.is_none())) {
            kill_process(pid, Signal::TERM).ok();
        }
        self.child.wait().ok();
    }
}

pub(crate) fn mode(bits: u32) -> std::fs::Permissions {
    std::fs::Permissions::from_mode(bits)
}

#[expect(clippy::disallowed_methods, reason = "the program under test, and tools")]
pub(crate) fn tool(name: &str) -> Command {
    Command::new(name)
}
