//! A computer with a copy of `compose/`, a stand-in for the engine, and no more programs than a
//! NAS has.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::ensure;
use netmonitor_tests::clock;
use netmonitor_tests::kept_port::KeptPort;
use netmonitor_tests::running::find_on_path;

/// All that deploy.sh may use of a computer, and `flock` where there is one.
const PROGRAMS: [&str; 32] = [
    "awk",
    "cat",
    "chmod",
    "cp",
    "cut",
    "date",
    "dirname",
    "du",
    "find",
    "flock",
    "grep",
    "gzip",
    "head",
    "id",
    "ip",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "od",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "sh",
    "sha256sum",
    "stty",
    "tail",
    "tar",
    "touch",
    "tr",
    "wc",
];

/// Of .env.example, with what listens there by default.
pub(crate) const PORTS: [&str; 6] = [
    "GRAFANA_PORT",
    "BRIDGE_PORT",
    "PROMETHEUS_PORT",
    "ALERTMANAGER_PORT",
    "HTTP_PORT",
    "HTTPS_PORT",
];

/// The shell that runs deploy.sh. BusyBox's prefers its own programs to those of `PATH`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shell {
    Dash,
    BusyBox,
}

/// Runs a test with each shell, on a new computer.
#[track_caller]
pub(crate) fn in_each_shell(test: impl Fn(Machine)) {
    for shell in [Shell::Dash, Shell::BusyBox] {
        test(Machine::new(shell));
    }
}

pub(crate) struct Machine {
    shell: Shell,
    home: tempfile::TempDir,
    ports: Vec<KeptPort>,
    settings: BTreeMap<String, String>,
    before: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Of the project.
pub(crate) fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// The real Compose, which reads files without an engine.
pub(crate) fn real_compose() -> PathBuf {
    let file = root().join("target/containers/docker/cli-plugins/docker-compose");
    let is_there = file.is_file();
    assert!(is_there, "{} is missing: `make tools` fetches it", file.display());
    file
}

#[expect(clippy::disallowed_methods, reason = "the script under test, and tools")]
pub(crate) fn tool(name: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(name)
}

impl Machine {
    /// Engine and Compose are new enough, nothing is set up.
    pub(crate) fn new(shell: Shell) -> Self {
        let home = tempfile::tempdir().unwrap();
        let machine = Self {
            shell,
            home,
            ports: PORTS.iter().map(|_| KeptPort::new().unwrap()).collect(),
            settings: BTreeMap::new(),
            before: Vec::new(),
        };
        // Others get in where the folders below allow it.
        fs::set_permissions(machine.home(), PermissionsExt::from_mode(0o755)).unwrap();
        for folder in ["bin", "engine/running", "engine/states", "home server/grafana"] {
            fs::create_dir_all(machine.home().join(folder)).unwrap();
        }
        let bin = machine.home().join("bin");
        for program in PROGRAMS {
            let place = find_on_path(program).unwrap_or_else(|| panic!("no {program} on PATH"));
            symlink(place, bin.join(program)).unwrap();
        }
        symlink(root().join("tests/fixtures/docker/bin/docker"), bin.join("docker")).unwrap();
        symlink(real_compose(), machine.engine("compose")).unwrap();
        machine.play("engine", "26.1.4");
        machine.play("plugin", "2.26.1");
        let mut copy = tool("cp");
        copy.arg("-a").args([root().join("compose"), root().join("prometheus")]);
        assert!(copy.arg(machine.home().join("home server")).status().unwrap().success());
        let settings = root().join("grafana/grafana.env");
        fs::copy(settings, machine.home().join("home server/grafana/grafana.env")).unwrap();
        // What somebody has set up in this very folder.
        for name in [".env", "secrets", "backups"] {
            let place = machine.path(name);
            fs::remove_file(&place).or_else(|_| fs::remove_dir_all(&place)).ok();
        }
        let mut example = machine.read(".env.example");
        for (name, port) in PORTS.iter().zip(&machine.ports) {
            let at = example.find(&format!("\n{name}=")).unwrap() + 1;
            let end = at + example[at..].find('\n').unwrap();
            example.replace_range(at..end, &format!("{name}={}", port.address.port()));
        }
        machine.write(".env.example", &example);
        machine
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Of a file beside deploy.sh.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home().join("home server/compose").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// Names of what is in a folder beside deploy.sh; none if it is not there.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A file of the stand-in's, which says what they mean.
    pub(crate) fn engine(&self, name: &str) -> PathBuf {
        self.home().join("engine").join(name)
    }

    pub(crate) fn play(&self, name: &str, text: &str) {
        fs::write(self.engine(name), format!("{text}\n")).unwrap();
    }

    pub(crate) fn play_no(&self, name: &str) {
        fs::remove_file(self.engine(name)).unwrap();
    }

    /// The one that is no plug-in.
    pub(crate) fn give_docker_compose(&self, version: &str) {
        let stand_in = root().join("tests/fixtures/docker/bin/docker");
        symlink(stand_in, self.home().join("bin/docker-compose")).unwrap();
        self.play("standalone", version);
    }

    /// What the stand-in was called with since it was asked last, a line each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = fs::read_to_string(self.engine("notes")).unwrap_or_default();
        fs::remove_file(self.engine("notes")).ok();
        let project = format!(
            " --project-directory {0} -f {0}/compose.yaml",
            fs::canonicalize(self.path("")).unwrap().display()
        );
        notes.lines().map(|line| line.replace(&project, "")).collect()
    }

    pub(crate) fn running(&self) -> Vec<String> {
        let files = fs::read_dir(self.engine("running")).unwrap().flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Where this service would be published.
    pub(crate) fn port(&self, name: &str) -> std::net::SocketAddr {
        self.ports[PORTS.iter().position(|one| *one == name).unwrap()].address
    }

    /// In the environment of deploy.sh.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What starts the shell, such as another user's rights.
    pub(crate) fn through(mut self, command: &[&str]) -> Self {
        self.before = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// The command that runs a script with the shell.
    pub(crate) fn words(&self, script: &str) -> Vec<String> {
        let mut words = self.before.clone();
        words.extend(match self.shell {
            Shell::Dash => vec!["/usr/bin/dash".to_owned()],
            Shell::BusyBox => vec!["/usr/bin/busybox".to_owned(), "sh".to_owned()],
        });
        words.push(script.to_owned());
        words
    }

    /// Ready to be started in the folder of the script, in a group of processes of its own.
    pub(crate) fn command(&self, words: &[String]) -> Command {
        // A shell cannot take back that its parent ignores Ctrl-C, as one does in the background,
        // or the end of its terminal, as nohup does.
        let mut command = tool("/usr/bin/env");
        command
            .arg("--default-signal=INT,HUP")
            .args(words)
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", self.home().join("bin"))
            .env("STAND_IN", self.home().join("engine"))
            .envs(&self.settings)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_as("deploy.sh", &self.path(""), arguments)
    }

    /// As somebody calls it from another folder, or by another name.
    pub(crate) fn run_as(&self, script: &str, from: &Path, arguments: &[&str]) -> Output {
        let mut words = self.words(script);
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        finish(self.command(&words).current_dir(from).spawn().unwrap())
    }

    /// Started, up to the moment when the engine is asked for what `pause` says.
    pub(crate) fn pause(&self, arguments: &[&str]) -> Paused {
        let mut make = tool("mkfifo");
        let pipe = self.engine("go");
        assert!(pipe.exists() || make.arg(&pipe).status().unwrap().success());
        let mut words = self.words("deploy.sh");
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let mut paused = Paused { child: self.command(&words).spawn().unwrap(), pipe };
        paused.wait_for_pause(self);
        paused
    }

    #[track_caller]
    pub(crate) fn well(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "{:?} {arguments:?}: {output:#?}", self.shell);
        output
    }

    /// It fails with this code, and says each of these.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, arguments: &[&str], parts: &[&str]) -> Output {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(code), "{:?} {arguments:?}: {output:#?}", self.shell);
        for part in parts {
            let is_said = output.stderr.contains(part);
            assert!(is_said, "{:?} {arguments:?}: {part:?} is not in {output:#?}", self.shell);
        }
        output
    }
}

/// A run that waits for the engine.
pub(crate) struct Paused {
    child: Child,
    pipe: PathBuf,
}

impl Paused {
    pub(crate) fn wait_for_pause(&mut self, machine: &Machine) {
        clock::until("the engine is asked", || {
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "it has ended: {ended:?}");
            Ok(fs::remove_file(machine.engine("paused")).is_ok())
        })
        .unwrap();
    }

    /// To all of its processes, as a terminal does it.
    pub(crate) fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        assert!(tool("kill").args(["-s", signal, "--", &group]).status().unwrap().success());
    }

    /// The engine answers.
    pub(crate) fn go_on(self) -> Output {
        fs::write(&self.pipe, "\n").unwrap();
        self.end()
    }

    pub(crate) fn end(self) -> Output {
        finish(self.child)
    }
}

pub(crate) fn finish(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
